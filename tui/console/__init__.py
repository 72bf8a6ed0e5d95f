"""The console: a Textual app around a session."""
