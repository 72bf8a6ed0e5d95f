"""The command line as a process of its own, for the test of a signal."""

from __future__ import annotations

from tui.command_line.cli import main

if __name__ == "__main__":
    main()
