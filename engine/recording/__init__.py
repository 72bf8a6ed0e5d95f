"""Turns measurements into points, and points into a history and rows of the lab."""
