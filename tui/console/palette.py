"""The command palette, from the table of keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.console.keys import KEYS, Key


class KeyCommands(Provider):
    """Finds a key's action by its label or its help."""

    async def discover(self) -> AsyncIterator[DiscoveryHit]:
        """All keys, before anything is typed."""
        for key in KEYS:
            yield DiscoveryHit(_title(key), self._run(key), help=key.help)

    async def search(self, query: str) -> Hits:
        """The keys that match what was typed."""
        matcher = self.matcher(query)
        for key in KEYS:
            score = max(matcher.match(_title(key)), matcher.match(key.help))
            if score > 0:
                yield Hit(score, matcher.highlight(_title(key)), self._run(key), help=key.help)

    def _run(self, key: Key) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await self.screen.run_action(key.action)

        return run


def _title(key: Key) -> str:
    return f"{key.label} ({key.shown})"
