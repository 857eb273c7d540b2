"""The scope of a request, as ASGI wants it (ASGI HTTP & WebSocket, spec version 2.5).

Rules kept here: the header fields are the bytes that came, names in lower case; `path` is decoded and begins with
`root_path`, `raw_path` is as it came; who asks, and by which scheme, is what `client_address()` has found out, else
the peer of the connection. What aiohttp has decompressed does not say any more that it is compressed, or how long it
was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import unquote

from aiohttp import hdrs, web

from ...keys import note_key
from ...option_checks import refuse_option
from ..network.addresses import CLIENT_ADDRESS
from ..network.forwarded import read_forwarded_scheme
from ..network.websockets import is_websocket
from .messages import Scope

__all__ = ("ASGI_SCOPE", "check_root_path", "find_root_path", "make_scope")

ASGI_SCOPE = note_key(web.RequestKey[Scope]("ASGI_SCOPE"), "adapters.from_asgi.ASGI_SCOPE", set_by="from_asgi()")

_VERSIONS = {"version": "3.0", "spec_version": "2.5"}
_OF_COMPRESSED = (b"content-encoding", b"content-length")


def check_root_path(battery: str, root_path: object) -> None:
    """Refuse what is no path of a mount."""
    is_path = isinstance(root_path, str) and (not root_path or root_path[0] == "/" != root_path[-1])
    if root_path is not None and not is_path:
        raise refuse_option(battery, "root_path", root_path, 'write a path without a slash at its end, as "/api"')


def make_scope(
    request: web.Request, *, root_path: str | None = None, state: Mapping[str, Any] | None = None, sockets: bool = True
) -> Scope:
    """Make the scope of a request.

    Args:
        request: any.
        root_path: where the application is mounted; by default what its route says.
        state: what the lifespan has left; copied.
        sockets: whether a request for a WebSocket is one, or an ordinary request.
    """
    if root_path is None:
        root_path = find_root_path(_find_pattern(request), request.rel_url.path_safe)
    scope = _make_scope(request, root_path)
    if sockets and is_websocket(request):
        scope.update(_describe_socket(request, scope["scheme"]))
    else:
        scope.update(type="http", method=request.method.upper(), extensions={})
    outer = request.get(ASGI_SCOPE)  # of an ASGI middleware before: sessions, ids, and what else it has put there
    if outer is not None:
        scope = {**outer, **scope}
    if state is not None:
        scope["state"] = {**scope.get("state", {}), **state}
    return scope


def find_root_path(pattern: re.Pattern[str] | None, path: str) -> str:
    """Return what stands before the last variable of a route, if that variable reaches to the end of the path.

    Args:
        pattern: of the resource; `None` if it has no variable.
        path: as aiohttp matches it: `path_safe` of a URL, in which only slashes and percent signs are escaped.
    """
    match = None if pattern is None else pattern.fullmatch(path)
    if not match or not match.lastindex or match.end(match.lastindex) != len(path):
        return ""
    return unquote(path[: match.start(match.lastindex)]).rstrip("/")


def _find_pattern(request: web.Request) -> re.Pattern[str] | None:
    resource = request.match_info.route.resource
    return None if resource is None else resource.get_info().get("pattern")


def _make_scope(request: web.Request, root_path: str) -> Scope:
    raw_path = request.rel_url.raw_path
    return {
        "asgi": dict(_VERSIONS),
        "http_version": "{}.{}".format(*request.version),
        "scheme": read_forwarded_scheme(request) or request.scheme,
        "path": unquote(raw_path),
        "raw_path": raw_path.encode("utf-8", "surrogateescape"),
        "query_string": request.rel_url.raw_query_string.encode("utf-8", "surrogateescape"),
        "root_path": root_path,
        "headers": _list_fields(request),
        "client": _find_client(request),
        "server": _find_server(request),
    }


def _describe_socket(request: web.Request, scheme: str) -> Scope:
    offered = ",".join(request.headers.getall(hdrs.SEC_WEBSOCKET_PROTOCOL, ())).split(",")
    return {
        "type": "websocket",
        "scheme": "wss" if scheme == "https" else "ws",
        "subprotocols": [one.strip() for one in offered if one.strip()],
        "extensions": {"websocket.http.response": {}},
    }


def _list_fields(request: web.Request) -> list[tuple[bytes, bytes]]:
    fields = [(name.lower(), value) for name, value in request.raw_headers]
    if cast(Any, request)._message.compression is None:  # nothing public tells it
        return fields
    return [field for field in fields if field[0] not in _OF_COMPRESSED]


def _find_client(request: web.Request) -> tuple[str, int] | None:
    if CLIENT_ADDRESS in request:
        address = request[CLIENT_ADDRESS]
        return None if address is None else (str(address), 0)
    peer = request.get_extra_info("peername")
    if not isinstance(peer, (tuple, list)):
        return None
    if request.remote not in (None, peer[0]):  # an outer link has said so
        return str(request.remote), 0
    return str(peer[0]), peer[1]


def _find_server(request: web.Request) -> tuple[str, int | None] | None:
    name = request.get_extra_info("sockname")
    if isinstance(name, (tuple, list)):
        return str(name[0]), name[1]
    return (str(name), None) if name else None
