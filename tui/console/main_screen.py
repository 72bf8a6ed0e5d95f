"""The main screen: a header, the panes of a layout, others that are shown alone, and the keys."""

from __future__ import annotations

import time
from asyncio import sleep
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.events import Resize
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import Static

from engine.errors import UserError
from engine.events import RunStatus
from engine.session.commands import (
    Command,
    Continue,
    CoolDown,
    Dissect,
    Evaluate,
    Fork,
    Measure,
    Pause,
    Save,
    Step,
    Undo,
    WriteSample,
)
from engine.session.snapshot import Snapshot, Status
from tui.console.actions.hyperparameters import Hyperparameters
from tui.console.actions.research import Research
from tui.console.actions.troubleshooting import Troubleshooting
from tui.console.announcer import Announcer
from tui.console.choices import keep_layout, keep_theme
from tui.console.conversation import Conversation
from tui.console.footer import RankedFooter
from tui.console.keys import KEYS, Key, moved, rekeyed
from tui.console.layout import LARGE, Layout
from tui.console.pace import Pace
from tui.console.palette import KeyCommands, ThemeCommands
from tui.console.panes.by_lag import ByLagPane
from tui.console.panes.gradient import GradientPane
from tui.console.panes.header import Header
from tui.console.panes.instruments import InstrumentsPane
from tui.console.panes.log import LogPane
from tui.console.panes.loss import LossPane
from tui.console.panes.matrices import MatricesPane
from tui.console.panes.pane import Pane
from tui.console.panes.races import RacesPane
from tui.console.panes.reading import ReadingPane
from tui.console.panes.sample import SamplePane
from tui.console.panes.text_pane import TextPane
from tui.console.requests import Engine
from tui.console.screens.glossary import GlossaryDialog
from tui.console.screens.help import HelpScreen
from tui.console.screens.jump import JumpOverlay
from tui.console.screens.writing import WritingDialog
from tui.console.themes import CYCLE
from tui.console.tour import TOUR_RACE, Guide, Seen
from tui.words.safe_text import visible

SMALLEST = (80, 24)
"""Columns and rows below which the panes cannot be read."""

PANES: Mapping[str, type[LossPane | GradientPane | LogPane | SamplePane | TextPane]] = {
    "loss": LossPane,
    "gradient": GradientPane,
    "by-lag": ByLagPane,
    "log": LogPane,
    "sample": SamplePane,
    "reading": ReadingPane,
    "matrices": MatricesPane,
    "instruments": InstrumentsPane,
    "races": RacesPane,
}
"""The panes by their ids; a layout shows some of them together."""

SINGLE_COMMANDS: Mapping[str, Command] = {
    "update": Step(),
    "undo": Undo(),
    "save": Save(),
    "fork": Fork(),
    "evaluate": Evaluate(),
    "cool-down": CoolDown(),
    "sharpness": Measure("sharpness"),
}
"""Commands that a key sends as they are, by the word in its action `send`."""

REPLY_SECONDS = 0.25
"""Seconds between two redraws of the header while a reply is awaited."""

PAUSE_SECONDS = 1.0
"""Seconds that a training has to pause before the terminal is given back: an update may take longer."""


class ConsoleScreen(Screen[None]):
    """Pulls snapshots on a timer and draws them; passes on what the keys ask for.

    Attributes:
        conversation: the requests to the engine, and the message about them.
        keys: the table of keys, with the user's own.
        dialogs: the functions that open dialogs, by the word in a key's action `open`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in KEYS]
    COMMANDS = {KeyCommands, ThemeCommands}
    ALLOW_IN_MAXIMIZED_VIEW = "Header, Guide, RankedFooter, #too-small"

    def __init__(
        self,
        engine: Engine,
        lab: Path,
        leave: Callable[[RunStatus], None],
        leave_running: Callable[[], None],
        *,
        keymap: Mapping[str, str],
        layout: Layout,
        guide: Guide | None,
        announcer: Announcer,
    ) -> None:
        super().__init__()
        self.keys: tuple[Key, ...] = rekeyed(KEYS, keymap)
        self._layout = layout
        self._guide = guide
        self._engine = engine
        self._announcer = announcer
        self._leave = leave
        self._leave_running = leave_running
        self.conversation = Conversation(engine, alarm=self._alarm, redraw=self.refresh_all)
        self._hyperparameters = Hyperparameters(self, self.conversation)
        research = Research(self, self.conversation, lab)
        if guide is not None:
            research.last_race = TOUR_RACE
        self._troubleshooting = Troubleshooting(self, self.conversation, self._hyperparameters, research)
        self.dialogs: Mapping[str, Callable[[], None]] = {
            "edit": self._hyperparameters.edit,
            "findings": self._troubleshooting.findings,
            "try": self._troubleshooting.try_it,
            "autopsy": self._troubleshooting.autopsy,
            "hypothesis": research.write_hypothesis,
            "conclude": research.conclude,
            "race": research.race,
            "stop-race": research.stop_race,
            "runs": research.compare_runs,
            "glossary": self._open_glossary,
            "help": self._open_help,
            "jump": self._open_jump,
            "write": self._open_writing,
        }

    def compose(self) -> ComposeResult:
        """Header, panes, footer, and the text that replaces them where there is no room."""
        yield Header(moved(KEYS, self.keys))
        with Container(id="panes"):
            for name, pane in PANES.items():
                yield pane(id=name)
        if self._guide is not None:
            yield self._guide
        yield RankedFooter(self.keys)
        yield Static(id="too-small")

    def on_mount(self) -> None:
        """Begin to pull snapshots."""
        self._pace = Pace(time.thread_time())
        self.set_interval(REPLY_SECONDS, self._look_for_replies)
        self.call_after_refresh(self._draw_on)

    def on_resize(self, event: Resize) -> None:
        """Say how much room is needed where there is too little."""
        width, height = event.size
        small = width < SMALLEST[0] or height < SMALLEST[1]
        self.set_class(small, "small")
        self._arrange(event.size)
        if small:
            needed = f"{SMALLEST[0]}×{SMALLEST[1]} needed\n{width}×{height} here"
            self.query_one("#too-small", Static).update(needed)
        self.call_after_refresh(self.refresh_all)

    def _draw_on(self) -> None:
        """Draw, now and from now on. What an earlier drawing has left to do was done by now."""
        seconds = self._pace.seconds(time.thread_time())
        self.refresh_all()
        self.set_timer(seconds, self._draw_on)

    def refresh_all(self) -> None:
        """Draw the latest snapshot, everywhere and at once: that takes little longer than a part of it alone."""
        self.refresh_header()
        self.refresh_panes()

    def refresh_header(self) -> None:
        """Take the replies to requests, and draw the header."""
        snapshot = self._engine.snapshot()
        self._announcer.notice(snapshot)
        done = self.conversation.settle(snapshot)
        self._follow(snapshot)
        self._hyperparameters.notice(snapshot)
        if any(isinstance(command, Dissect) for command in done):
            self._troubleshooting.show_autopsy()
        if not self.has_class("small"):
            self.query_one(Header).show(snapshot, self.conversation.requests, self.conversation.message)

    def on_screen_suspend(self) -> None:
        """A dialog has opened, which the tour may wait for."""
        self._follow(self._engine.snapshot())

    def _follow(self, snapshot: Snapshot) -> None:
        """Go on with the tour where its lesson is done."""
        if self._guide is not None:
            self._guide.follow(Seen(snapshot, tuple(self.app.screen_stack[1:])))

    def _look_for_replies(self) -> None:
        """Draw the header sooner where something was asked for."""
        if self.conversation.requests.waiting:
            self.refresh_header()

    def refresh_panes(self) -> None:
        """Draw the visible panes."""
        if self.has_class("small"):
            return
        snapshot = self._engine.snapshot()
        for kind in PANES.values():
            if (pane := self.query_one(kind)).display:
                pane.show(snapshot)

    # --- actions: what a key does ---------------------------------------------------------------------------------

    def action_pause(self) -> None:
        """Pause, or go on."""
        self.conversation.send(Pause() if self._engine.snapshot().status is Status.TRAINING else Continue())

    def action_send(self, command: str) -> None:
        """Send one of `SINGLE_COMMANDS`."""
        self.conversation.send(SINGLE_COMMANDS[command])

    def action_open(self, dialog: str) -> None:
        """Open one of `dialogs`."""
        self.dialogs[dialog]()

    def action_step(self, knob: str, direction: int) -> None:
        """Turn a knob by one rung."""
        self._hyperparameters.step(knob, direction)

    def action_clip(self) -> None:
        """Turn clipping off, or on at the last bound."""
        self._hyperparameters.toggle_clip()

    def action_log_scale(self) -> None:
        """Switch between a linear and a logarithmic loss axis."""
        self.query_one(LossPane).toggle_log()
        self.refresh_all()

    def action_part(self) -> None:
        """Switch between the whole run and its last part."""
        self.query_one(LossPane).toggle_part()
        self.refresh_all()

    def action_zoom(self, factor: float) -> None:
        """Show a part that is `factor` times as long."""
        self.query_one(LossPane).zoom(factor)
        self.refresh_all()

    def action_cursor(self, columns: int) -> None:
        """Move the cursor on the loss chart."""
        self.query_one(LossPane).move_cursor(columns)
        self.refresh_all()

    def action_maximise(self, pane: str = "") -> None:
        """Show one pane alone, or all of them again."""
        wanted = self.query_one(f"#{pane}", Pane) if pane else self.maximized or self.focused
        if wanted is self.maximized:
            self.minimize()
        elif isinstance(wanted, Pane):
            self.maximize(wanted, container=False)
            # Only a visible pane can be focused, and a hidden one becomes visible with the next refresh.
            self.call_after_refresh(wanted.focus)
        self.call_after_refresh(self.refresh_all)

    def action_sort(self, direction: int) -> None:
        """Sort the matrices by another column."""
        pane = self.query_one(MatricesPane)
        if pane.display:
            pane.sort(direction)
        else:
            self.conversation.say("6 shows the weight matrices; , and . sort them there")

    def action_theme(self, name: str = "") -> None:
        """Switch to a theme, or to the next one, and keep it for the next console."""
        place = CYCLE.index(self.app.theme) if self.app.theme in CYCLE else -1
        self.app.theme = name or CYCLE[(place + 1) % len(CYCLE)]
        try:
            keep_theme(self.app.theme)
        except UserError as error:
            self.conversation.refuse(str(error))
        else:
            self.conversation.say(f"theme {self.app.theme}")

    def action_layout(self) -> None:
        """Show other panes together, and begin with them from now on."""
        self._layout = self._layout.next
        self._arrange(self.size)
        try:
            keep_layout(self._layout)
        except UserError as error:
            self.conversation.say(f"layout {self._layout}, for now: {error}")
        else:
            self.conversation.say(f"layout {self._layout}")
        self.call_after_refresh(self.refresh_all)

    def action_change_tab(self) -> None:
        """Show the log in place of the hypotheses, or the other way round."""
        pane = self.query_one(LogPane)
        pane.tab = pane.tab.other
        self.refresh_panes()

    def action_leave(self) -> None:
        """Save everything and leave."""
        self.conversation.say("saving …")
        self._leave(RunStatus.QUIT)

    def action_leave_running(self) -> None:
        """Leave, and let the training go on."""
        if self._engine.snapshot().status is Status.LOADING:
            self.conversation.refuse("nothing is loaded yet: it can be left running once it trains")
            return
        self.conversation.say("saving …")
        self._leave_running()

    async def action_suspend(self) -> None:
        """Give the terminal back to the shell until `fg`. A training of this process waits, and its time with it."""
        trains = self._engine.is_here and self._engine.snapshot().status is Status.TRAINING
        if trains:
            self.conversation.send(Pause())
            latest = time.monotonic() + PAUSE_SECONDS
            while self._engine.snapshot().status is Status.TRAINING and time.monotonic() < latest:
                await sleep(PAUSE_SECONDS / 20)
        self.app.action_suspend_process()
        if trains:
            self.conversation.send(Continue())

    # --- helpers --------------------------------------------------------------------------------------------------

    def _arrange(self, size: Size) -> None:
        """Show the panes of the layout, in its order."""
        large = size.width >= LARGE[0] and size.height >= LARGE[1]
        self.set_class(large, "large")
        for layout in Layout:
            self.set_class(layout is self._layout, f"-{layout}")
        shown = self._layout.panes(large=large)
        for name in PANES:
            self.query_one(f"#{name}").set_class(name in shown, "-shown")
        places = {name: place for place, name in enumerate(shown)}
        self.query_one("#panes").sort_children(key=lambda pane: places.get(str(pane.id), len(places)))

    def _open_glossary(self) -> None:
        """Open the glossary, with the terms of the current pane first."""
        pane = self.maximized or self.focused
        self.app.push_screen(GlossaryDialog(pane.TERMS if isinstance(pane, Pane) else LossPane.TERMS))

    def _open_jump(self) -> None:
        """Write on each pane the key that goes there."""
        keys = {key.action: key.shown for key in self.keys}
        panes = [pane for pane in self.query(Pane) if pane.region and (self.maximized or pane) is pane]
        places = {keys[f"maximise('{pane.id}')"]: (str(pane.id), pane.region) for pane in panes}
        self.app.push_screen(JumpOverlay(places), self._jump)

    def _jump(self, pane: str | None) -> None:
        if pane is not None:
            self.query_one(f"#{pane}").focus()

    def _open_help(self) -> None:
        self.app.push_screen(HelpScreen(self.keys, watched=self._engine.snapshot().watched))

    def _open_writing(self) -> None:
        """Have the network continue a text; a program's own network is refused by the engine, in its words."""
        if self._engine.snapshot().watched:
            self.conversation.send(WriteSample())
        else:
            self.app.push_screen(
                WritingDialog(
                    self._engine.snapshot,
                    lambda prime: self.conversation.send(WriteSample(prime)),
                    self._hyperparameters.step,
                )
            )

    def _alarm(self, why: str) -> None:
        self.notify(visible(why, lines=False), severity="error", markup=False)
