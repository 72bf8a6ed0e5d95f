"""The server of the console's pages."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import secrets
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote

import aiohttp_jinja2
from aiohttp import WSCloseCode, web
from textual_serve.server import Server, to_int

from engine.errors import UserError
from tui.command_line.web.guard import Guard, Names
from tui.command_line.web.tab import Tab

TEMPLATES = Path(__file__).with_name("templates")

FONT_SIZE = 14
"""Pixels of a letter, unless the page's address says another `fontsize`."""

OpenTab = Callable[[Tab, int, int], Awaitable[None]]
"""Starts the console of a tab with so many columns and rows."""


class ConsoleServer(Server):
    """Serves a page, and for each connection of such a page a console.

    Args:
        host: the name or address to listen on.
        port: the port; 0 for any that is free.
        token: the secret that a browser has to know; None for a new one.
        open_tab: starts the console of a page.
    """

    def __init__(self, host: str, port: int, token: str | None, open_tab: OpenTab) -> None:
        super().__init__("", host=host, port=port, title="charrnn-tui", templates_path=TEMPLATES)
        self._token = secrets.token_urlsafe(24) if token is None else token
        self._open_tab = open_tab
        self._tabs: set[Tab] = set()
        self._addresses: frozenset[str] = frozenset()

    async def serve_until(self, stop: asyncio.Event) -> None:
        """Serve until the event is set, then have every console save and end.

        Raises UserError where the host is unknown or the port cannot be had.
        """
        self._addresses = await self._resolve()
        runner = web.AppRunner(await self._make_app(), access_log=None)
        await runner.setup()
        try:
            await self._listen(runner)
            self._greet(runner.addresses[0][1])
            await stop.wait()
        finally:
            await runner.cleanup()

    async def _resolve(self) -> frozenset[str]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise UserError(
                f"--host {self.host}: there is no such host: name one of this machine, such as 127.0.0.1, or 0.0.0.0 "
                "for all of its addresses"
            ) from error
        return frozenset(str(each[4][0]).partition("%")[0] for each in found)

    async def _listen(self, runner: web.AppRunner) -> None:
        try:
            await web.TCPSite(runner, self.host, self.port).start()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise UserError(f"--port {self.port}: another program uses it: name another, or 0 for any") from error
            if error.errno == errno.EADDRNOTAVAIL:
                raise UserError(
                    f"--host {self.host}: this machine has no such address: name one of its own, or 0.0.0.0 for all"
                ) from error
            reason = error.strerror or str(error)
            raise UserError(f"--host {self.host} --port {self.port}: cannot be listened on: {reason}") from error

    def _greet(self, port: int) -> None:
        """Say where the page is."""
        addresses = [ipaddress.ip_address(each) for each in self._addresses]
        host = socket.gethostname() if any(each.is_unspecified for each in addresses) else self.host
        host = f"[{host}]" if ":" in host else host
        print(f"The console is at http://{host}:{port}/?token={quote(self._token, safe='')}")
        if not all(each.is_loopback for each in addresses):
            print("Whoever knows this address can steer the training; it is not encrypted on its way.")
        print("ctrl+c saves and ends.", flush=True)

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        Guard(Names.of(self.host, self._addresses, socket.gethostname()), self._token).protect(app)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing yet: the port may be another program's."""

    async def on_shutdown(self, app: web.Application) -> None:  # noqa: ARG002 - aiohttp passes it
        """Have every console save and end."""
        await asyncio.gather(*(tab.stop() for tab in self._tabs))

    async def handle_index(self, request: web.Request) -> web.Response:
        """The page. It connects to the name and port that it was opened under: those of a tunnel, for example."""
        context = {
            "websocket": f"ws://{request.host}{request.app.router['websocket'].url_for()}",
            "static": request.app.router["static"].url_for(filename=""),
            "font_size": to_int(request.query.get("fontsize", ""), FONT_SIZE),
        }
        return aiohttp_jinja2.render_template("page.html", request, context)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """The connection of a page: a console for as long as both last."""
        websocket = web.WebSocketResponse(heartbeat=15)
        await websocket.prepare(request)
        tab = Tab(websocket, self.download_manager)
        self._tabs.add(tab)
        try:
            size = (to_int(request.query.get(name, ""), least) for name, least in (("width", 80), ("height", 24)))
            await self._open_tab(tab, *size)
            await self._process_messages(websocket, tab)
        except (AssertionError, LookupError, TypeError, ValueError):
            await websocket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"not a message of the page")
        finally:
            await tab.stop()
            self._tabs.discard(tab)
            await websocket.close()
        return websocket
