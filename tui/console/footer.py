"""The footer: the keys that are needed most, as many as there is room for."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from tui.console.keys import Group, Key

PADDING = 2
"""Columns beside a key's name and its word, when compact."""


class RankedFooter(Footer):
    """Shows keys by their rank as far as the width allows, in the order of their table, the program's own last.

    Args:
        keys: the table of keys, as the user's keymap has them.
    """

    def __init__(self, keys: Sequence[Key]) -> None:
        super().__init__(compact=True, show_command_palette=False)
        self._keys = keys
        self._room = 0

    def on_resize(self) -> None:
        """Choose the keys anew where there is more room or less."""
        if self.app.size.width != self._room:
            self.call_after_refresh(self.recompose)

    def compose(self) -> ComposeResult:
        """The keys."""
        self._room = self.app.size.width
        there = sorted((key for key in self._keys if key.rank), key=lambda key: key.group is Group.PROGRAM)
        for key in fitting(there, self._room):
            yield FooterKey(key.keys.split(",")[0], key.shown, key.label, key.action, tooltip=key.help).data_bind(
                compact=Footer.compact
            )


def fitting(keys: Sequence[Key], room: int) -> list[Key]:
    """The keys of the first ranks that fit into `room` columns, in the order in which they are given.

    Args:
        keys: keys that have a rank.
        room: columns.
    """
    chosen: set[str] = set()
    for key in sorted(keys, key=lambda key: key.rank):
        room -= cell_len(key.shown) + cell_len(key.label) + PADDING
        if room < 0:
            break
        chosen.add(key.id)
    return [key for key in keys if key.id in chosen]
