"""Addresses of peers and clients: what is one address is equal, however it was written.

Rules kept here:
- An IPv4-mapped IPv6 address is the IPv4 address (RFC 4291, section 2.5.5.2): a socket that takes both kinds shows
  `127.0.0.1` as `::ffff:127.0.0.1`.
- An address has no zone id: `fe80::1%eth0` is `fe80::1`. A zone is known to one host only (RFC 4007, section 6).
- Whoever judges a request by its peer because `CLIENT_ADDRESS` is not set leaves a mark, so that a `client_address()`
  that comes too late is seen: behind a proxy, the proxy was judged.
"""

from __future__ import annotations

import functools
import ipaddress
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

from aiohttp import web

from ...keys import note_key

__all__ = (
    "CLIENT_ADDRESS",
    "UNIX",
    "Address",
    "canonical",
    "mark_judged_by_peer",
    "parse_address",
    "read_client_address",
    "read_peer",
    "was_judged_by_peer",
)

Address: TypeAlias = IPv4Address | IPv6Address

_LONGEST = 64  # an IPv6 address that ends in an IPv4 address, and a zone
UNIX = "unix"  # what a peer is called that has come through a Unix socket

# `None` if `client_address()` could not find out who has sent a request
CLIENT_ADDRESS = web.RequestKey[Address | None]("CLIENT_ADDRESS")
note_key(CLIENT_ADDRESS, "middlewares.client_address.CLIENT_ADDRESS", set_by="client_address()")

_JUDGED_BY_PEER = web.RequestKey("_JUDGED_BY_PEER", bool)


def parse_address(text: str) -> Address | None:
    """Read an IPv4 or IPv6 address; nothing if it is none."""
    return _parse_address(text) if len(text) <= _LONGEST else None


@functools.lru_cache(maxsize=1024)  # of short texts, so that nobody fills the memory; few peers send most requests
def _parse_address(text: str) -> Address | None:
    try:
        return canonical(ipaddress.ip_address(text))
    except ValueError:
        return None


def canonical(address: Address) -> Address:
    """Return the one form of an address."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv6Address(int(address)) if address.scope_id is not None else address


def read_peer(request: web.Request) -> Address | str | None:
    """Who is at the other end of the connection: an address, `UNIX`, or `None` if that is not known.

    What an outer link has put into `request.remote` is not looked at.
    """
    transport = request.transport
    peer = None if transport is None else transport.get_extra_info("peername")
    if isinstance(peer, (tuple, list)):
        return parse_address(peer[0])
    return None if peer is None else UNIX  # a path, which is empty for nearly all clients


def read_client_address(request: web.Request) -> Address | None:
    """Who has sent a request: `CLIENT_ADDRESS` if it is set, else the peer; `None` if that is not an address.

    To judge the request by; who only wants the peer asks `read_peer()`, which leaves no mark.
    """
    if len(request) and CLIENT_ADDRESS in request:  # to miss a key costs an exception
        found: object = request[CLIENT_ADDRESS]
        return canonical(found) if isinstance(found, (IPv4Address, IPv6Address)) else None
    mark_judged_by_peer(request)
    peer = read_peer(request)
    return None if isinstance(peer, str) else peer


def mark_judged_by_peer(request: web.Request) -> None:
    """Leave the mark anew: who forgets what links have set on a request must not forget that one was judged."""
    request[_JUDGED_BY_PEER] = True


def was_judged_by_peer(request: web.Request) -> bool:
    """Whether `read_client_address()` has returned the peer of this request."""
    return len(request) > 0 and _JUDGED_BY_PEER in request
