"""`charrnn-tui serve`: the console in a browser."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.budget import BUDGETS
from engine.errors import UserError
from engine.lab import Lab
from engine.settings import setting
from engine.text import made
from tui.command_line import options
from tui.command_line.served_run import NewestRun, ServedRun
from tui.terminal import on_signals

SHORTEST_TOKEN = 8
"""Characters of a token that the user may choose."""


def serve(
    text: str | None,
    lab: Path,
    given: Mapping[str, Any],
    *,
    preset: str,
    name: str | None,
    host: str,
    port: int,
    token: str | None,
) -> int:
    """Serve the console until a signal ends it; return the exit code.

    Raises UserError where there is no such text, or the server cannot begin.
    """
    if sys.platform == "win32":
        raise UserError("serve runs on Linux and macOS; use `charrnn-tui TEXT` in a terminal")
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise UserError(f"--token: expected at least {SHORTEST_TOKEN} characters; leave it out for one that is made")
    if not host:
        raise UserError("--host: expected a name or an address of this machine, such as 127.0.0.1")
    try:
        from tui.command_line.web.server import ConsoleServer
    except ModuleNotFoundError as error:
        raise UserError(
            f"serve needs the package {error.name}: `pip install 'charrnn-tui[serve]'` installs it"
        ) from error
    served = NewestRun(lab) if text is None else _served(text, lab, given, preset, name)
    server = ConsoleServer(host, port, token, served.open)
    return asyncio.run(_until_a_signal(server.serve_until))


def _served(text: str, lab: Path, given: Mapping[str, Any], preset: str, name: str | None) -> ServedRun:
    """A new run on a text, or a run of the lab; raises UserError where there is neither."""
    session = [f"--lab={lab}", *_options({each: given[each] for each in (*BUDGETS, "checkpoint_every")})]
    if text in made.NAMES or Path(text).is_file():
        settings = options.read_settings(preset, given)
        changed = {each: settings.write(each) for each in options.given_settings(given)}
        training = [*_options({"preset": preset, "name": name}), *_options(changed)]
        return ServedRun(lab, ["console", *training, *session, "--", text], session)
    if text == "-" or Path(text).exists():
        raise UserError(f"{text} can be read only once, and each page reads it: save it in a file, and serve that")
    if not Lab.is_in(lab):
        raise UserError(f"there is no text {text}: name a file, or one of {', '.join(made.NAMES)}")
    return ServedRun(lab, (), [*session, *_options(_of_this_machine(given, preset, name))], _stored(text, lab))


def _stored(run: str, lab: Path) -> str:
    """The name of a run in the lab, by its name or number; raises UserError where there is none."""
    with Lab.open_existing(lab) as opened:
        try:
            return opened.runs.own(run).name
        except UserError as error:
            raise UserError(f"there is no text {run}, and {error}") from error


def _of_this_machine(given: Mapping[str, Any], preset: str, name: str | None) -> Mapping[str, str]:
    """The settings that a run may be resumed with; raises UserError where another is given."""
    changed = options.given_settings(given)
    if fixed := [setting(each).option for each in changed if each not in options.COMPUTE]:
        raise UserError(f"{fixed[0]}: a run that is resumed has its settings already; leave it out")
    if name is not None or preset != "standard":
        raise UserError("--name and --preset are those of a new run; leave them out where one is resumed")
    return {each: setting(each).kind.write(value) for each, value in changed.items()}


def _options(values: Mapping[str, object]) -> Sequence[str]:
    """Options of the command line with their values; one that is None is left out."""
    return [f"--{name.replace('_', '-')}={value}" for name, value in values.items() if value is not None]


async def _until_a_signal(serve_until: Callable[[asyncio.Event], Awaitable[None]]) -> int:
    """Serve until a signal comes; return the exit code for it."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    with on_signals(lambda _number: loop.call_soon_threadsafe(stop.set)) as came:
        await serve_until(stop)
    return 128 + came[0]
