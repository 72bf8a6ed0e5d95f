"""A field for one line."""

from __future__ import annotations

from textual.events import Key, Paste
from textual.widgets import Input

from tui.words.safe_text import visible


class LineInput(Input):
    """Takes keys in the order in which they were typed, and joins the lines of what is pasted.

    Textual's own field inserts characters at once but lets its other keys pass up to the application and back, by when
    the characters behind them are there; and it drops all but the first line of a paste.
    """

    async def on_key(self, event: Key) -> None:
        """Do what the field's own keys stand for before the next key is looked at."""
        bound = self._bindings.key_to_bindings.get(event.key)
        if bound:
            event.stop()
            event.prevent_default()
            await self.run_action(bound[0].action)

    def on_paste(self, event: Paste) -> None:
        """Hand on one line, without anything that a terminal would obey."""
        event.text = visible(" ".join(event.text.split()), lines=False)
