"""The network, where and how it computes, its validation loss, and text sampled from it."""
