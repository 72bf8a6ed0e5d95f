"""What a network has learnt, read off its losses and states over a text."""
