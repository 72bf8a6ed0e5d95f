"""The console and the command line. They show and ask, and never touch a tensor."""
