"""What is written by hand for several batteries, and what both sides use."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from aiohttp import hdrs, web
from multidict import CIMultiDict

from aiohttp_route_middleware.support.access.identity import Identity

Guard: TypeAlias = Callable[[web.Request], Awaitable[Any]]
Signal: TypeAlias = Callable[[web.Request, web.StreamResponse], Awaitable[None]]
Fields: TypeAlias = tuple[tuple[str, str], ...]


IDENTITY_FOUND = Identity("alice", frozenset(["post:read", "post:write"]))
KEY = b"k" * 32
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))


async def check_password(user: str, password: str) -> Identity:
    """Let everybody in, as a lookup does that costs nothing."""
    return IDENTITY_FOUND


async def check_token(token: str) -> Identity:
    """Let everybody in, likewise."""
    return IDENTITY_FOUND


def is_health(request: web.Request) -> bool:
    """Whether nothing has to be checked."""
    return request.path == "/health"


def find_cookies(request: web.Request, wanted: str) -> list[str]:
    found = []
    for line in request.headers.getall(hdrs.COOKIE, ()):
        for pair in line.split(";"):
            name, _, value = pair.strip().partition("=")
            if name == wanted:
                found.append(value)
    return found


def add_vary(headers: CIMultiDict[str], name: str) -> None:
    present = headers.get(hdrs.VARY)
    if present is None:
        headers[hdrs.VARY] = name
    elif name.lower() not in present.lower() and present != "*":
        headers[hdrs.VARY] = f"{present}, {name}"


@functools.lru_cache(maxsize=1024)
def read_address(text: str) -> Any:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
