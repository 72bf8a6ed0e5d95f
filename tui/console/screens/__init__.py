"""The console's screens, one file per screen."""
