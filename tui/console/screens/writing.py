"""The dialog in which the network continues a text, and shows what else each character might have been."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from engine.network.drawn import Drawn
from engine.session.snapshot import Continuation, Snapshot
from tui.console.screens.line_input import LineInput
from tui.drawing.bars import lying
from tui.words.safe_text import visible

LOOK_SECONDS = 0.1
"""Seconds between two looks at what was written."""

LONGEST = 1_000
"""The most characters of a text that can be typed: it is read at once, while the training waits."""

TASTE = (("temperature", "m", "M"), ("top_k", "k", "K"), ("top_p", "p", "P"), ("min_p", "n", "N"))
"""The settings that shape a sample, with the keys that turn them down and up."""

BAR = 10

HINT, HINT_IN_TEXT = (
    "enter: write · tab: into the text · escape: leave",
    "← → ↑ ↓: look · tab: the beginning · escape: leave",
)
"""The keys of the field, and those of the text."""


ELSEWHERE = "What else it might have written is known in the console that trains."


class WrittenText(Static, can_focus=True):
    """A text and what was written after it, with a cursor on one of the written characters."""

    BINDINGS = [
        ("left", "move(-1)", "Back"),
        ("right", "move(1)", "On"),
        ("up", "move_line(-1)", "Up"),
        ("down", "move_line(1)", "Down"),
        ("home", "move(-1000000)", "First"),
        ("end", "move(1000000)", "Last"),
    ]

    class Moved(Message):
        """The cursor stands elsewhere."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._text = Continuation("")
        self._place = 0

    @property
    def under_cursor(self) -> Drawn | None:
        """The character under the cursor; None while nothing is written."""
        written = self._written
        return written[min(self._place, len(written) - 1)] if written else None

    @property
    def _written(self) -> list[Drawn]:
        """The characters that can be seen: one in bytes comes with its last byte."""
        return [each for each in self._text.drawn if each.text]

    def show(self, text: Continuation) -> None:
        """Show a text; the cursor goes to the beginning of another one."""
        if text.prime != self._text.prime or len(text.drawn) < len(self._text.drawn):
            self._place = 0
        self._text = text
        self._draw()

    def action_move(self, characters: int) -> None:
        """Move the cursor."""
        self._place = max(0, min(self._place + characters, len(self._written) - 1))
        self._draw()

    def action_move_line(self, lines: int) -> None:
        """Move the cursor to the nearest place in another line."""
        places = columns(self._shown(), max(1, self.content_size.width))[len(self._text.prime) :]
        if not places:
            return
        line, column = places[self._place]
        distances = {place: abs(at - column) for place, (other, at) in enumerate(places) if other == line + lines}
        if distances:
            self._place = min(distances, key=distances.__getitem__)
            self._draw()

    def on_focus(self) -> None:
        """Show the cursor."""
        self._draw()

    def on_blur(self) -> None:
        """Hide the cursor."""
        self._draw()

    def on_resize(self) -> None:
        """Break the lines anew."""
        self._draw()

    def _shown(self) -> list[str]:
        return [*self._text.prime, *(each.text for each in self._written)]

    def _draw(self) -> None:
        shown, width, before = self._shown(), max(1, self.content_size.width), len(self._text.prime)
        drawn, at = Text(no_wrap=True, overflow="crop"), 0
        for place, (character, (line, _)) in enumerate(zip(shown, columns(shown, width), strict=True)):
            drawn.append("\n" * (line - at))
            at = line
            marked = self.has_focus and place == before + self._place
            style = "reverse" if marked else "dim" if place < before else ""
            drawn.append(pictured(character) if marked or not character.isspace() else " ", style)
        self.update(drawn)
        self.post_message(self.Moved())


class WritingDialog(ModalScreen[None]):
    """Continues a text that is typed.

    Args:
        look: returns the latest snapshot.
        write: asks for the continuation of a text.
        turn: turns a setting by one rung down (-1) or up (1).
    """

    BINDINGS = [
        ("escape", "dismiss", "Leave"),
        *(
            (key, f"turn('{knob}', {way})", knob)
            for knob, *both in TASTE
            for key, way in zip(both, (-1, 1), strict=True)
        ),
        ("enter", "write", "Write"),
    ]
    AUTO_FOCUS = "#prime"

    def __init__(
        self, look: Callable[[], Snapshot], write: Callable[[str], None], turn: Callable[[str, int], None]
    ) -> None:
        super().__init__()
        self._look, self._write, self._turn = look, write, turn
        self._drawn: object = None
        self._asked = False

    def compose(self) -> ComposeResult:
        """A field for the beginning, the text, and the alternatives beside it."""
        before = self._look().continuation
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "Write"
            dialog.border_subtitle = HINT
            yield LineInput(
                before.prime if before else "",
                placeholder="the beginning of a text, or nothing; enter: the network goes on",
                id="prime",
                max_length=LONGEST,
                select_on_focus=False,
            )
            with Horizontal(id="writing"):
                yield WrittenText(id="written")
                yield Static(id="chances")
            yield Static(id="taste", markup=False)

    def on_mount(self) -> None:
        """Begin to look at what is written."""
        self.set_interval(LOOK_SECONDS, self.show)
        self.call_after_refresh(self.show)

    def show(self) -> None:
        """Draw what has been written, if it has changed."""
        snapshot = self._look()
        what = (snapshot.continuation, [snapshot.settings.write(knob) for knob, *_ in TASTE])
        if what == self._drawn:
            return
        self._drawn = what
        self.query_one("#taste", Static).update(taste(snapshot))
        if (text := snapshot.continuation) is not None:
            written = self.query_one(WrittenText)
            written.show(text)
            if self._asked and text.drawn:
                self._asked = False
                written.focus()

    def on_written_text_moved(self) -> None:
        """Show the alternatives to the character under the cursor."""
        text, drawn = self._look().continuation, self.query_one(WrittenText).under_cursor
        trouble = text.trouble if text is not None else ""
        shown = Text(trouble) if drawn is None else chances(drawn) if drawn.chances else Text(ELSEWHERE, style="dim")
        self.query_one("#chances", Static).update(shown)
        self.query_one(".dialog").border_subtitle = HINT_IN_TEXT if self.query_one(WrittenText).has_focus else HINT

    def on_input_submitted(self) -> None:
        """Have the text continued."""
        self.action_write()

    def action_write(self) -> None:
        """Have the text continued, and go to what comes."""
        self._asked = True
        self._write(self.query_one("#prime", Input).value)

    def action_turn(self, knob: str, direction: int) -> None:
        """Turn a setting of the sample by one rung."""
        self._turn(knob, direction)


def columns(characters: Sequence[str], width: int) -> list[tuple[int, int]]:
    """The line and column of each character. Lines are broken between words; white space at their ends may reach out.

    A word that is longer than a line is broken anywhere.
    """
    places: list[tuple[int, int]] = []
    line = column = 0
    for gap, word in groupby(characters, str.isspace):
        cells = [(character, cell_len(pictured(character))) for character in word]
        whole = sum(each for _, each in cells)
        if not gap and column + whole > width >= whole:
            line, column = line + 1, 0
        for character, each in cells:
            if not gap and column + each > width:
                line, column = line + 1, 0
            places.append((line, column))
            line, column = (line + 1, 0) if character == "\n" else (line, column + each)
    return places


def pictured(character: str) -> str:
    """A character as it is seen under the cursor and in a list."""
    return {"\n": "↵", " ": "␣", "\t": "⇥"}.get(character) or visible(character, lines=False)


def chances(drawn: Drawn) -> Text:
    """The likeliest characters at a place, with the one that was drawn marked."""
    text = Text("  what else, how likely\n", style="dim")
    for name, chance in drawn.chances:
        mark, style = ("›", "bold") if name == drawn.name else (" ", "")
        share = f"{chance:.0%}".removesuffix("%") if chance >= 0.01 else "<1"
        text.append(f"{mark} {set_cell_size(pictured(name), 4)} {share:>3} % {lying(chance, 1, BAR)}\n", style)
    return text


def taste(snapshot: Snapshot) -> str:
    """The settings that shape a sample, with their keys."""
    return " · ".join(
        f"{down} {up} {knob.replace('_', '-')} {snapshot.settings.write(knob)}" for knob, down, up in TASTE
    )
