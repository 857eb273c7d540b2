"""What links of users' own do to every response: registered under names that no battery has."""

from __future__ import annotations

from aiohttp import web

from .responses import Apply
from .responses import on_response as register

__all__ = ("on_response",)


def on_response(request: web.Request, name: str, apply: Apply) -> None:
    """Have `apply` called with each response before its headers are sent, whatever becomes of the request.

    Call it before the handler: the innermost link of a name replaces those around it, and who calls it after
    `await handler(request)` counts as the innermost, or comes too late, when the response is on its way or an
    exception has passed by.

    Args:
        request: the request as the link has got it.
        name: of the link; batteries have names of their own, and none of them is replaced.
        apply: is called with the request and the response; it may be async. If it raises, a 500 follows, or the
            connection is cut.

    Raises:
        ConfigurationError: `setup()` was not called for the application.

    Example:
        async def tell_version(request, handler):
            on_response(request, "tell_version", set_version)
            return await handler(request)
    """
    register(request, f"on_response({name!r})", apply)
