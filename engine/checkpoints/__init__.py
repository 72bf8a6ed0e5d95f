"""The whole state of a training in a file, and which files a run keeps."""
