"""The knowledge of a network, read off its losses and states over a text."""
