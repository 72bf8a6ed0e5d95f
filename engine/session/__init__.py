"""A training that a screen looks at: commands in, snapshots out."""
