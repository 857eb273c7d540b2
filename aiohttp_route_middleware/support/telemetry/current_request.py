"""The current request, for code that nobody has handed it to: a context variable.

aiohttp runs each request in a task of its own, so what is set there is gone with the request and never seen by the
next one of the connection. Tasks that a handler starts have a copy of it, and so does `asyncio.to_thread()`.
"""

from __future__ import annotations

from contextvars import ContextVar
from types import SimpleNamespace

from aiohttp import web

from ...errors import ConfigurationError
from ...keys import note_key

__all__ = ("NAMESPACE", "current", "current_request", "set_current")

NAMESPACE: web.RequestKey[SimpleNamespace] = web.RequestKey("namespace", SimpleNamespace)
note_key(NAMESPACE, "middlewares.context.NAMESPACE", set_by="context()")

_CURRENT: ContextVar[tuple[web.Request, SimpleNamespace]] = ContextVar("aiohttp_route_middleware.current_request")


def current_request() -> web.Request:
    """Return the request that is being answered, as `context()` has seen it.

    Raises:
        ConfigurationError: there is none here.
    """
    return _find("current_request()")[0]


def current() -> SimpleNamespace:
    """Return the namespace of the request that is being answered: `current().user = user`.

    Raises:
        ConfigurationError: there is no request here.
    """
    return _find("current()")[1]


def set_current(request: web.Request) -> SimpleNamespace:
    """Make this the current request, and return its namespace: one for all clones of the request."""
    namespace = request.get(NAMESPACE) or _find_of_clone(request) or SimpleNamespace()
    request[NAMESPACE] = namespace
    _CURRENT.set((request, namespace))
    return namespace


def _find_of_clone(request: web.Request) -> SimpleNamespace | None:
    """Find the namespace for a clone that was made before there was one: it has the same writer, and not that key."""
    found = _CURRENT.get(None)
    return found[1] if found is not None and found[0].writer is request.writer else None


def _find(asked: str) -> tuple[web.Request, SimpleNamespace]:
    try:
        return _CURRENT.get()
    except LookupError:
        problem = "there is no current request here"
        cure = "call it while a request is answered, behind context(); a thread needs asyncio.to_thread()"
        raise ConfigurationError(asked, problem, cure=cure) from None
