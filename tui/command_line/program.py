"""The program: the command line, which Ctrl-C ends without a word even while it is being loaded."""

from __future__ import annotations

import signal
import sys

COMMAND = (sys.executable, "-P", "-c", "from tui.command_line.program import main; main()")
"""The program, as a process of its own. A module in the working directory may be called like one of ours."""


def main() -> None:
    """Run the command line with the process' arguments; exits with its code."""
    try:
        from tui.command_line.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
