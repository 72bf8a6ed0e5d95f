"""What the user can mend."""


class UserError(Exception):
    """Something the user can mend, said in one line: what is wrong, and what would be right.

    The command line prints it and exits with code 2; the console shows it as a message.
    """
