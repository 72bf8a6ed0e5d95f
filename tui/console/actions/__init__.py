"""The actions of the keys that do more than send one command, a file for each topic."""
