"""What is no link yet, and the call that makes one of it: factories of this package, ASGI and WSGI.

They are known by module, name and parameters alone: the core imports no battery, and no other framework.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

from .marks import unwrap_partial
from .parameters import read_parameters

__all__ = ("find_call",)

_SHELVES = (f"{__package__}.middlewares", f"{__package__}.adapters")
_ASGI = ("scope", "receive", "send")
_APPLICATIONS = {_ASGI: "asgi", ("environ", "start_response"): "wsgi"}


def find_call(link: Any) -> tuple[str, str] | None:
    """Return what something is, and the call that makes a link or an endpoint of it; `None` if it is none of these."""
    made_of = unwrap_partial(link)
    if _is_factory(made_of):
        return "is a factory that was not called", f"call it: {made_of.__name__}(...)"
    if isinstance(link, type):
        return _find_call_of_class(link)
    parameters = read_parameters(link)
    adapter = _APPLICATIONS.get(parameters.required) if parameters else None
    if adapter is None:
        return None
    kind = adapter.upper()
    article = "an" if adapter == "asgi" else "a"
    return (
        f"is {article} {kind} application",
        f"end the chain with {adapter}(...) of {_SHELVES[1]}.{adapter} around it",
    )


def _is_factory(function: Any) -> bool:
    """Each battery and adapter is one module with one factory of the same name."""
    if type(function) is not FunctionType:
        return False
    name = function.__qualname__
    return function.__module__ in [f"{shelf}.{name}" for shelf in _SHELVES]


def _find_call_of_class(link: type) -> tuple[str, str] | None:
    made, called = (read_parameters(getattr(link, name)) for name in ("__init__", "__call__"))
    if made is None or called is None or called.required[1:] != _ASGI or made.required[1:2] != ("app",):
        return None
    return "is an ASGI middleware", f"write from_asgi({link.__name__}, ...) of {_SHELVES[1]}.from_asgi"
