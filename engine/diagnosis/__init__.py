"""What is wrong with a training: findings, from the whole of its history.

`record` gathers what was measured, `signs` says what it amounts to, each of the other files holds the rules of one
family of causes and their thresholds, `thresholds` holds those that families share, and `diagnosis` lets findings begin
and end. docs/diagnosis.md says what each threshold rests on.
"""
