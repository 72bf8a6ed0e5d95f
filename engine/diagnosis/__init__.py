"""Findings: why a training goes wrong, from the whole of its history.

`record` collects the measurements, and `signs` computes from them the numbers that decide. Each of the other files
holds the rules of one family of causes and their thresholds, `thresholds` holds those that families share, and
`diagnosis` begins and ends findings. docs/diagnosis.md gives the evidence for each threshold.
"""
