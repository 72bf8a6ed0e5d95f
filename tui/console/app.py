"""The console's application: the engine in a thread, and a screen that looks at it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from textual.binding import Binding
from textual.driver import Driver
from textual.message import Message

from engine.errors import UserError
from engine.events import RunStatus
from engine.session.commands import Quit
from engine.session.snapshot import Status
from tui.console.announcer import Announcer
from tui.console.choices import NO_CHOICES, Choices
from tui.console.keyboard import OneKeyAtATime
from tui.console.main_screen import ConsoleScreen
from tui.console.requests import Engine
from tui.console.themes import THEMES, terminal_colours
from tui.console.tour import Guide
from tui.preferences.notifications import NO_WISHES, Notifier, Wishes
from tui.terminal import SIGNALS, has_few_colours, in_browser, reason_of, terminal_message, wants_no_colours
from tui.words.safe_text import visible

SCREEN_SECONDS = 1.0
"""Seconds that the screen has to restore the terminal, after a signal and once everything is saved."""

SWITCH_SECONDS = 0.0005
"""Seconds that the screen may hold the interpreter lock (GIL) while the engine waits for it. Every call of torch takes
the lock again, so with Python's default of 5 ms a redraw of a few milliseconds stalls the training for much longer."""

WELCOME = "`charrnn-tui tour` shows this console in a minute, on a training that goes wrong. (Said only once.)"
WELCOME_SECONDS = 10.0


class EngineEnded(Message):
    """Sent when the engine's thread has ended."""


class NotificationFailed(Message):
    """Sent when a command of the user's has not done its work."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why


class Console(OneKeyAtATime[int]):
    """The application. Returns an exit code: 0 after everything is saved, 2 where the engine could not begin, and
    128 + n after signal n.

    Attributes:
        failure: what the user has to correct where the engine could not begin; otherwise empty.
        ended: what the engine has returned; None before its end.
        goes_on: whether the user wants the training to go on without the console.
        is_tour: whether lessons stand above the footer.
        welcomes: whether the tour is offered.
    """

    CSS_PATH = Path(__file__).with_name("console.tcss")
    TITLE = "charrnn-tui"
    COMMANDS = set()
    # Over every dialog: in a terminal this key ends a program. Only a field of text would copy by it.
    BINDINGS = [Binding("ctrl+c", "interrupt", "Quit", show=False, priority=True)]

    def __init__(self, engine: Engine, lab: Path, choices: Choices = NO_CHOICES, wishes: Wishes = NO_WISHES) -> None:
        # Textual shows grey tones where NO_COLOR is set, unless it leaves colours to the terminal.
        super().__init__(ansi_color=True if wants_no_colours() else None)
        for theme in THEMES:
            self.register_theme(theme)
        if choices.theme is not None:
            self.theme = choices.theme
        self.set_keymap(dict(choices.keymap))
        self._choices = choices
        self._announcer = Announcer(Notifier(wishes, self._ring, self._tell_failure))
        self.failure = ""
        self.ended: object = None
        self.goes_on = False
        self.is_tour = False
        self.welcomes = False
        self._engine = engine
        self._lab = lab
        self._crash: BaseException | None = None
        self._leaving: RunStatus | None = None
        self._engine_ended = False
        self._screen_ended = threading.Event()
        self._ending: threading.Thread | None = None
        # Not a daemon thread: one that is killed inside torch crashes the process.
        self._thread = threading.Thread(target=self._train, name="engine")

    def get_driver_class(self) -> type[Driver]:
        """Our tolerant drivers on Linux and macOS, and Textual's own on Windows."""
        if sys.platform == "win32":
            return super().get_driver_class()
        if in_browser():
            from tui.console.browser_driver import BrowserDriver

            return BrowserDriver
        from tui.console.driver import TerminalDriver

        return TerminalDriver

    def get_default_screen(self) -> ConsoleScreen:
        """The main screen."""
        return ConsoleScreen(
            self._engine,
            self._lab,
            self.leave,
            self.leave_running,
            keymap=self._choices.keymap,
            layout=self._choices.layout,
            guide=Guide() if self.is_tour else None,
            announcer=self._announcer,
        )

    def watch_theme(self, theme: str) -> None:
        """Have the colours of a terminal look as the theme wants them."""
        self.ansi_theme_dark, self.ansi_theme_light = terminal_colours(theme)

    def on_mount(self) -> None:
        """Paint first, then load the engine."""
        if not self.is_headless:
            if self.no_color or has_few_colours(self.console.color_system):
                self.theme = "ansi-dark"
            # Not through the event loop: while it waits for a terminal that takes no more output, it runs no handler.
            # Python's own handlers still run then.
            for number in SIGNALS.values():
                signal.signal(number, self._on_signal)
        if self.welcomes:
            self.notify(WELCOME, title="New here?", timeout=WELCOME_SECONDS, markup=False)
        sys.setswitchinterval(SWITCH_SECONDS)
        self.call_after_refresh(self._thread.start)

    def _ring(self, text: str) -> None:
        """Ring, and have the terminal show a line, through the driver: nothing else may write to the terminal now."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(terminal_message(text))

    def _tell_failure(self, why: str) -> None:
        self.post_message(NotificationFailed(why))

    def on_notification_failed(self, message: NotificationFailed) -> None:
        """Say why the user was not notified."""
        self.notify(visible(message.why, lines=False), severity="warning", markup=False)

    async def action_quit(self) -> None:
        """Leave by Textual's own key, which works in every dialog; the same as q."""
        self.leave(RunStatus.QUIT)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether a key may do this: the one that ends a program may be the user's own for something else."""
        keymap = self._choices.keymap
        if action == "interrupt" and ("interrupt" in keymap or "ctrl+c" in keymap.values()):
            return False
        return super().check_action(action, parameters)

    def action_interrupt(self) -> None:
        """Leave, whatever dialog is open."""
        self.leave(RunStatus.QUIT)

    def leave(self, reason: RunStatus) -> None:
        """Save everything, then end."""
        if not self._leaving:
            self._leaving = reason
            self._engine.send(Quit(reason))
            if self._engine_ended:
                self.post_message(EngineEnded())

    def leave_running(self) -> None:
        """Save everything and end; the training is to go on without a console."""
        self.goes_on = True
        self.leave(RunStatus.QUIT)

    def tell_page(self, **said: object) -> None:
        """Tell the server of the page something, where the console is in a browser."""
        if self._driver is not None and self._driver.is_web:
            from tui.console.browser_driver import BrowserDriver

            assert isinstance(self._driver, BrowserDriver)
            self._driver.write_meta(said)

    def join(self) -> None:
        """Wait for the engine's thread, however the screen has ended; if a bug ended it, raise that exception."""
        self._screen_ended.set()
        if self._thread.is_alive():
            self._engine.send(Quit(RunStatus.QUIT))
            self._thread.join()
        if self._crash is not None:
            raise self._crash

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.leave(reason_of(number))
        # A terminal that closes sends its signal more than once.
        if self._ending is None:
            self._ending = threading.Thread(
                target=self._end_without_screen, args=(128 + number,), name="end", daemon=True
            )
            self._ending.start()

    def _end_without_screen(self, code: int) -> None:
        """End the process once everything is saved, even if the screen still waits for a terminal that is gone."""
        if self._thread.is_alive():
            self._thread.join()
        if not self._screen_ended.wait(SCREEN_SECONDS):
            os._exit(code)

    def _train(self) -> None:
        try:
            self.ended = self._engine.run()
        except UserError as error:
            self.failure = str(error)
        except BaseException as error:  # noqa: BLE001 - raised again by `join`, once the terminal is as it was
            self._crash = error
        finally:
            self.post_message(EngineEnded())

    def on_engine_ended(self) -> None:
        """End too; where the engine failed, keep its message on the screen until the user leaves."""
        self._engine_ended = True
        failed = self._engine.snapshot().status is Status.FAILED
        if self._leaving or not failed:
            self.exit(self._exit_code(failed))

    def _exit_code(self, failed: bool) -> int:
        if failed:
            return 2
        return 128 + SIGNALS[self._leaving] if self._leaving in SIGNALS else 0
