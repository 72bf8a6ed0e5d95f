"""The footer: the keys that are needed most, as many as there is room for."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from tui.console.keys import KEYS, Group, Key

PADDING = 2
"""Columns beside a key's name and its word, when compact."""


class RankedFooter(Footer):
    """Shows keys by their rank as far as the width allows, in the order of their table, the program's own last."""

    def on_resize(self) -> None:
        """Choose the keys anew."""
        self.call_after_refresh(self.recompose)

    def compose(self) -> ComposeResult:
        """The keys, as the user's keymap has them; those that do nothing here are left out."""
        active = {binding.id: binding for _, binding, _, _ in self.screen.active_bindings.values()}
        shown = {key.id: self.app.get_key_display(active[key.id]) for key in KEYS if key.rank and key.id in active}
        there = sorted((key for key in KEYS if key.id in shown), key=lambda key: key.group is Group.PROGRAM)
        chosen = fitting(there, [shown[key.id] for key in there], self.app.size.width)
        for key in chosen:
            yield FooterKey(
                active[key.id].key, shown[key.id], key.label, active[key.id].action, tooltip=key.help
            ).data_bind(compact=Footer.compact)


def fitting(keys: Sequence[Key], shown: Sequence[str], room: int) -> list[Key]:
    """The keys of the first ranks that fit into `room` columns, in the order in which they are given.

    Args:
        keys: keys that have a rank.
        shown: how each is written.
        room: columns.
    """
    chosen: set[str] = set()
    for key, name in sorted(zip(keys, shown, strict=True), key=lambda pair: pair[0].rank):
        room -= cell_len(name) + cell_len(key.label) + PADDING
        if room < 0:
            break
        chosen.add(key.id)
    return [key for key in keys if key.id in chosen]
