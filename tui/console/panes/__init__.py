"""The console's panes, one file per pane."""
