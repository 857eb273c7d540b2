"""The types of links, for annotations and type checkers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, Union

from aiohttp import web
from aiohttp.abc import AbstractView
from aiohttp.typedefs import Handler

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ("Chain", "Endpoint", "Guard", "Handler", "Key", "Keys", "Link", "Middleware", "Outcome", "Trace")

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

# Under what a link hands something on: `request[key]`.
Key: TypeAlias = Union["web.RequestKey[Any]", str]
Keys: TypeAlias = Union[Key, Sequence[Key]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a link ended.

    Args:
        kind: `"passed"`: it let the request through to the next link; `"answered"`: the response is its own;
            `"raised"`: an exception came out of it, an `HTTPException` or a cancellation included.
        answer: what it returned, which for a middleware that passed is what it made of the answer.
        error: what it raised.
    """

    kind: Literal["passed", "answered", "raised"]
    answer: Any = None
    error: BaseException | None = None


# Called when a link starts, with that very link; what it returns is called when the link ends.
Trace: TypeAlias = Callable[[web.Request, Any], Callable[[Outcome], None]]
