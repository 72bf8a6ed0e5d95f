"""The console's page in a real browser, where there is one: letters, keys, colours, and what stands in the address."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import WebSocket, async_playwright

from tests.terminal.test_serve import Drawn, Serve, is_training, serve
from tests.waiting import PATIENCE

pytestmark = pytest.mark.xdist_group("terminal")

__all__ = ["serve"]  # a fixture

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

ALONE = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
"""Chromium asks nobody for anything."""


class Seen(Drawn):
    """The traffic of a page's connection: the browser itself draws it on a canvas, from which no words are read."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = asyncio.Event()

    def follow(self, connection: WebSocket) -> None:
        connection.on("framereceived", self._received)
        connection.on("framesent", self._sent)

    def _received(self, part: str | bytes) -> None:
        if isinstance(part, bytes):
            self.draw(part)
            self._changed.set()

    def _sent(self, part: str | bytes) -> None:
        kind, *values = json.loads(part)
        if kind == "resize":
            self.screen.resize(values[0]["height"], values[0]["width"])

    async def until(self, condition: Callable[[str], Any]) -> None:
        while not condition(self.text):
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), PATIENCE)


@pytest.mark.soak
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
async def test_the_console_in_chromium(serve: Serve, tmp_path: Path) -> None:
    served = serve()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ALONE)
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        seen, troubles, hosts = Seen(), list[str](), set[str]()
        page.on("websocket", seen.follow)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
        page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
        await page.goto(served.page)
        await seen.until(is_training)
        # Nothing was clicked: the page has the keys, and the footer says which.
        await seen.until(lambda text: "spc Pause" in text)
        await page.keyboard.press("b")
        await seen.until(lambda text: "bptt 20 → 10 — applied" in text)
        await page.keyboard.press("Space")
        await seen.until(lambda text: "‖ paused" in text)
        picture = await page.screenshot(path=tmp_path / "page.png")
        assert picture[:8] == b"\x89PNG\r\n\x1a\n"
        assert await page.title() == "charrnn-tui"
        assert page.url == f"{served.origin}/"
        assert await page.evaluate("document.fonts.check('14px \"Roboto Mono\"')")
        assert await page.evaluate("document.cookie") == ""
        assert hosts == {served.host}
        assert troubles == []
        await page.keyboard.press("q")
        await page.get_by_text("This console has ended").wait_for(timeout=PATIENCE * 1000)
        await page.get_by_role("button", name="Open it again").click()
        await seen.until(lambda text: is_training(text) and "bptt 10" in text)
        await browser.close()
