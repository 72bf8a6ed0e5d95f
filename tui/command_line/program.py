"""The program: the command line, which Ctrl-C ends without a word even while it is being loaded."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command line with the process' arguments; exits with its code."""
    try:
        from tui.command_line.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
