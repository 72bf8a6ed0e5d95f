"""Instruments that measure a network while it trains, one file per instrument.

An instrument looks at a `Subject` and returns a reading: a frozen dataclass of numbers and tuples of numbers. It
changes nothing that an update depends on: no parameter or gradient, and no optimiser state, carried state, cursor or
random generator.
"""
