"""The lab's runs: one or more laid over the running one, or two compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Footer, Input, Static
from textual.widgets.selection_list import Selection

from engine.errors import UserError
from tui.charts import COLOURS, SYMBOLS, Curve, View, loss_chart, nats
from tui.safe_text import visible
from tui.screens.line_input import LineInput
from tui.screens.marks import MarkList

if TYPE_CHECKING:
    from engine.lab import Run

MOST_CURVES = 2
"""So many runs can be told apart beside the running one."""


class RunsDialog(ModalScreen[tuple[Curve, ...] | None]):
    """Returns the curves to lay over the running one; None when left."""

    BINDINGS = [("escape", "dismiss", "Leave"), ("slash", "search", "Search")]
    AUTO_FOCUS = "#runs"

    def __init__(self, lab: Path, live: str) -> None:
        super().__init__()
        self._lab = lab
        self._live = live
        self._runs: list[Run] = []

    def compose(self) -> ComposeResult:
        """A field to search in, the runs, and what to do with the chosen ones."""
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "Runs"
            dialog.border_subtitle = "space: mark · tab: buttons · /: search · escape: leave"
            yield LineInput(placeholder="search", id="search")
            yield MarkList(id="runs")
            yield Static("reading the lab …", id="runs-message", classes="error", markup=False)
            with Horizontal():
                yield Button("Lay over", id="lay-over", disabled=True, variant="primary")
                yield Button("Compare two", id="compare", disabled=True)
                yield Button("Clear", id="clear", disabled=True)

    def on_mount(self) -> None:
        """Read the lab beside the screen."""
        self._read_runs()

    @work(thread=True)
    def _read_runs(self) -> None:
        from engine.lab import Lab  # SQLAlchemy takes longer to load than the first paint may

        try:
            with Lab.open_existing(self._lab) as lab:
                runs = lab.runs()
        except UserError as error:
            self.app.call_from_thread(self._say, str(error))
            return
        self.app.call_from_thread(self._list, runs)

    def _list(self, runs: list[Run]) -> None:
        self._runs = [run for run in reversed(runs) if run.name != self._live]
        self._say("" if self._runs else "the lab has no other run")
        for button in self.query(Button):
            button.disabled = not self._runs
        self._search("")

    def action_search(self) -> None:
        """Go to the field that finds runs."""
        self.query_one("#search", Input).focus()

    def _search(self, words: str) -> None:
        found = self.query_one("#runs", MarkList)
        chosen = set(found.selected)
        found.clear_options()
        for run in self._runs:
            line = _line(run)
            if all(word in line.lower() for word in words.lower().split()):
                found.add_option(Selection(Text(line), run.name, run.name in chosen))
        if found.option_count:
            found.highlighted = 0

    def _say(self, message: str) -> None:
        self.query_one("#runs-message", Static).update(visible(message, lines=False))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the runs that match."""
        self._search(event.value)

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        """Go on to the runs."""
        self.query_one("#runs", MarkList).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Read the chosen runs' curves, or take the ones that are laid over away."""
        chosen = [str(name) for name in self.query_one("#runs", MarkList).selected]
        if event.button.id == "clear":
            self.dismiss(())
        elif event.button.id == "compare" and len(chosen) != MOST_CURVES:
            self._say("choose two runs with space, then compare them")
        elif not 1 <= len(chosen) <= MOST_CURVES:
            self._say("choose one run or two with space")
        else:
            self._read_curves(chosen, compare=event.button.id == "compare")

    @work(thread=True)
    def _read_curves(self, names: list[str], *, compare: bool) -> None:
        from engine.lab import Lab  # SQLAlchemy takes longer to load than the first paint may

        try:
            with Lab.open_existing(self._lab) as lab:
                runs = [lab.run(name) for name in names]
                curves = tuple(Curve(run.name, lab.points(run), lab.validations(run)) for run in runs)
        except UserError as error:
            self.app.call_from_thread(self._say, str(error))
            return
        if compare:
            self.app.call_from_thread(self.app.push_screen, CompareScreen(runs, curves))
        else:
            self.app.call_from_thread(self.dismiss, curves)


class CompareScreen(Screen[None]):
    """Two runs' curves in one chart, and their settings where they differ."""

    BINDINGS = [("escape,q", "dismiss", "Back"), ("x", "log_scale", "Log scale")]

    def __init__(self, runs: list[Run], curves: tuple[Curve, ...]) -> None:
        super().__init__()
        self._runs = runs
        self._curves = curves
        self._view = View()

    def compose(self) -> ComposeResult:
        """A chart and a line a run."""
        chart = Static(id="compare-chart")
        chart.border_subtitle = "characters trained on"
        yield chart
        yield Static(self._legend(), id="compare-legend")
        yield Footer(show_command_palette=False)

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self._draw)

    def action_log_scale(self) -> None:
        """A linear loss axis, or a logarithmic one."""
        self._view = View(log=not self._view.log)
        self._draw()

    def _draw(self) -> None:
        chart = self.query_one("#compare-chart", Static)
        chart.border_title = f"Loss · nats/char{' log' if self._view.log else ''}"
        width, height = chart.content_size
        chart.update(loss_chart(self._curves, (), self._view, width, height))

    def _legend(self) -> Text:
        first, second = (run.settings for run in self._runs)
        different = [name for name in first if first[name] != second.get(name)]
        lines = []
        for run, colour, symbol in zip(self._runs, COLOURS, SYMBOLS, strict=False):
            text = Text.assemble((f"── {symbol} ", colour), visible(run.name, lines=False))
            text.append(f"  {run.network}  update {run.update:,}  best {_best(run)}", style="dim")
            text.append("".join(f"  {name} {run.settings[name]}" for name in different), style="not dim bold")
            lines.append(text)
        return Text("\n").join(lines)


def _best(run: Run) -> str:
    return "–" if run.best is None else nats(run.best)


def _line(run: Run) -> str:
    line = f"{run.name:<24} {run.text:<20} {run.network:<12} {run.update:>9,}  best {_best(run)}  {run.status}"
    return visible(line, lines=False)
