"""Whom a request is counted for: who is asking, or else the network it comes from."""

from __future__ import annotations

from aiohttp import web

from ..access.identity import IDENTITY, Identity
from ..network.addresses import read_client_address
from ..network.networks import name_network

__all__ = ("read_caller",)


def read_caller(request: web.Request) -> str:
    """Name the caller: the subject of `IDENTITY`, or the address; an IPv6 address by its /64, which one client has.

    Callers without either are all one: they share what is counted, and nobody gets away uncounted.
    """
    identity = request.get(IDENTITY)
    if isinstance(identity, Identity):
        return f"identity:{identity.subject}"
    address = read_client_address(request)
    return "unknown" if address is None else f"address:{name_network(address)}"
