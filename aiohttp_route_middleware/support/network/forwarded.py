"""Whom to believe of the proxies that a request has come through: who has sent it, by which scheme, to which host.

Rules kept here:
- Each element is believed only because a trusted proxy has written it.
- The first address that is not a trusted proxy is the client. What is unknown, obfuscated or garbage ends the search:
  nothing to the left of it is believed, and nobody is put in its place.
- What was found out is on the writer as well: who sets headers on a response that is about to be sent has the request
  as the server made it, and not the clone on which it was set.
- One kind of header is read, never several: a proxy that writes one passes on the others as clients have sent them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from aiohttp import hdrs, web

from ...keys import note_key
from ..request_keys import read_key
from .addresses import Address
from .hops import Headers, Hop, elements_from_right, forwarded_hops, parse_hop, parse_scheme, read_last
from .hosts import parse_authority, read_authorities
from .networks import Networks
from .proxy_headers import HeaderNames

__all__ = (
    "FORWARDED_HOST",
    "FORWARDED_SCHEME",
    "find_public_host",
    "is_https",
    "read_client",
    "read_forwarded_scheme",
    "read_found_scheme",
    "read_scheme",
    "set_forwarded_scheme",
)

# `None` if no trusted proxy has said it
FORWARDED_SCHEME = web.RequestKey[str | None]("FORWARDED_SCHEME")
FORWARDED_HOST = web.RequestKey[str | None]("FORWARDED_HOST")
note_key(FORWARDED_SCHEME, "middlewares.client_address.FORWARDED_SCHEME", set_by="client_address()")
note_key(FORWARDED_HOST, "middlewares.client_address.FORWARDED_HOST", set_by="client_address()")


def read_client(headers: Headers, peer: Address | str | None, trusted: Networks, names: HeaderNames) -> Hop:
    """Tell who has sent a request: the peer, unless it is a trusted proxy that has got the request from another."""
    address = None if isinstance(peer, str) else peer
    if peer not in trusted:
        return Hop(address)
    if names.header == hdrs.FORWARDED:
        return _find_client(forwarded_hops(headers), trusted) or Hop(address)
    scheme = parse_scheme(read_last(headers.getall(names.scheme, ()))) if names.scheme else None
    host = parse_authority(read_last(headers.getall(names.host, ()))) if names.host else None
    fields = headers.getall(names.header, ())
    return Hop(_find_listed(fields, trusted) if fields else address, scheme, str(host) if host else None)


def read_scheme(headers: Headers, trusted: Networks, names: HeaderNames) -> str | None:
    """Tell the scheme that a client has used, as the headers of a trusted peer say."""
    if names.header != hdrs.FORWARDED:
        return parse_scheme(read_last(headers.getall(names.header, ())))
    client = _find_client(forwarded_hops(headers), trusted)
    return client.scheme if client else None


def set_forwarded_scheme(request: web.Request, scheme: str | None) -> None:
    """Set `FORWARDED_SCHEME`, and what `read_found_scheme()` reads."""
    request[FORWARDED_SCHEME] = scheme
    writer: Any = request.writer
    writer.__forwarded_scheme__ = scheme


def read_found_scheme(request: web.Request) -> str | None:
    """The scheme that `client_address()` has found out for this request, or for a clone of it behind it.

    For what is done when the headers are about to be sent, and all links have run.
    """
    scheme: str | None = getattr(request.writer, "__forwarded_scheme__", None)
    return scheme


def read_forwarded_scheme(request: web.Request) -> str | None:
    """The scheme that `client_address()` has found out; `None` if it has not."""
    return read_key(request, FORWARDED_SCHEME)


def find_public_host(request: web.Request) -> str | None:
    """The host that the client has asked for, as `Host` has it; nothing if there is none, or if it is malformed.

    It is what `client_address()` has found out; else that of a target in absolute-form, which wins over the `Host`
    beside it (RFC 9112, section 3.2.2); else `Host`, or what an outer link has put in its place.
    """
    found = read_key(request, FORWARDED_HOST)
    if found is not None:
        return found
    authorities = read_authorities(request)
    return str(authorities[0]) if authorities else None


def is_https(request: web.Request) -> bool:
    """Whether the client has asked by https: as `client_address()` has found out, else as the connection is."""
    scheme = read_forwarded_scheme(request)
    return request.secure if scheme is None else scheme == "https"


def _find_client(hops: Iterable[Hop], trusted: Networks) -> Hop | None:
    """Return the first hop that is not a trusted proxy; the last one, if all are; nothing, if there are none."""
    client = None
    for client in hops:
        if client.address not in trusted:
            return client
    return client


def _find_listed(fields: Sequence[str], trusted: Networks) -> Address | None:
    if len(fields) == 1 and "," not in fields[0]:  # as behind one proxy: whoever is listed, it is the client
        return parse_hop(fields[0].strip(" \t"))
    address = None
    for text in elements_from_right(fields):
        address = parse_hop(text)
        if address not in trusted:
            return address
    return address
