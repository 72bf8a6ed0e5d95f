"""The dialog of an autopsy: its progress, its report, and a button that tries the remedy."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from engine.autopsy.outcome import Report, report_of
from engine.errors import UserError
from engine.events import AUTOPSY, Trial
from engine.session.commands import Dissect, StopDissecting
from engine.session.snapshot import Snapshot
from engine.settings import Settings, setting
from tui.drawing.autopsies import lines
from tui.drawing.bars import lying
from tui.words.safe_text import visible

LOOK_SECONDS = 0.25
"""Seconds between two looks at the progress of the autopsy."""

BAR = 30


class AutopsyDialog(ModalScreen[Trial | Dissect | StopDissecting | None]):
    """Returns the change to try, or a command; None where the user leaves, and then the autopsy goes on.

    Args:
        look: returns the latest snapshot.
    """

    BINDINGS = [
        ("escape,A", "dismiss", "Leave"),
        ("t", "try_it", "Try it"),
        ("x", "stop", "Stop"),
        ("r", "again", "Again"),
    ]
    AUTO_FOCUS = "#autopsy-text"

    def __init__(self, look: Callable[[], Snapshot]) -> None:
        super().__init__()
        self._look = look
        self._drawn: object = None
        self._trial: Trial | None = None

    def compose(self) -> ComposeResult:
        """The progress or the report, and a button that tries the remedy."""
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "Autopsy"
            with VerticalScroll(id="autopsy-text"):
                yield Static(id="autopsy-lines")
            yield Button("", id="try", variant="primary")

    def on_mount(self) -> None:
        """Begin to look at the progress."""
        self.set_interval(LOOK_SECONDS, self.show)
        self.call_after_refresh(self.show)

    def on_resize(self) -> None:
        """Draw for the new width."""
        self.call_after_refresh(self.show)

    def show(self) -> None:
        """Draw the progress or the report, if it has changed."""
        snapshot = self._look()
        width = max(20, self.query_one("#autopsy-text").scrollable_content_region.width)
        share, report = under_way(snapshot), last_of(snapshot)
        what = (share, report, width, snapshot.settings)
        if what == self._drawn:
            return
        self._drawn = what
        dialog, button = self.query_one(".dialog"), self.query_one("#try", Button)
        self._trial = None
        if share is not None:
            dialog.border_subtitle = "x: stop · escape: leave (the autopsy goes on)"
            self.query_one("#autopsy-lines", Static).update(progress(share))
            button.display = False
            return
        button.display = True
        dialog.border_subtitle = "t: try it · r: again · ↑ ↓: scroll · escape: leave"
        if report is None:
            self.query_one("#autopsy-lines", Static).update("There is no report: the log says why.")
            words, possible = "nothing to try", False
        else:
            self.query_one("#autopsy-lines", Static).update(Text("\n").join(lines(report, width)))
            words, possible = remedy(report.trial, snapshot.settings)
            self._trial = report.trial if possible else None
        button.label = Text(words)
        button.disabled = not possible

    def on_button_pressed(self) -> None:
        """Leave with the change."""
        self.action_try_it()

    def action_try_it(self) -> None:
        """Leave with the change, if there is one."""
        if self._trial is not None:
            self.dismiss(self._trial)

    def action_stop(self) -> None:
        """Leave with the command that stops the autopsy."""
        if under_way(self._look()) is not None:
            self.dismiss(StopDissecting())

    def action_again(self) -> None:
        """Leave with the command that begins another autopsy."""
        if under_way(self._look()) is None:
            self.dismiss(Dissect())


def under_way(snapshot: Snapshot) -> float | None:
    """The share of the autopsy that is done; None if no autopsy is under way."""
    return snapshot.busy[1] if snapshot.busy is not None and snapshot.busy[0] == AUTOPSY else None


def last_of(snapshot: Snapshot) -> Report | None:
    """The last report that can be read; None without one."""
    for probe in reversed(snapshot.probes.get(AUTOPSY, ())):
        try:
            return report_of(probe)
        except (KeyError, TypeError, ValueError):
            continue  # written by another version
    return None


def progress(share: float) -> Text:
    """The progress as text, with a bar."""
    bar = lying(share, 1.0, BAR)
    return Text.assemble(
        "The state before it is replayed, with one thing changed at a time.\n\n", (bar, "cyan"), f" {share:.0%}"
    )


def remedy(trial: Trial | None, settings: Settings) -> tuple[str, bool]:
    """The label of the button, and whether it can be pressed."""
    if trial is None:
        return "no knob removes it", False
    try:
        now = setting(trial.knob).kind.write(getattr(settings, trial.knob))
    except UserError:
        return f"there is no knob {visible(trial.knob, lines=False)}", False
    value = visible(trial.value, lines=False)
    if now == value:
        return f"{trial.knob} is {value} already", False
    return f"try it (t): {trial.knob} {now} → {value}", True
