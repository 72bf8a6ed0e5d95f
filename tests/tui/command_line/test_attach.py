"""Which journal `charrnn-tui attach` takes for a run."""

from __future__ import annotations

import os
from pathlib import Path

from charrnn.journal import VERSION, Writer, new_folder

from tui.command_line.attach import journal_of


def test_a_fork_is_found_in_the_journal_of_the_training_that_goes_on_as_it(tmp_path: Path) -> None:
    journal = Writer(new_folder(tmp_path, "a-1"))
    journal.write("begin", version=VERSION, program="a.txt", process=os.getpid(), own="a-1")
    assert journal_of(tmp_path, "a-1") == journal.folder
    journal.write("event", kind="Start", values={"run": "a-2"})
    assert journal_of(tmp_path, "a-2") == journal.folder
    assert journal_of(tmp_path, "a-1") is None
    journal.close()
    assert journal_of(tmp_path, "a-2") is None
