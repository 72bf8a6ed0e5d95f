"""What is measured of a network while it trains, one file an instrument.

An instrument looks at a `Subject` and returns a reading: a frozen dataclass of numbers and tuples of numbers. It
changes nothing that an update depends on, neither parameters and their gradients nor what the optimiser remembers,
carried state, cursors or random generators.
"""
