"""A text file as integer ids with a vocabulary."""
