"""What an application needs once, so that batteries can set headers on each response and answer preflights."""

from __future__ import annotations

from aiohttp import web

from .headers import apply_registered, register_responses

__all__ = ("setup",)


def setup(app: web.Application) -> None:
    """Prepare an application for batteries that set headers or answer preflights, with its sub-applications.

    Args:
        app: the outermost application, before it starts. To call this more than once does no harm. A signal
            `on_response_prepare` of your own runs after it: let it add to `Vary`, and set no header twice.

    Example:
        setup(app)
        app.router.add_get("/", secure_headers(), index)
    """
    if register_responses not in app.middlewares:
        app.middlewares.insert(0, register_responses)  # before all that may clone the request, or register
    if apply_registered not in app.on_response_prepare:  # another application's middlewares may have been taken over
        app.on_response_prepare.insert(0, apply_registered)
