"""Values in words: everything that is said on the screen, on the command line and in reports."""
