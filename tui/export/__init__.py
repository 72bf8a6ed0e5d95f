"""Exports of runs and races, for other programs and for readers."""
