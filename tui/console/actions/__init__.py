"""The actions of keys that do more than send one command, one file per topic."""
