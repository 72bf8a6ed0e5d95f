"""What the lab keeps of runs, written out for other programs and for readers."""
