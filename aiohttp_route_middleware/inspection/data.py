"""Routes and explanations as JSON, for other programs. Files are given from the working directory if below it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..places import Site
from .explanation import Explanation
from .listing import LinkInfo, RouteInfo

__all__ = ("write_explanation_json", "write_routes_json")

_VERSION = 1  # of the form; it grows when a member changes its meaning or goes


def write_routes_json(routes: Sequence[RouteInfo]) -> str:
    """Write `{"version": 1, "routes": [...]}`."""
    return _write({"version": _VERSION, "routes": [_read_route(route) for route in routes]})


def write_explanation_json(found: Explanation) -> str:
    """Write `{"version": 1, "method": ..., "status": ..., "route": ...}`."""
    return _write(
        {
            "version": _VERSION,
            "method": found.method,
            "url": found.url,
            "status": found.status,
            "route": _read_route(found.route) if found.route else None,
            "match_info": found.match_info,
            "middlewares": _read_links(found.middlewares),
            "notes": list(found.notes),
        }
    )


def _write(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _read_route(route: RouteInfo) -> dict[str, Any]:
    return {
        "methods": list(route.methods),
        "path": route.path,
        "name": route.name,
        "mounts": list(route.mounts),
        "middlewares": _read_links(route.middlewares),
        "inherited": _read_links(route.inherited),
        "own": _read_links(route.own),
        "endpoint": _read_link(route.endpoint),
        "defined": _read_site(route.site),
    }


def _read_links(links: Sequence[LinkInfo]) -> list[dict[str, Any]]:
    return [_read_link(link) for link in links]


def _read_link(link: LinkInfo) -> dict[str, Any]:
    return {"name": link.name, "module": link.module, "written": _read_site(link.site)}


def _read_site(site: Site | None) -> str | None:
    return str(site) if site else None
