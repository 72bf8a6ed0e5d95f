"""The eight questions, each answered by an experiment on the user's text."""
