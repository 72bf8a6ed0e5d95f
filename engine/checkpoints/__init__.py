"""Checkpoints: the whole state of a training in a file, and the files that a run keeps."""
