"""The program from its first line on."""

from __future__ import annotations

import subprocess
import sys

INTERRUPTED_WHILE_IT_LOADS = """
import sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "engine.settings":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
from tui.command_line.program import main
main()
"""


def test_ctrl_c_while_it_loads_ends_it_without_a_word() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED_WHILE_IT_LOADS, "runs"], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
