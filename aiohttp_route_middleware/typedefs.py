"""The types of links, for annotations and type checkers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, Union

from aiohttp import web
from aiohttp.abc import AbstractView
from aiohttp.typedefs import Handler

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ("Chain", "Endpoint", "Guard", "Handler", "Link", "Middleware")

# A guard may be `async def` or plain `def`. `Coroutine`, not `Awaitable`: a `View` is awaitable too,
# and a type checker shall see that a View in the middle of a chain is a mistake.
Guard: TypeAlias = Callable[
    [web.Request], Union[Coroutine[Any, Any, web.StreamResponse | None], web.StreamResponse, None]
]


class KeywordMiddleware(Protocol):
    """A middleware that takes the rest of the chain as its keyword-only argument `handler`."""

    def __call__(self, request: web.Request, /, *, handler: Handler) -> Awaitable[web.StreamResponse]: ...


Middleware: TypeAlias = Union[Callable[[web.Request, Handler], Awaitable[web.StreamResponse]], KeywordMiddleware]
Link: TypeAlias = Union[Guard, Middleware, Sequence["Link"]]
Endpoint: TypeAlias = Union[Handler, type[AbstractView]]

# What `*links` takes wherever a route is registered: any number of links, and an endpoint last.
Chain: TypeAlias = "tuple[Unpack[tuple[Link, ...]], Endpoint]"
