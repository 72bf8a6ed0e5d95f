"""The command palette, from the table of keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.console.keys import HasKeys, Key
from tui.console.themes import NAMES


class KeyCommands(Provider):
    """Finds a key's action by its label or its help."""

    async def discover(self) -> AsyncIterator[DiscoveryHit]:
        """All keys, before anything is typed."""
        for key in self._keys():
            yield DiscoveryHit(_title(key), self._run(key), help=key.help)

    async def search(self, query: str) -> Hits:
        """The keys that match what was typed."""
        matcher = self.matcher(query)
        for key in self._keys():
            score = max(matcher.match(_title(key)), matcher.match(key.help))
            if score > 0:
                yield Hit(score, matcher.highlight(_title(key)), self._run(key), help=key.help)

    def _keys(self) -> tuple[Key, ...]:
        assert isinstance(self.screen, HasKeys)
        return self.screen.keys

    def _run(self, key: Key) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await self.screen.run_action(key.action)

        return run


class ThemeCommands(Provider):
    """Finds a theme by its name."""

    async def search(self, query: str) -> Hits:
        """The themes that match what was typed."""
        matcher = self.matcher(query)
        for name in NAMES:
            if (score := matcher.match(f"theme {name}")) > 0:
                yield Hit(
                    score, matcher.highlight(f"theme {name}"), self._choose(name), help="Use this theme from now on."
                )

    def _choose(self, name: str) -> Callable[[], Awaitable[None]]:
        async def choose() -> None:
            await self.screen.run_action(f"theme({name!r})")

        return choose


def _title(key: Key) -> str:
    return f"{key.label} ({key.shown})"
