"""Header fields that speak of one connection: dropped from what is passed on, in both directions.

Rules kept here:
- What `Connection` names is dropped, however it is written, and then `Connection` itself (RFC 9110, section 7.6.1).
- Whoever has sent a message may so drop fields of their own, such as `Cookie`; but never `Host`, which says for whom
  it is, nor `Content-Length`, which says where it ends: they are for every recipient, and `Connection` must not name
  such (section 7.6.1).
- What remains keeps its order, its duplicates and the case of its names.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import hdrs
from multidict import CIMultiDict, istr

__all__ = ("CONNECTION_FIELDS", "drop_connection_fields")

_MEANT_FOR_ALL = frozenset(("host", "content-length"))
_ALONE = frozenset(("keep-alive", "close", "Keep-Alive", "Close"))  # as nearly all `Connection` fields are
# of one connection even if `Connection` does not name them (RFC 9110, section 7.6.1)
_DROPPED = (
    hdrs.KEEP_ALIVE,
    istr("Proxy-Connection"),
    hdrs.TE,
    hdrs.TRAILER,
    hdrs.TRANSFER_ENCODING,
    hdrs.UPGRADE,
    istr("HTTP2-Settings"),  # RFC 7540, section 3.2.1, a part of an upgrade
    # Between a proxy and its next neighbour (sections 11.7.1 to 11.7.3). A client does not know that we are one, so it
    # has no password for us: what it has sent is for somebody in front of us. A target that asked for one would have
    # the client's browser tell it what is meant for another proxy. Go drops both, nginx neither.
    hdrs.PROXY_AUTHORIZATION,
    hdrs.PROXY_AUTHENTICATE,
    istr("Proxy-Authentication-Info"),
)
CONNECTION_FIELDS: frozenset[str] = frozenset(("connection", *(name.lower() for name in _DROPPED)))
"""Fields that are never passed on, in lower case."""


def drop_connection_fields(headers: CIMultiDict[str]) -> None:
    """Drop in place what must not be passed on, of a request or of a response.

    Args:
        headers: those that were received; our own are added after this, so that no `Connection` removes them.

    Source:
        RFC 9110, sections 7.6.1 and 11.7.
    """
    if hdrs.CONNECTION in headers:
        lines = headers.popall(hdrs.CONNECTION)
        if len(lines) > 1 or lines[0] not in _ALONE:
            _drop_named(headers, lines)
    for name in _DROPPED:
        if name in headers:
            del headers[name]


def _drop_named(headers: CIMultiDict[str], lines: Iterable[str]) -> None:
    """Drop what is named; what is no name is the name of no field, as long as no letter is taken for another."""
    named = {text.strip(" \t").lower() for text in set(",".join(lines).split(",")) if text.isascii()}
    for name in named - _MEANT_FOR_ALL:
        headers.popall(name, None)
