"""The moment in which a client goes.

aiohttp tells it to the request that the server has made, by a method of its own: it breaks off the body. That method
is taken over here for one request; aiohttp has no other door for it, short of cancelling every handler.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from aiohttp import web

from ..sending import has_gone

__all__ = ("watch_departure",)


def watch_departure(request: web.Request, left: asyncio.Event) -> None:
    """Set an event when the client leaves, or when the server gives up on it at its shutdown."""
    if has_gone(request):
        left.set()
        return
    served: Any = cast(Any, request.protocol)._current_request or request  # whatever has been cloned since
    pass_on = served._cancel

    def cancel(error: BaseException) -> None:
        left.set()
        pass_on(error)

    vars(served)["_cancel"] = cancel
