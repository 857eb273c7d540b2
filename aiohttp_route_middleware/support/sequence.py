"""Links that one battery runs in its own place."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from ..answer import settle
from ..declarations import provided_by, required_by
from ..errors import ConfigurationError
from ..leading import read_leading
from ..link import GuardSpec, read_link
from ..typedefs import Handler, Key
from .battery import call

__all__ = ("Bound", "bind", "required_outside")

Step = Callable[..., Any]  # (request, handler)
Ask = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
AsyncGuard = Callable[[web.Request], Awaitable[Any]]  # what a guard of others gives is looked at later


class Bound:
    """Links, read once, to be run before any handler.

    Args:
        links: flattened.

    Attributes:
        links: the same.
        ask: if all of them are guards, runs them alone: their answer, or `None` to pass on; else `None`.
    """

    def __init__(self, links: tuple[Any, ...]) -> None:
        self.links = links
        self.ask: Ask | None = _bind_guards(links)
        self._first, *following = map(_bind_one, links)
        self._following = following[::-1]  # the last one first

    def run(self, request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
        """Run the links in order, then the handler."""
        following = handler
        for step in self._following:
            following = functools.partial(step, handler=following)
        answer: Awaitable[web.StreamResponse] = self._first(request, following)
        return answer


def bind(battery: str, links: Sequence[Any]) -> Bound:
    """Flatten and read the links that a battery was given.

    Raises:
        ConfigurationError: there are none.
        RegistrationError: one is not a link.
    """
    read = read_leading(links, battery)
    if not read:
        raise ConfigurationError(battery, "there are no links", cure="pass at least one")
    return Bound(read)


def required_outside(links: Sequence[Any]) -> tuple[Key, ...]:
    """The request keys that links require and do not provide one another."""
    provided: set[Key] = set()
    required: dict[Key, None] = {}
    for link in links:
        required.update((key, None) for key in required_by(link) if key not in provided)
        provided.update(provided_by(link))
    return tuple(required)


def _bind_one(link: Any) -> Step:
    spec = read_link(link)
    if isinstance(spec, GuardSpec):
        return functools.partial(_run_guard, _await_guard(link, spec), link)
    return functools.partial(_run_middleware, link, spec.keyword)


def _bind_guards(links: Sequence[Any]) -> Ask | None:
    specs = [(link, read_link(link)) for link in links]
    guards = [(_await_guard(link, spec), link) for link, spec in specs if isinstance(spec, GuardSpec)]
    return functools.partial(_ask, guards) if len(guards) == len(links) else None


def _await_guard(link: Any, spec: GuardSpec) -> AsyncGuard:
    guard: AsyncGuard = link if spec.is_async else functools.partial(call, link)
    return guard


async def _ask(guards: Sequence[tuple[AsyncGuard, Any]], request: web.Request) -> web.StreamResponse | None:
    for guard, link in guards:
        answer = await guard(request)
        if answer is not None:
            return settle(answer, link, request)
    return None


async def _run_guard(guard: AsyncGuard, link: Any, request: web.Request, handler: Handler) -> web.StreamResponse:
    answer = await guard(request)
    return await handler(request) if answer is None else settle(answer, link, request)


async def _run_middleware(link: Any, keyword: str | None, request: web.Request, handler: Handler) -> Any:
    answer = await (link(request, **{keyword: handler}) if keyword else link(request, handler))
    return settle(answer, link, request)
