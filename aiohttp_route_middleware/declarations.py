"""What a link declares of itself, by decorators: its kind, its name, the request keys it provides and requires."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import FunctionType
from typing import Any, TypeVar, cast
from weakref import WeakSet

from aiohttp import hdrs, web
from aiohttp.abc import AbstractView

from .errors import RegistrationError
from .marks import read_mark, read_marks, set_mark
from .naming import describe
from .typedefs import Key, Keys

__all__ = (
    "alternatives_of",
    "guard",
    "known_providers",
    "middleware",
    "named",
    "provided_by",
    "provides",
    "read_keys",
    "required_by",
    "requires",
)

_F = TypeVar("_F", bound=Callable[..., Any])
_providers: WeakSet[Any] = WeakSet()


def middleware(function: _F) -> _F:
    """Mark a callable as a middleware, whatever its signature looks like.

    Only wrappers that take `*args` need it. `@web.middleware` is understood as well, but leaves no trace on aiohttp 4.

    Args:
        function: an async callable that can be called with `(request, handler)`.

    Returns:
        The function itself.

    Example:
        @middleware
        async def logged(*args): return await wrapped(*args)
    """
    _declare(function, "__middleware_version__", 1)  # so that aiohttp 3 takes it for one in an application as well
    return _declare(function, "__link_kind__", "middleware")


def guard(function: _F) -> _F:
    """Mark a callable as a guard, whatever its signature looks like.

    Args:
        function: a callable, async or plain, that can be called with `(request)`.

    Returns:
        The function itself.

    Example:
        @guard
        async def checked(*args): return await wrapped(*args)
    """
    return _declare(function, "__link_kind__", "guard")


def named(name: str) -> Callable[[_F], _F]:
    """Name a link in errors, logs and listings otherwise than by its function: with what a factory was given.

    Args:
        name: on one line; never a secret, for it is shown.

    Example:
        def authorise(scopes):
            @named(f"authorise({', '.join(scopes)})")
            async def authorise(request): ...
            return authorise
    """
    if not isinstance(name, str) or not name.isprintable() or not name:
        raise RegistrationError(f"named() got {name!r}", cure="pass a text on one line")
    return lambda function: _declare(function, "__link_name__", name)


def provides(*keys: Key) -> Callable[[_F], _F]:
    """Declare that a link sets request keys, so that links which require them can stand behind it.

    Args:
        keys: what it sets whenever it lets a request pass: `web.RequestKey`s, or texts.

    Example:
        @provides(USER)
        async def authenticate(request): request[USER] = ...
    """
    declared = read_keys(keys, "provides()")

    def declare(function: _F) -> _F:
        _declare(function, "__provides__", (*provided_by(function), *declared))
        with suppress(TypeError):  # what cannot be referred to weakly is named by no advice
            _providers.add(function)
        return function

    return declare


def requires(*keys: Key) -> Callable[[_F], _F]:
    """Declare that a link, or an endpoint, reads request keys, so that a chain in which nothing sets them is refused.

    Args:
        keys: what must be set before it: `web.RequestKey`s, or texts.

    Example:
        @requires(USER)
        async def get_profile(request): return web.json_response(request[USER])
    """
    declared = read_keys(keys, "requires()")
    return lambda function: _declare(function, "__requires__", (*required_by(function), *declared))


def provided_by(link: Any) -> tuple[Key, ...]:
    """Return the request keys that a link declares to set."""
    return _read_declared(link, "__provides__")


def required_by(link: Any) -> tuple[Key, ...]:
    """Return the request keys that a link declares to read."""
    return _read_declared(link, "__requires__")


def alternatives_of(link: Any) -> tuple[tuple[Any, ...], ...]:
    """Return the ways through a link that runs one of several, each with its links; nothing for any other."""
    ways = read_mark(link, "__alternatives__")
    return ways if isinstance(ways, tuple) else ()


def known_providers(key: Key) -> list[Any]:
    """Return the links of this process that provide a key."""
    return [link for link in _providers if key in provided_by(link)]


def read_keys(keys: Keys, place: str) -> tuple[Key, ...]:
    """Return one key, or several, as a tuple; raise `RegistrationError` if they are none."""
    listed = keys if isinstance(keys, (list, tuple)) else (keys,)
    for key in listed:
        if not isinstance(key, (str, web.RequestKey)):
            raise RegistrationError(
                f"{place} got {describe(key)}", cure="pass request keys: web.RequestKey(...), or texts"
            )
    return cast(tuple[Key, ...], tuple(listed))


def _read_declared(link: Any, mark: str) -> tuple[Key, ...]:
    if type(link) is FunctionType:
        declared = getattr(link, mark, None)
        return declared if isinstance(declared, tuple) else ()
    found = [*read_marks(link, mark), *(getattr(method, mark, None) for method in _list_methods(link))]
    return tuple(dict.fromkeys(key for keys in found if isinstance(keys, tuple) for key in keys))


def _list_methods(link: Any) -> list[Any]:
    """The methods of a `View`, any of which may be called."""
    if not (isinstance(link, type) and issubclass(link, AbstractView)):
        return []
    return [getattr(link, method.lower(), None) for method in hdrs.METH_ALL]


def _declare(function: _F, mark: str, value: object) -> _F:
    try:
        set_mark(function, mark, value)
    except AttributeError as error:
        cure = "mark the function itself, in its class or where it is written"
        raise RegistrationError(f"{describe(function)} cannot be marked", cure=cure, link=function) from error
    return function
