"""Errors that the user can correct."""


class UserError(Exception):
    """An error that the user can correct, in one line: what is wrong, and what would be right.

    The command line prints it and exits with code 2; the console shows it as a message.
    """


class TextLostError(UserError):
    """The text that is trained on can no longer be read. The training is as it was, and can be saved."""
