"""Clones of requests, also of those whose body a link before has read.

aiohttp refuses to clone what was read, and forgets in a clone the form that was read.

Rules kept here: a clone has what was read before, body or form, and the same keys, so that what is set on one is set
on the other; the files of a form that was read from the clone itself are closed with it, as aiohttp does for the
request.
"""

from __future__ import annotations

from typing import Any, cast

from aiohttp import web

__all__ = ("clone_request", "close_clone")


def clone_request(request: web.Request, **changes: Any) -> web.Request:
    """Clone a request; changes as for `request.clone()`."""
    private = cast(Any, request)
    read, private._read_bytes = private._read_bytes, None
    try:
        clone: Any = request.clone(**changes)
    finally:
        private._read_bytes = read
    clone._read_bytes, clone._post, clone._state = read, private._post, private._state
    return cast(web.Request, clone)


def close_clone(clone: web.Request, request: web.Request) -> None:
    """Close the files of a form that was read from a clone itself, when what has got it is done."""
    private = cast(Any, clone)
    if private._post is not cast(Any, request)._post:
        private._finish()
