"""Buttons and lists that show what is chosen by shape, not by colour alone."""

from __future__ import annotations

from rich.segment import Segment
from textual.content import Content
from textual.strip import Strip
from textual.widgets import RadioButton, SelectionList

CHOSEN, FREE = "●", "○"
MARKED, UNMARKED = "X", " "


class Choice(RadioButton):
    """A radio button whose circle is full or empty."""

    def render(self) -> Content:
        """Its circle and its label."""
        self.BUTTON_INNER = CHOSEN if self.value else FREE
        return super().render()


class MarkList(SelectionList[str]):
    """A list whose marked rows have a cross."""

    def action_select(self) -> None:
        """Mark the row on which the key was pressed, or take its mark away.

        Textual marks the row that is highlighted when its message arrives, which is another one after quick keys.
        """
        if self.highlighted is not None:
            self.toggle(self.get_option_at_index(self.highlighted))

    def render_line(self, y: int) -> Strip:
        """A row with a mark of our own, since Textual's is the same for marked and unmarked rows."""
        left, mark, *rest = super().render_line(y)
        row = self.scroll_offset.y + y
        if row >= self.option_count:
            return Strip([left, mark, *rest])
        marked = self.get_option_at_index(row).value in self.selected
        return Strip([left, Segment(MARKED if marked else UNMARKED, mark.style), *rest])
