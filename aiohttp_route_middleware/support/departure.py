"""The moment in which a client goes.

aiohttp tells it to the request that the server has made, by a method of its own: it breaks off the body. That method
is taken over here for one request; aiohttp has no other door for it, short of cancelling every handler. It tells so
only until a handler has returned: who sends more after that has to ask for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from aiohttp import web

from .sending import has_gone

__all__ = ("Departure",)


class Departure:
    """Has somebody called when a client leaves, or when the server gives up on it at its shutdown.

    Args:
        request: of that client.
        tell: called once or more; at once, if the client has left already.
    """

    __slots__ = ("_pass_on", "_served", "_tell")

    def __init__(self, request: web.Request, tell: Callable[[], None]) -> None:
        self._served: Any = cast(Any, request.protocol)._current_request or request  # whatever was cloned since
        self._tell = tell
        self._pass_on = self._served._cancel
        vars(self._served)["_cancel"] = self._cancel
        if has_gone(request):
            tell()

    @contextmanager
    def watched_while_sending(self) -> Iterator[None]:
        """Be told while a response is sent, too, that a handler has returned."""
        protocol: Any = self._served.protocol
        before, protocol._current_request = protocol._current_request, self._served
        try:
            yield
        finally:
            protocol._current_request = before

    def forget(self) -> None:
        """Be told no more; without this, the request waits for the garbage collector."""
        own = vars(self._served)
        if own.get("_cancel") == self._cancel:  # else somebody else has begun to watch since
            del own["_cancel"]

    def _cancel(self, error: BaseException) -> None:
        self._tell()
        self._pass_on(error)
