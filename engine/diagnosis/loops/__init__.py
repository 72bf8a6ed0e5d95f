"""Faults of training loops that somebody else wrote, from what their process wrote down, and from their text."""
