"""The cause of a climbing loss: the state before the climb is replayed with one thing changed at a time.

`rise` finds where a loss begins to climb, and `trouble` where a run's loss did. `remedies` has the changes, `replay`
trains from a state and measures it, `judgement` derives the cause, and `conductor` directs an autopsy.
"""
