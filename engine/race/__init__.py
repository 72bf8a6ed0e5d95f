"""Races: variants trained side by side, over several seeds, until the difference between them is known."""
