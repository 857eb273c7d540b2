"""`Expect: 100-continue`, left to the endpoint.

aiohttp invites the body of a request before any link runs. In front of a proxy that would be too early: whoever is
refused there has sent their body for nothing, and it is the target that knows whether it wants it.
"""

from __future__ import annotations

from typing import Any

from aiohttp import hdrs, web

from ..marks import read_mark, set_mark
from ..support.routes import walk_routes
from ..support.surroundings import find_endpoint

__all__ = ("invite_late", "invites_itself")

_MARK = "__invites_itself__"


def invites_itself(endpoint: Any) -> None:
    """Note that an endpoint invites the body of a request when it wants it."""
    set_mark(endpoint, _MARK, True)


async def invite_late(app: web.Application) -> None:
    """Have aiohttp leave that to such endpoints; when an application starts.

    An `expect_handler` that was passed to a route stays.
    """
    for route in walk_routes(app):
        if read_mark(find_endpoint(route.handler), _MARK) and _find_name(route) == "_default_expect_handler":
            handled: Any = route
            handled._expect_handler = _check_expectation  # aiohttp has no public door for it once a route is made


def _find_name(route: Any) -> str:
    return getattr(route._expect_handler, "__name__", "")


async def _check_expectation(request: web.Request) -> None:
    if request.headers.get(hdrs.EXPECT, "").lower() != "100-continue":
        refusal = web.HTTPExpectationFailed(text=f"Unknown Expect: {request.headers.get(hdrs.EXPECT)}")
        refusal.force_close()  # the client may send its body, or not
        raise refusal
