"""The statistics of a race: paired differences, intervals, verdicts."""
