"""The training: windows, updates, optimisers, and the state that the next update depends on."""
