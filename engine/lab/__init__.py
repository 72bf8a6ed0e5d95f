"""The folder that holds runs, points, changes, hypotheses and checkpoints: one SQLite file and files beside it."""
