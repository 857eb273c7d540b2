"""The route that a request has got in the end: a link further in may have found another one.

A link that has a request matched anew gives the new match to a clone, which nobody before it sees. It notes the match
as a request key, which clones of this package share with their originals.
"""

from __future__ import annotations

from aiohttp import web

from ...keys import note_key
from ..kept import find_kept

__all__ = ("MATCH", "find_template", "note_match")

MATCH: web.RequestKey[web.UrlMappingMatchInfo] = web.RequestKey("MATCH", web.UrlMappingMatchInfo)
note_key(MATCH, "support.telemetry.matches.MATCH", set_by="method_override()")


def note_match(request: web.Request) -> None:
    """Note that the match of a clone counts, for those who tell of the request."""
    request[MATCH] = request.match_info


def find_template(request: web.Request) -> str | None:
    """Return the template of the route that has answered; `None` where none was found."""
    resource = find_kept(request, MATCH, request.match_info).route.resource
    return None if resource is None else resource.canonical
