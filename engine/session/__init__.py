"""A training that a screen controls and shows: commands in, snapshots out."""
