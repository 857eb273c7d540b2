"""What is no link yet, and the call that makes one of it: factories of this package, ASGI and WSGI.

They are known by module, name and parameters alone: the core imports no battery, and no other framework.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

from .marks import unwrap_partial
from .parameters import read_parameters

__all__ = ("find_call", "find_tongue")

_SHELVES = (f"{__package__}.middlewares", f"{__package__}.adapters")
_MADE = ("GuardBattery", "Handler", "MiddlewareBattery")
_ASGI = ("scope", "receive", "send")


def find_call(link: Any) -> tuple[str, str] | None:
    """Return what something is, and the call that makes a link or an endpoint of it; `None` if it is none of these."""
    made_of = unwrap_partial(link)
    if _is_factory(made_of):
        return "is a factory that was not called", f"call it: {made_of.__name__}(...)"
    if isinstance(link, type):
        return _find_call_of_class(link)
    tongue = find_tongue(link)
    if tongue is None:
        return None
    article = "an" if tongue == "asgi" else "a"
    return (
        f"is {article} {tongue.upper()} application",
        f"end the chain with {tongue}(...) of {_SHELVES[1]}.{tongue} around it",
    )


def find_tongue(application: Any) -> str | None:
    """Return `"asgi"` or `"wsgi"`, if the names of its parameters tell what an application speaks."""
    if isinstance(application, type):
        return None
    parameters = read_parameters(application)
    required = () if parameters is None else parameters.required
    if required[1:] == ("start_response",):  # the first is mostly `environ`, and `env` for some
        return "wsgi"
    return "asgi" if required == _ASGI else None


def _is_factory(function: Any) -> bool:
    """Each battery and adapter is one module with a factory of the same name; what else makes links there says so."""
    if type(function) is not FunctionType or function.__module__ is None:  # made by exec(), say
        return False
    shelf, _, module = function.__module__.rpartition(".")
    name = function.__qualname__
    if shelf not in _SHELVES or not name.isidentifier():  # in another function: it is what a factory has made
        return False
    return name == module or function.__annotations__.get("return") in _MADE


def _find_call_of_class(link: type) -> tuple[str, str] | None:
    made, called = (read_parameters(getattr(link, name)) for name in ("__init__", "__call__"))
    if made is None or called is None or called.required[1:] != _ASGI or made.required[1:2] != ("app",):
        return None
    return "is an ASGI middleware", f"write from_asgi({link.__name__}, ...) of {_SHELVES[1]}.from_asgi"
