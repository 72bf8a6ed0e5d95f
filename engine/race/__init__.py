"""An idea put to the test: variants trained side by side, over seeds, until the difference is known."""
