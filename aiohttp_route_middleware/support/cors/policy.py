"""A CORS policy, compiled, and what it allows to whom (Fetch, "CORS protocol").

Rules kept here: a preflight is allowed as a whole or not at all; what it does not ask for is not allowed, even if it
would be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import hdrs
from multidict import istr

from ...syntax import is_token
from .allowed_origins import AllowedOrigins

__all__ = ("CorsPolicy", "Preflight", "allow_preflight")

_ALLOW_PRIVATE_NETWORK = istr("Access-Control-Allow-Private-Network")
_LONGEST_NAMES = 4096  # characters of all names that a preflight announces


@dataclass(frozen=True, kw_only=True, slots=True)
class CorsPolicy:
    """What `cors()` was given, made ready.

    Args:
        origins: which are allowed.
        methods: which are allowed, of those that have a route; `None` for all of them.
        headers: the names of request headers that are allowed, in lower case; `None` for all.
        always: what each allowed response bears, besides its origin.
        beforehand: what each allowed preflight bears, besides what it asked for.
        private_network: whether pages of public networks may reach a server in a private one.
        vary: what a preflight is judged by.
    """

    origins: AllowedOrigins
    methods: frozenset[str] | None
    headers: frozenset[str] | None
    always: tuple[tuple[str, str], ...]
    beforehand: tuple[tuple[str, str], ...]
    private_network: bool
    vary: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Preflight:
    """What a browser asks.

    Args:
        origins: each `Origin` field.
        method: of the request to come, which has a route.
        names: each `Access-Control-Request-Headers` field.
        private_network: whether the server is in a more private network than the page.
    """

    origins: Sequence[str]
    method: str
    names: Sequence[str] = ()
    private_network: bool = False


def allow_preflight(policy: CorsPolicy, asked: Preflight) -> dict[str, str]:
    """Return the headers that allow what a preflight asks; none at all if any of it is denied."""
    origin = policy.origins.answer(asked.origins)
    names = _read_announced(asked.names)
    if origin is None or names is None:
        return {}
    if policy.methods is not None and asked.method not in policy.methods:
        return {}
    if policy.headers is not None and not policy.headers.issuperset(names):
        return {}
    # Only what was asked for: browsers keep the answer for the whole path, where other methods may have other
    # policies. Names are sent back even for `*`: a star is a name like others if credentials are sent, and never
    # stands for Authorization (Fetch, "CORS-preflight fetch").
    allowed: dict[str, str] = dict(policy.beforehand)
    allowed[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
    allowed[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = asked.method
    if names:
        allowed[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = ", ".join(names)
    if asked.private_network and policy.private_network:
        allowed[_ALLOW_PRIVATE_NETWORK] = "true"
    return allowed


def _read_announced(fields: Sequence[str]) -> tuple[str, ...] | None:
    """Return the announced names in lower case; `None` if one is no token."""
    text = ",".join(fields)
    if len(text) > _LONGEST_NAMES:
        return None
    names = [name.strip(" \t") for name in text.split(",")]
    names = [name for name in names if name]  # RFC 9110, section 5.6.1.2: empty members are no mistake
    if not all(map(is_token, names)):
        return None
    return tuple(dict.fromkeys(map(str.lower, names)))  # only now: other letters become ASCII in lower case
