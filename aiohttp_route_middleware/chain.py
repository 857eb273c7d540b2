"""Links to one handler: flatten, validate, compile."""

from __future__ import annotations

import functools
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from aiohttp import web
from aiohttp.abc import AbstractView
from aiohttp.typedefs import Handler

from .checked import watch
from .compiler import compile_chain
from .errors import RegistrationError
from .link import (
    LinkError,
    LinkSpec,
    MiddlewareSpec,
    check_bare_endpoint,
    check_endpoint,
    is_chained,
    is_checked,
    mark_chained,
    read_link,
)
from .naming import describe, name_link, unwrap_partial
from .typedefs import Link
from .view import chain_view

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ("blame_link", "chain", "compose", "flatten", "links_of")

_View = TypeVar("_View", bound=AbstractView)


@overload
def chain(
    *links: Unpack[tuple[Unpack[tuple[Link, ...]], type[_View]]], checked: bool | None = None
) -> type[_View]: ...


@overload
def chain(*links: Unpack[tuple[Unpack[tuple[Link, ...]], Handler]], checked: bool | None = None) -> Handler: ...


def chain(*links: object, checked: bool | None = None) -> Any:
    """Compose links and an endpoint to one handler, which any aiohttp router takes.

    `chain(a, b, h)` runs as `a(b(h))`: in order, until one returns a response. `chain(h)` is `h`.

    Args:
        links: guards, middlewares, lists or tuples of them, and last the endpoint: an async handler or a `View` class.
        checked: log which link returned nothing, called on again after an answer, or set headers too late;
            by default only under `python -X dev`.

    Returns:
        A coroutine function with the endpoint's name, documentation, annotations and attributes;
        for a `View` class, a subclass of it.

    Raises:
        RegistrationError: a link is not one; the message says which, and what to write instead.

    Example:
        app.router.add_get("/posts/{id}", chain(authenticate, authorise(["post:read"]), get_post))
    """
    return compose(links, checked=checked)


def compose(
    links: Iterable[Any], *, leading: tuple[Any, ...] = (), route: str = "", checked: bool | None = None
) -> Any:
    """Do the work of `chain()` for a route.

    Args:
        links: the links of the route, endpoint included.
        leading: links that stand before them; none of these can be the endpoint.
        route: its name, for error messages.
        checked: as for `chain()`.
    """
    own = tuple(flatten(links))
    members = leading + own
    if not own:
        raise RegistrationError(
            "the chain is empty", cure="pass an endpoint: async def get_post(request)", route=route
        )
    last = members[-1]
    checked = (sys.flags.dev_mode if checked is None else checked) or is_checked(last)
    if len(members) == 1 and (is_checked(last) or not (checked and is_chained(last))):
        with blame_link(last, 1, 1, route):
            check_bare_endpoint(last)
        return last
    members = members[:-1] + links_of(last)  # a finished chain at the end is joined, not nested
    specs = _read_members(members, route)
    if checked:
        specs = [_watched(link, spec) for link, spec in specs]
    return _build(specs, members, like=last, checked=checked)


def flatten(links: Iterable[Any]) -> Iterator[Any]:
    """Yield links in order, those in lists and tuples of any depth included."""
    for link in links:
        if isinstance(link, (list, tuple)) and not callable(link):  # a named tuple may well be a link itself
            yield from flatten(link)
        else:
            yield link


def links_of(handler: Any) -> tuple[Any, ...]:
    """Read back the flattened links of a composed handler or of a route, endpoint included.

    Args:
        handler: what `chain()` returned, any other handler, or an aiohttp route.

    Returns:
        The links in order; `(handler,)` for a handler that is no chain.

    Example:
        links_of(app.router.add_get("/", authenticate, index))  # (authenticate, index)
    """
    handler = handler.handler if isinstance(handler, web.AbstractRoute) else handler
    return handler.__links__ if is_chained(handler) else (handler,)


@contextmanager
def blame_link(link: Any, position: int, total: int, route: str) -> Generator[None]:
    """Turn a `LinkError` into a `RegistrationError` that says which link of which route it was."""
    try:
        yield
    except LinkError as error:
        problem = f"link {position} of {total}, {describe(link)}, {error.problem}"
        raise RegistrationError(problem, cure=error.cure, route=route, link=link, position=position) from error


def _read_members(members: tuple[Any, ...], route: str) -> list[tuple[Any, LinkSpec]]:
    specs: list[tuple[Any, LinkSpec]] = []
    for position, link in enumerate(members[:-1], 1):
        with blame_link(link, position, len(members), route):
            specs.append((link, read_link(link)))
    with blame_link(members[-1], len(members), len(members), route):
        check_endpoint(members[-1])
    return specs


def _watched(link: Any, spec: LinkSpec) -> tuple[Any, LinkSpec]:
    return (watch(link, spec), MiddlewareSpec(keyword=None)) if isinstance(spec, MiddlewareSpec) else (link, spec)


def _build(specs: list[tuple[Any, LinkSpec]], members: tuple[Any, ...], *, like: Any, checked: bool) -> Any:
    """Compile the chain; what stands for it bears the identity of `like`: the endpoint, or a finished chain of it."""
    endpoint = members[-1]
    chained = {"__wrapped__": endpoint, "__links__": members, "__checked__": checked}
    # One dictionary for all functions of the chain: as in aiohttp, the `handler` that a middleware gets has the
    # endpoint's attributes, and a route needs no memory for them.
    attributes = {**getattr(like, "__dict__", {}), **chained}
    head = compile_chain(specs, endpoint, functools.partial(_dress, like=like, attributes=attributes))
    handler = chain_view(endpoint, head, chained) if isinstance(endpoint, type) else head
    mark_chained(handler)
    return handler


def _dress(function: FunctionType, *, like: Any, attributes: dict[str, Any]) -> None:
    function.__name__ = function.__qualname__ = name_link(like)  # objects have no name of their own
    functools.update_wrapper(function, unwrap_partial(like), updated=())
    function.__dict__ = attributes
