"""Experiments as the questions share them."""
