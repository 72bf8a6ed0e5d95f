"""Why a loss climbed: the state before it, replayed with one thing changed at a time.

`rise` finds where a loss begins to climb, `trouble` where a run's did, `remedies` are what is changed, `replay` trains
on from a state, `look` measures it, `judgement` says which remedy tells the cause, and `conductor` does all of it.
"""
