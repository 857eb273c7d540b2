"""What a request is counted under: few names, however many there are on the wire."""

from __future__ import annotations

from aiohttp import web

__all__ = ("METHODS", "name_method", "name_route")

# RFC 9110, section 9.1, and RFC 5789; whatever else a client makes up is one more
METHODS = frozenset(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"))


def name_method(request: web.Request) -> str:
    """Return the method, or `_OTHER`, as OpenTelemetry has it, for one that is not known."""
    return request.method if request.method in METHODS else "_OTHER"


def name_route(request: web.Request) -> str | None:
    """Return the template of the route, never the path; `None` where none was found.

    It is for people to read, and two routes may have the same; `support/traffic/routes.py` tells them apart.
    """
    resource = request.match_info.route.resource
    return None if resource is None else resource.canonical
