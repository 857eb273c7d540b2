"""Incoming requests, as the rooms that choose a target see them."""

from __future__ import annotations

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

__all__ = ("ask",)


def ask(**headers: str) -> web.Request:
    """A request with these header fields, `_` for `-`."""
    return make_mocked_request("GET", "/", headers={name.replace("_", "-"): value for name, value in headers.items()})
