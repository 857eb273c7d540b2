"""The lock: a listing of what stands before each endpoint, kept under version control and compared in CI.

It holds what decides who may do what: methods, paths, application middlewares and links, in their order. Files, lines
and endpoints are left out, so that it changes only when those do. A link tells by `@named` what it was made with.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence

from ..naming import escape_unprintable
from .listing import LinkInfo, RouteInfo

__all__ = ("compare_lock", "write_lock")

_HEAD = """\
# What runs before each endpoint: middlewares of the applications | links of the route.
# Written by `python -m aiohttp_route_middleware routes APP --lock FILE`, compared by `--check FILE`.
"""

_DELIMITERS = {">", "|", '"'}


def write_lock(routes: Sequence[RouteInfo]) -> str:
    """Write one line for each route, in the order of registration, which decides between paths that overlap."""
    return _HEAD + "".join(f"{_write_line(route)}\n" for route in routes)


def compare_lock(locked: str, routes: Sequence[RouteInfo], name: str) -> str:
    """Return the difference between a lock and today's routes as a unified diff; empty if there is none.

    Args:
        locked: what the file holds.
        routes: today's.
        name: of the file.
    """
    before, after = locked.splitlines(), write_lock(routes).splitlines()
    return "".join(f"{line}\n" for line in difflib.unified_diff(before, after, name, "the application", lineterm=""))


def _write_line(route: RouteInfo) -> str:
    middlewares, links = _join(route.middlewares), _join(route.links)
    return escape_unprintable(f"{','.join(route.methods)} {route.path}: {middlewares} | {links}")


def _join(links: Sequence[LinkInfo]) -> str:
    return " > ".join(map(_name, links)) or "-"


def _name(link: LinkInfo) -> str:
    name = f"{link.module}:{link.name}"
    return json.dumps(name, ensure_ascii=False) if _DELIMITERS & {*name} else name  # several links would look like one
