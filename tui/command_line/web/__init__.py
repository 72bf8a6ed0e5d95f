"""The console in a browser: who may open a page, and the process behind each page."""
