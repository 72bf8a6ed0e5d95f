"""The console and the command line: shows and asks, and never touches a tensor."""
