"""Values in words, for the screen, the command line and reports."""
