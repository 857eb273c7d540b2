"""Batteries that do their work before a route is found, or when none is: middlewares of an application, and no links.

Rules kept here: a chain that has one is refused when it is registered, since it would do nothing there. It requires a
request key that nothing provides; what a middleware of an application requires is not judged so.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ..keys import note_key

__all__ = ("APPLICATION_ONLY", "find_place")

APPLICATION_ONLY = note_key(
    web.RequestKey("APPLICATION_ONLY", bool),
    "support.application_only.APPLICATION_ONLY",
    set_by="it into web.Application(middlewares=[...]) instead: in a chain the route has been found, and nothing",
)


def find_place(battery: Any, app: web.Application) -> int | None:
    """Return the place of a battery among the middlewares of an application, from 0 on; `None` if it is not there.

    Args:
        battery: which stands there by itself, or by `define()`, and not inside of another.
        app: the application.
    """
    places = (place for place, one in enumerate(app.middlewares) if getattr(one, "__stands_for__", one) is battery)
    return next(places, None)
