"""Charts and bars as text."""
