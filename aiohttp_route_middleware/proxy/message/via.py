"""The way of a request through proxies: `Via` and `Max-Forwards`, and when it has gone far enough.

Rules kept here:
- Each proxy adds itself to `Via`; a request that has come through us already is in a loop (RFC 9110, section 7.6.3).
- `Via` is read from the incoming request, so that no `Connection` field hides a loop.
- `Max-Forwards` counts for OPTIONS and TRACE alone: at 0 nobody passes them on (RFC 9110, section 7.6.2).
"""

from __future__ import annotations

import re
import secrets

from aiohttp import HttpVersion10, HttpVersion11, hdrs, web
from multidict import CIMultiDict

from ...errors import ConfigurationError
from ...syntax import TOKEN, is_token

__all__ = ("HTTPLoopDetected", "Via", "answer_last_hop", "count_hop", "make_pseudonym")

_COUNTED = frozenset((hdrs.METH_OPTIONS, hdrs.METH_TRACE))
_MOST = 10**9  # a recipient has a largest number that it supports (RFC 9110, section 7.6.2)
_VERSIONS = (HttpVersion11, HttpVersion10)


class HTTPLoopDetected(web.HTTPServerError):
    """The request has come back to the proxy that has sent it (RFC 5842, section 7.2)."""

    status_code = 508


class Via:
    """One proxy, as it names itself in `Via`.

    Args:
        name: what this is made for, as in errors.
        pseudonym: a token.

    Raises:
        ConfigurationError: the pseudonym is no token.
    """

    def __init__(self, name: str, pseudonym: object) -> None:
        if not isinstance(pseudonym, str) or not is_token(pseudonym):
            cure = 'write one word, as in via="shop-proxy", or None for no Via'
            raise ConfigurationError(name, f"via={pseudonym!r}, which is no token", cure=cure)
        self._pseudonym = pseudonym
        self._elements = {one: f"{one.major}.{one.minor} {pseudonym}" for one in _VERSIONS}
        # received-protocol RWS received-by, and perhaps a comment
        self._pattern = re.compile(rf"(?:\A|,)[ \t]*(?:{TOKEN}/)?{TOKEN}[ \t]+{re.escape(pseudonym)}(?![^ \t,(])")

    def write(self, incoming: web.Request, headers: CIMultiDict[str]) -> None:
        """Add this proxy to what was received.

        Raises:
            HTTPLoopDetected: it is there already.
        """
        received = incoming.headers.getall(hdrs.VIA, ())
        version = incoming.version  # of what was received, not of what is sent
        ours = self._elements.get(version) or f"{version.major}.{version.minor} {self._pseudonym}"
        if received and self._pattern.search(", ".join(received)):
            raise HTTPLoopDetected(text="This request has come back to the proxy that has sent it.")
        headers[hdrs.VIA] = ", ".join((*received, ours)) if received else ours


def make_pseudonym() -> str:
    """Make a name that no other proxy has: not the next upstream, nor another process; it tells no host."""
    return f"proxy-{secrets.token_hex(6)}"


def count_hop(incoming: web.Request, headers: CIMultiDict[str]) -> None:
    """Let an OPTIONS or TRACE go one hop less far, if it says how far it may go."""
    if incoming.method in _COUNTED:
        left = _read_left(incoming)
        if left is not None:
            headers[hdrs.MAX_FORWARDS] = str(max(left - 1, 0))


def answer_last_hop(incoming: web.Request) -> web.Response | None:
    """Answer an OPTIONS or TRACE that must go no further; nothing for all others, which are passed on.

    Responds:
        200 without a body to OPTIONS: it has come through so far. 501 to TRACE: who is told what they have sent may be
        told the secrets that others have added.

    Source:
        RFC 9110, sections 7.6.2, 9.3.7 and 9.3.8.
    """
    if incoming.method not in _COUNTED or _read_left(incoming) != 0:
        return None
    if incoming.method == hdrs.METH_OPTIONS:
        return web.Response()  # without Allow: what the target allows is not known here
    return web.Response(status=501, text="This proxy does not answer TRACE.")


def _read_left(incoming: web.Request) -> int | None:
    """How many hops a request may still go; nothing if it does not say, or says no number."""
    text = incoming.headers.get(hdrs.MAX_FORWARDS, "").rstrip(" \t")  # which aiohttp 3.14.0 leaves there
    if not text.isascii() or not text.isdigit():
        return None
    digits = text.lstrip("0") or "0"
    return int(digits) if len(digits) < 10 else _MOST
