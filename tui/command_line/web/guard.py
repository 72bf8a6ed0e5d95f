"""Who may talk to the server: pages of its own, under a name of its own, that know the token."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import hdrs, web
from yarl import URL

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

HEADERS = {
    # The page needs a script and styles within it; everything else comes from here, and no other page may frame it.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "Referrer-Policy": "no-referrer",  # The token is in the first address.
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""Headers of every answer."""


@dataclass(frozen=True)
class Names:
    """The names under which a server may be reached.

    Attributes:
        names: host names and addresses, in lower case.
        any_address: whether every address counts, as where the server listens on all of them. A name that somebody
            else has pointed at this machine is none.
    """

    names: frozenset[str]
    any_address: bool

    @classmethod
    def of(cls, host: str, addresses: frozenset[str], own_name: str) -> Names:
        """The names of a server that listens on these addresses, to which `host` resolves."""
        any_address = any(ipaddress.ip_address(each).is_unspecified for each in addresses)
        is_loopback = any_address or any(ipaddress.ip_address(each).is_loopback for each in addresses)
        names = {host, *addresses, *(LOOPBACK_NAMES if is_loopback else ()), *([own_name] if any_address else ())}
        return cls(frozenset(each.lower() for each in names), any_address)

    def have(self, host: str) -> bool:
        """Whether a Host header is one of them. Its port may be another: that of a tunnel, for example."""
        try:
            name = (URL(f"http://{host}").host or "").lower()
        except ValueError:
            return False
        return name in self.names or (self.any_address and _is_address(name))


class Guard:
    """Refuses requests of strangers.

    The token is in the address of the first request, and from then on in a cookie, which no script can read and no
    other site's page can send.

    Args:
        names: the names of the server.
        token: the secret that a browser has to know.
    """

    def __init__(self, names: Names, token: str) -> None:
        self._names, self._token = names, token
        # Cookies are kept by host and not by port: several servers of one machine must not overwrite each other's.
        self._digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
        self._cookie = f"charrnn-tui-{self._digest[:8]}"

    def protect(self, app: web.Application) -> None:
        """Refuse what strangers ask of an application, and add headers and the cookie to its answers."""

        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            knows_token = self._check(request)
            response = await handler(request)
            if knows_token and not response.prepared:
                response.set_cookie(self._cookie, self._digest, httponly=True, samesite="Strict")
            return response

        app.middlewares.append(guarded)
        app.on_response_prepare.append(_add_headers)

    def _check(self, request: web.Request) -> bool:
        """Raise an answer that refuses the request where it is a stranger's.

        Returns whether its address had the token.
        """
        hosts = request.headers.getall(hdrs.HOST, [])
        if len(hosts) != 1 or not self._names.have(hosts[0]):
            raise web.HTTPMisdirectedRequest(text="This server has another name: open the address that it printed.\n")
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and origin.lower() != f"http://{hosts[0]}".lower():
            raise web.HTTPForbidden(text="Pages of other sites may not talk to this server.\n")
        knows = _equal(request.query.get("token", ""), self._token)
        if not knows and not _equal(request.cookies.get(self._cookie, ""), self._digest):
            raise web.HTTPForbidden(text="The token is missing or wrong: open the address that the server printed.\n")
        return knows


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _equal(given: str, right: str) -> bool:
    """Whether two secrets are the same, in a time that does not tell how far they agree."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), right.encode("utf-8", "surrogateescape"))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
