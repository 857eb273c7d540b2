"""Which limit the body of a request has: that of the innermost `body_limit()` around its endpoint.

It is found before it runs, so that those around it do not refuse what it allows, and before a client is invited to
send its body. A limit that is not found so, such as one inside `unless()`, counts besides: then the lowest of them is
the limit.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from aiohttp import hdrs, web

from ...marks import set_mark
from ..meant_methods import find_meant
from ..routes import walk_routes
from ..surroundings import find_marks
from .limited_body import drop_body, too_large

__all__ = ("BodyLimit", "check_expectations", "check_length", "choose_limit", "declare_limit")

_MARK = "__body_limit__"


@dataclass(frozen=True, eq=False)
class BodyLimit:
    """One limit, in bytes; each is itself."""

    size: int


_Around = dict[
    tuple[int, ...], tuple[BodyLimit, ...]
]  # by the applications around a route: it may have been added to several
_found: WeakKeyDictionary[web.AbstractRoute, _Around] = WeakKeyDictionary()


def declare_limit(link: Any, limit: BodyLimit) -> None:
    """Let a link declare its limit."""
    set_mark(link, _MARK, limit)


async def choose_limit(request: web.Request, own: BodyLimit) -> int:
    """Return the limit of the innermost link, if this one is among those that are found; else its own."""
    limits = _find_limits(await find_meant(request) or request)
    return limits[-1].size if own in limits else own.size


def check_length(request: web.Request, limit: int) -> None:
    """Refuse a body that says that it is too large, without a look at it (RFC 9110, section 8.6).

    Raises:
        HTTPRequestEntityTooLarge: it does.
    """
    length = request.content_length
    if length is not None and length > limit:
        drop_body(request.content, limit)
        raise too_large(limit)


def check_expectations(app: web.Application) -> None:
    """Have requests with `Expect: 100-continue` checked before their bodies are invited; called once or more.

    aiohttp answers them by the `expect_handler` of a route, before any middleware or link runs.

    Args:
        app: the outermost application, before it starts.
    """
    if _watch_routes not in app.on_startup:
        app.on_startup.append(_watch_routes)


async def _watch_routes(app: web.Application) -> None:
    for route in walk_routes(app):
        own: Any = route.handle_expect_header
        if not (isinstance(own, functools.partial) and own.func is _answer_expectation):
            watched: Any = functools.partial(_answer_expectation, own)
            route.handle_expect_header = watched  # type: ignore[method-assign]  # the handler itself is private


async def _answer_expectation(own: Any, request: web.Request) -> Any:
    meant = await find_meant(request) if hdrs.CONTENT_LENGTH in request.headers else None
    limits = () if meant is None else _find_limits(meant)
    if limits:
        check_length(request, limits[-1].size)
    return await own(request)


def _find_limits(request: web.Request) -> tuple[BodyLimit, ...]:
    match = request.match_info
    around = _found.setdefault(match.route, {})
    apps = tuple(map(id, match.apps))
    limits = around.get(apps)
    if limits is None:
        limits = around[apps] = tuple(find_marks(request, _MARK))
    return limits
