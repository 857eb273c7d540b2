"""Links to one handler: flatten, validate, compile."""

from __future__ import annotations

import functools
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from aiohttp import web
from aiohttp.abc import AbstractView
from aiohttp.typedefs import Handler

from .checked import watch
from .compiler import compile_chain
from .declarations import read_keys
from .errors import RegistrationError
from .link import GuardSpec, LinkError, LinkSpec, MiddlewareSpec, check_bare_endpoint, check_endpoint, read_link
from .marks import ChainRecord, read_record, set_record, unwrap_partial
from .naming import describe, name_link
from .order import check_order
from .places import find_caller
from .settings import Settings
from .tracing import trace_endpoint, trace_link
from .typedefs import Key, Keys, Link, Trace
from .view import chain_view

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ("blame_link", "chain", "check_finished", "compose", "flatten", "links_of")

_View = TypeVar("_View", bound=AbstractView)
_PLAIN = Settings()


@overload
def chain(
    *links: Unpack[tuple[Unpack[tuple[Link, ...]], type[_View]]],
    checked: bool | None = None,
    trace: Trace | None = None,
    given: Keys = (),
) -> type[_View]: ...


@overload
def chain(
    *links: Unpack[tuple[Unpack[tuple[Link, ...]], Handler]],
    checked: bool | None = None,
    trace: Trace | None = None,
    given: Keys = (),
) -> Handler: ...


def chain(*links: object, checked: bool | None = None, trace: Trace | None = None, given: Keys = ()) -> Any:
    """Compose links and an endpoint to one handler, which any aiohttp router takes.

    `chain(a, b, h)` runs as `a(b(h))`: in order, until one returns a response. `chain(h)` is `h`.

    Args:
        links: guards, middlewares, lists or tuples of them, and last the endpoint: an async handler or a `View` class.
        checked: log which link returned nothing, called on again after an answer, or set headers too late;
            by default only under `python -X dev`.
        trace: called with the request and the link as each link starts; what it returns is called with the
            `Outcome` when that link ends. By default nothing is traced, and nothing paid.
        given: request keys that are set before the chain runs, by a middleware of the application.

    Returns:
        A coroutine function with the endpoint's name, documentation, annotations and attributes;
        for a `View` class, a subclass of it.

    Raises:
        RegistrationError: a link is not one, or requires a request key that nothing before it provides; the message
            says which, and what to write instead.

    Example:
        app.router.add_get("/posts/{id}", chain(authenticate, authorise(["post:read"]), get_post))
    """
    settings = Settings(checked, trace, read_keys(given, "given="))
    handler = compose(links, settings=settings)
    record = read_record(handler)
    if record is not None and record.site is None:
        record.site = find_caller()
    return handler


def compose(
    links: Iterable[Any],
    *,
    leading: tuple[Any, ...] = (),
    route: str = "",
    settings: Settings = _PLAIN,
    is_final: bool = True,
) -> Any:
    """Do the work of `chain()` for a route.

    Args:
        links: the links of the route, endpoint included.
        leading: links that stand before them; none of these can be the endpoint.
        route: its name, for error messages.
        settings: how it is compiled.
        is_final: whether no more links will come before these, so that their order can be judged.
    """
    own = tuple(flatten(links))
    if not own:
        raise RegistrationError(
            "the chain is empty", cure="pass an endpoint: async def get_post(request)", route=route
        )
    last = own[-1]
    record = read_record(last)
    members = leading + own[:-1] + links_of(last)  # a finished chain at the end is joined, not nested
    settings = settings.join(record.settings) if record else settings
    is_alone = len(leading) + len(own) == 1
    if is_alone and not settings.changes(record.settings if record else None):
        with blame_link(last, 1, 1, route):
            check_bare_endpoint(last)
        handler = last
    else:
        specs = _read_members(members, route)
        inherited = len(leading) + (record.inherited if record and len(own) == 1 else 0)
        handler = _build(specs, ChainRecord(members, inherited, settings), like=last)
    if is_final:
        check_order(members, settings.given, route)
    return handler


def check_finished(handler: Any, given: tuple[Key, ...], route: str) -> None:
    """Raise `RegistrationError` if the links of a handler are in the wrong order; for routers that do not check."""
    record = read_record(handler)
    check_order(links_of(handler), (*given, *(record.settings.given if record else ())), route)


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
    record = read_record(handler)
    return record.links if record else (handler,)


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


def _wrap(link: Any, spec: LinkSpec, settings: Settings) -> tuple[Any, LinkSpec]:
    """Put around a link what the settings ask for, and tell what that is."""
    call = link
    if settings.is_checked and isinstance(spec, MiddlewareSpec):
        call, spec = watch(link, spec), MiddlewareSpec(keyword=None)
    if settings.trace is not None:
        call = trace_link(link, spec, call, settings.trace)
        spec = MiddlewareSpec(keyword=None) if isinstance(spec, MiddlewareSpec) else GuardSpec(is_async=True)
    return call, spec


def _build(specs: list[tuple[Any, LinkSpec]], record: ChainRecord, *, like: Any) -> Any:
    """Compile the chain; what stands for it bears the identity of `like`: the endpoint, or a finished chain of it."""
    endpoint = record.links[-1]
    call = trace_endpoint(endpoint, record.settings.trace) if record.settings.trace is not None else endpoint
    chained = {"__wrapped__": endpoint}
    # One dictionary for all functions of the chain: as in aiohttp, the `handler` that a middleware gets has the
    # endpoint's attributes, and a route needs no memory for them.
    attributes = {**getattr(like, "__dict__", {}), **chained}
    links = [_wrap(link, spec, record.settings) for link, spec in specs]
    head = compile_chain(links, call, functools.partial(_dress, like=like, attributes=attributes))
    handler = chain_view(endpoint, head, chained) if isinstance(endpoint, type) else head
    set_record(handler, record)
    return handler


def _dress(function: FunctionType, *, like: Any, attributes: dict[str, Any]) -> None:
    function.__name__ = function.__qualname__ = name_link(like)  # objects have no name of their own
    functools.update_wrapper(function, unwrap_partial(like), updated=())
    function.__dict__ = attributes
