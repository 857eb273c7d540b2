"""Whether a client has left, and the moment in which it does.

aiohttp tells it to the request that the server has made, by a method of its own: it breaks off the body. That method
is taken over here for one request; aiohttp has no other door for it, short of cancelling every handler.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from aiohttp import web

__all__ = ("has_left", "watch_departure")


def has_left(request: web.Request) -> bool:
    """Whether nothing can be sent to the client any more."""
    transport = request.transport
    return transport is None or transport.is_closing()


def watch_departure(request: web.Request, left: asyncio.Event) -> None:
    """Set an event when the client leaves, or when the server gives up on it at its shutdown."""
    if has_left(request):
        left.set()
        return
    served: Any = cast(Any, request.protocol)._current_request or request  # whatever has been cloned since
    pass_on = served._cancel

    def cancel(error: BaseException) -> None:
        left.set()
        pass_on(error)

    vars(served)["_cancel"] = cancel
