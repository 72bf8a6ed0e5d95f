"""Measurements become points, points become a history and rows of the lab."""
