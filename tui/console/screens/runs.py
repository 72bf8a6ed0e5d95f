"""The dialog of the lab's runs: some can be laid over the current one, or compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Footer, Input, Static
from textual.widgets.selection_list import Selection

from engine.errors import UserError
from engine.events import Change
from tui.console.screens.line_input import LineInput
from tui.console.screens.marks import MarkList
from tui.drawing.curves import MOST_CURVES, STYLES, SYMBOLS, Curve, drawn_once
from tui.drawing.loss_chart import View, loss_chart
from tui.words.family import families
from tui.words.numbers import nats
from tui.words.safe_text import visible

if TYPE_CHECKING:
    from engine.lab import Run

LONGEST_LABEL = 44
"""The most columns of a run's label, so that the details after the labels are aligned."""


class RunsDialog(ModalScreen[tuple[Curve, ...] | None]):
    """Returns the curves to lay over the current run's; None where the user leaves."""

    BINDINGS = [("escape", "dismiss", "Leave"), ("slash", "search", "Search")]
    AUTO_FOCUS = "#runs"

    def __init__(self, lab: Path, live: str) -> None:
        super().__init__()
        self._lab = lab
        self._live = live
        self._runs: list[Run] = []
        self._hidden: set[str] = set()
        """The marked runs that the search does not show."""

    def compose(self) -> ComposeResult:
        """A search field, the runs, and buttons for the marked ones."""
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "Runs"
            dialog.border_subtitle = "space: mark · tab: buttons · /: search · escape: leave"
            yield LineInput(placeholder="search", id="search")
            yield MarkList(id="runs")
            yield Static("reading the lab …", id="runs-message", classes="error", markup=False)
            with Horizontal():
                yield Button("Lay over", id="lay-over", disabled=True, variant="primary")
                yield Button("Compare", id="compare", disabled=True)
                yield Button("Clear", id="clear", disabled=True)

    def on_mount(self) -> None:
        """Read the lab in a thread."""
        self._read_runs()

    @work(thread=True)
    def _read_runs(self) -> None:
        from engine.lab import Lab
        from engine.recording.copying import copy_all

        try:
            copy_all(self._lab)
            with Lab.open_existing(self._lab) as lab:
                runs = lab.runs.standalone()
        except UserError as error:
            self.app.call_from_thread(self._say, str(error))
            return
        self.app.call_from_thread(self._list, runs)

    def _list(self, runs: list[Run]) -> None:
        others = any(run.name != self._live for run in runs)
        self._runs = runs if others else []
        self._say("" if others else "the lab has no other run")
        for button in self.query(Button):
            button.disabled = not others
        self._search("")

    def action_search(self) -> None:
        """Move the focus to the search field."""
        self.query_one("#search", Input).focus()

    def _search(self, words: str) -> None:
        found = self.query_one("#runs", MarkList)
        chosen = self._hidden | set(found.selected)
        found.clear_options()
        matching = [run for run in self._runs if _matches(run, words)]
        self._hidden = chosen - {run.name for run in matching}
        shown = families(matching)
        updates = max((len(f"{run.update:,}") for run in matching), default=0)
        width = min(LONGEST_LABEL, max((cell_len(label) for _, label in shown), default=0))
        for run, label in shown:
            line = f"{label}{' ' * (width - cell_len(label))}  {_about(run, updates, here=run.name == self._live)}"
            found.add_option(Selection(Text(line), run.name, run.name in chosen))
        if found.option_count:
            found.highlighted = 0

    def _say(self, message: str) -> None:
        self.query_one("#runs-message", Static).update(visible(message, lines=False))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the runs that match."""
        self._search(event.value)

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        """Move the focus to the runs."""
        self.query_one("#runs", MarkList).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Read the curves of the marked runs, or remove those that are laid over."""
        marked = self._hidden | set(self.query_one("#runs", MarkList).selected)
        chosen = [run.name for run, _ in families(self._runs) if run.name in marked]
        others = [name for name in chosen if name != self._live]
        if event.button.id == "clear":
            self.dismiss(())
        elif event.button.id == "compare":
            if 2 <= len(chosen) <= MOST_CURVES:
                self._compare(chosen)
            else:
                self._say(f"choose two to {MOST_CURVES} runs with space, then compare them")
        elif 1 <= len(others) < MOST_CURVES:
            self._lay_over(others)
        else:
            self._say(f"choose one to {MOST_CURVES - 1} other runs with space")

    @work(thread=True)
    def _lay_over(self, names: list[str]) -> None:
        if (stored := self._read(names)) is not None:
            self.app.call_from_thread(self.dismiss, tuple(each.curve for each in stored))

    @work(thread=True)
    def _compare(self, names: list[str]) -> None:
        if (stored := self._read(names)) is not None:
            self.app.call_from_thread(self.app.push_screen, CompareScreen(stored))

    def _read(self, names: list[str]) -> list[_Stored] | None:
        """The stored curves of some runs; where they cannot be read, say why and return None."""
        from engine.lab import Lab

        found = []
        try:
            with Lab.open_existing(self._lab) as lab:
                for name in names:
                    run = lab.runs.get(name)
                    curve = Curve(run.name, lab.events.points(run), lab.events.validations(run))
                    changes = [each for each in lab.events.log(run) if isinstance(each, Change) and not each.undone]
                    found.append(_Stored(run, curve, changes))
        except UserError as error:
            self.app.call_from_thread(self._say, str(error))
            return None
        return found


@dataclass(frozen=True, slots=True)
class _Stored:
    """A stored run, its curve, and its changes that are not undone, oldest first."""

    run: Run
    curve: Curve
    changes: Sequence[Change]


class CompareScreen(Screen[None]):
    """The curves of some runs in one chart, with the settings and the changes in which they differ."""

    BINDINGS = [("escape,q", "dismiss", "Back"), ("x", "log_scale", "Log scale")]

    def __init__(self, stored: list[_Stored]) -> None:
        super().__init__()
        self._stored = stored
        self._curves = drawn_once([each.curve for each in stored])
        self._view = View()

    def compose(self) -> ComposeResult:
        """A chart, and a legend that describes each run."""
        chart = Static(id="compare-chart")
        chart.border_subtitle = "characters trained on"
        yield chart
        with VerticalScroll(id="compare-legend"):
            yield Static(_legend(self._stored))
        yield Footer(show_command_palette=False)

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self._draw)

    def action_log_scale(self) -> None:
        """Switch between a linear and a logarithmic loss axis."""
        self._view = View(log=not self._view.log)
        self._draw()

    def _draw(self) -> None:
        chart = self.query_one("#compare-chart", Static)
        chart.border_title = f"Loss · nats/char{' log' if self._view.log else ''}"
        width, height = chart.content_size
        chart.update(loss_chart(self._curves, (), self._view, width, height).text)


def _legend(stored: Sequence[_Stored]) -> Text:
    """For each run: how it is drawn, how far it is, and the settings and changes that not all runs share."""
    settings = [each.run.settings for each in stored]
    different = [name for name in settings[0] if any(other.get(name) != settings[0][name] for other in settings)]
    common = set.intersection(*({_key(change) for change in each.changes} for each in stored))
    lines = []
    for number, each in enumerate(stored):
        run, style = each.run, STYLES[number]
        text = Text.assemble((f"─{number + 1}─ {SYMBOLS[number]} ", style), visible(run.name, lines=False))
        text.append(f"  {run.network}  update {run.update:,}  best {nats(run.best)}", style="dim")
        text.append("".join(f"  {name} {run.settings.get(name, '–')}" for name in different), style="not dim bold")
        lines.append(text)
        if own := [change for change in each.changes if _key(change) not in common]:
            lines.append(Text(f"      {_words(own)}"))
    return Text("\n").join(lines)


def _key(change: Change) -> tuple[int, str, str, str]:
    """The values that are equal if two runs have made the same change."""
    return change.update, change.knob, change.old, change.new


def _words(changes: Sequence[Change]) -> str:
    """Such as `from update 1,240 lr 0.004 → 0.001 · from update 2,000 clip 1 → off`.

    Several turns of a knob between two updates count as one change.
    """
    parts: list[Change] = []
    for change in changes:
        before = parts[-1] if parts else None
        if before is not None and (before.update, before.knob) == (change.update, change.knob):
            parts[-1] = replace(before, new=change.new)
        else:
            parts.append(change)
    words = " · ".join(f"from update {each.update:,} {each.knob} {each.old} → {each.new}" for each in parts)
    return visible(words, lines=False)


def _matches(run: Run, words: str) -> bool:
    """Whether every word is in the line that describes a run."""
    origin = "" if run.parent is None else run.parent[0]
    line = f"{run.name} {origin} {_about(run)}".lower()
    return all(word in line for word in words.lower().split())


def _about(run: Run, updates: int = 0, *, here: bool = False) -> str:
    """The description of a run: how far it is, its best loss, its status, network and text.

    Args:
        run: the run.
        updates: columns for the number of its updates.
        here: whether this console trains it.
    """
    status = "here" if here else run.status
    line = f"{run.update:>{updates},} best {nats(run.best):<8} {status:<11}  {run.network}  {run.text}"
    return visible(line, lines=False)
