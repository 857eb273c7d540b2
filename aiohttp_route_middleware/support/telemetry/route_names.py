"""What a request is counted under: few names, however many there are on the wire.

A link that has a request matched anew gives the new match to a clone, which nobody before it sees. It notes the match
as a request key, which clones of this package share with their originals: so the route is known that has answered in
the end.
"""

from __future__ import annotations

from aiohttp import web

from ...keys import note_key
from ..request_keys import read_key

__all__ = ("MATCH", "METHODS", "name_final_route", "name_method", "name_route", "note_match")

# RFC 9110, section 9.1, and RFC 5789; whatever else a client makes up is one more
METHODS = frozenset(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"))
MATCH: web.RequestKey[web.UrlMappingMatchInfo] = web.RequestKey("MATCH", web.UrlMappingMatchInfo)
note_key(MATCH, "support.telemetry.route_names.MATCH", set_by="method_override()")


def name_method(request: web.Request) -> str:
    """Return the method, or `_OTHER`, as OpenTelemetry has it, for one that is not known."""
    return request.method if request.method in METHODS else "_OTHER"


def name_route(request: web.Request) -> str | None:
    """Return the template of the route, never the path; `None` where none was found.

    It is for people to read, and two routes may have the same; `support/route_identity.py` tells them apart.
    """
    resource = request.match_info.route.resource
    return None if resource is None else resource.canonical


def note_match(request: web.Request) -> None:
    """Note that the match of a clone counts, for those who tell of the request."""
    request[MATCH] = request.match_info


def name_final_route(request: web.Request) -> str | None:
    """Return the template of the route that has answered; `None` where none was found."""
    resource = read_key(request, MATCH, request.match_info).route.resource
    return None if resource is None else resource.canonical
