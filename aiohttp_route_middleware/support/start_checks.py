"""What endpoints want to be seen to when an application starts, before anything is opened.

An endpoint declares it by a mark, so that whoever looks through the routes need not know of what kind it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from aiohttp import web

from ..marks import read_mark, set_mark
from .routes import walk_routes
from .surroundings import find_endpoint

__all__ = ("check_at_start", "check_endpoints", "checks_start")

StartCheck: TypeAlias = Callable[[web.Application], None]

_MARK = "__checks_start__"


def checks_start(endpoint: Any, *checks: StartCheck) -> None:
    """Have an endpoint looked at when an application starts.

    Args:
        endpoint: of a route.
        checks: each is called with the outermost application, and raises a `ConfigurationError` if that cannot work.
    """
    set_mark(endpoint, _MARK, checks)


def check_endpoints(app: web.Application) -> None:
    """Call the checks of all endpoints of an application, with those of its sub-applications.

    Args:
        app: the outermost one.

    Raises:
        ConfigurationError: an endpoint could not work.
    """
    for route in walk_routes(app):
        for check in read_mark(find_endpoint(route.handler), _MARK) or ():
            check(app)


async def check_at_start(app: web.Application) -> None:
    """Check the endpoints; to be the first in `on_startup`."""
    if not app.pre_frozen:  # else it is part of another, which is not known here
        check_endpoints(app)
