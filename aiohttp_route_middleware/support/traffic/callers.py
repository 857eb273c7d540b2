"""Whom a request is counted for: who is asking, or else the network it comes from."""

from __future__ import annotations

import functools
from ipaddress import IPv4Address, IPv6Address

from aiohttp import web

from ..access.identity import IDENTITY, Identity
from ..network.addresses import read_client_address
from ..network.networks import name_network
from ..request_keys import read_key

__all__ = ("read_caller",)


def read_caller(request: web.Request) -> str:
    """Name the caller: the subject of `IDENTITY`, or the address; an IPv6 address by its /64, which one client has.

    Callers without either are all one: they share what is counted, and nobody gets away uncounted.
    """
    identity = read_key(request, IDENTITY)
    if isinstance(identity, Identity):
        return f"identity:{identity.subject}"
    address = read_client_address(request)
    return "unknown" if address is None else _name_address(address.version, int(address))


@functools.lru_cache(maxsize=1024)  # by numbers: an address itself computes its hash in Python, each time anew
def _name_address(version: int, number: int) -> str:
    return f"address:{name_network(IPv4Address(number) if version == 4 else IPv6Address(number))}"
