"""The console's panes, one a file."""
