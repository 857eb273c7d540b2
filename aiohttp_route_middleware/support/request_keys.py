"""What links have set on a request, looked up without the `KeyError` that `request.get()` raises for itself.

To miss a key costs more there than half of a battery, and most keys are missed: they may be read on every route, and
are set on few.
"""

from __future__ import annotations

from typing import Any, TypeVar, overload

from aiohttp import web

__all__ = ("read_key",)

_T = TypeVar("_T")
_D = TypeVar("_D")


@overload
def read_key(request: web.Request, key: web.RequestKey[_T]) -> _T | None: ...
@overload
def read_key(request: web.Request, key: web.RequestKey[_T], default: _D) -> _T | _D: ...
def read_key(request: web.Request, key: Any, default: Any = None) -> Any:
    """Return what is kept under a key; the default if nothing is."""
    return request._state.get(key, default)  # there is no other door
