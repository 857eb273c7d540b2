"""What an ASGI middleware has changed in the scope of a request, for whoever stands behind it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from yarl import URL

from .messages import Scope, read_fields

__all__ = ("read_changes", "remember")

_KEYS = ("method", "path", "raw_path", "query_string", "scheme", "client")
_SCHEMES = {"ws": "http", "wss": "https"}


def remember(scope: Scope) -> Scope:
    """Copy what may be changed, before an ASGI middleware gets the scope."""
    return {**{key: scope.get(key) for key in _KEYS}, "headers": list(scope["headers"])}


def read_changes(before: Scope, scope: Scope) -> dict[str, Any]:
    """Return the arguments of `request.clone()` for what is not as it was."""
    changed = {key for key in before if scope.get(key) != before[key]}
    changes: dict[str, Any] = {}
    if "method" in changed:
        changes["method"] = scope["method"]
    if "headers" in changed:
        changes["headers"] = read_fields(scope["headers"])
    if changed & {"path", "raw_path", "query_string"}:
        changes["rel_url"] = _write_target(scope, has_raw_path="raw_path" in changed or "path" not in changed)
    if "scheme" in changed:
        changes["scheme"] = _SCHEMES.get(scope["scheme"], scope["scheme"])
    if "client" in changed and scope["client"]:
        changes["remote"] = scope["client"][0]
    return changes


def _write_target(scope: Scope, *, has_raw_path: bool) -> URL:
    """Made of its parts: as one text, `//host/path` would name another host (RFC 3986, section 4.2)."""
    given = scope.get("raw_path") if has_raw_path else None  # which is optional
    raw_path = given.decode() if given else quote(scope["path"], safe="/:@!$&'()*+,;=~")
    query = scope["query_string"].decode()
    return URL.build(path=raw_path, query_string=query, encoded=True)
