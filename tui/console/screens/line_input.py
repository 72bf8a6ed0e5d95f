"""A field for one line."""

from __future__ import annotations

from textual.events import Key, Paste
from textual.widgets import Input

from tui.words.safe_text import visible


class LineInput(Input):
    """An input that takes keys in the order in which they are typed, and joins the lines of a paste.

    Textual's own input inserts characters at once, but its other keys travel to the application and back first, and
    characters typed after them arrive before them. It also drops all but the first line of a paste.
    """

    async def on_key(self, event: Key) -> None:
        """Run the action of one of the field's own keys before the next key is handled."""
        bound = self._bindings.key_to_bindings.get(event.key)
        if bound:
            event.stop()
            event.prevent_default()
            await self.run_action(bound[0].action)

    def on_paste(self, event: Paste) -> None:
        """Pass on one line, without control characters."""
        text = visible(" ".join(event.text.split()), lines=False)
        # Of a text that is too long Textual would take nothing.
        event.text = text if not self.max_length else text[: max(0, self.max_length - len(self.value))]
