"""Links to one handler: read, compiled, in the right order."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from aiohttp.abc import AbstractView

from .checked import watch
from .compiler import compile_chain
from .declarations import read_keys
from .errors import RegistrationError
from .likeness import dress
from .link import GuardSpec, LinkSpec, MiddlewareSpec, check_bare_endpoint
from .members import blame_link, flatten, read_members
from .order import check_order
from .places import find_caller
from .record import ChainRecord, links_of, read_record, set_record
from .settings import Settings
from .tracing import join_traces, trace_endpoint, trace_link
from .typedefs import Handler, Key, Keys, Link, Trace
from .view import chain_view

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ("chain", "check_finished", "compose")

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
    keys = read_keys(given, "given=")
    handler = compose(links, settings=Settings.read(checked, trace, keys))
    record = read_record(handler)
    if record is not None and record.site is None:
        record.site = find_caller()
        record.settings = record.settings.give(keys)
    return handler


def compose(
    links: Iterable[Any],
    *,
    leading: tuple[Any, ...] = (),
    route: str = "",
    settings: Settings = _PLAIN,
    checks_order: bool = True,
) -> Any:
    """Do the work of `chain()` for a route.

    Args:
        links: the links of the route, endpoint included.
        leading: links that stand before them; none of these can be the endpoint.
        route: its name, for error messages.
        settings: how it is compiled.
        checks_order: whether no more links will come before these, so that their order can be judged.
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
    kept = record.settings.given if record else ()  # what a router gives is not given on another
    is_alone = len(leading) + len(own) == 1
    if is_alone and not settings.must_recompile(record.settings if record else None):
        with blame_link(last, 1, 1, route):
            check_bare_endpoint(last)
        handler = last
    else:
        specs = read_members(members, route)
        leading_count = len(leading) + (record.leading_count if record and len(own) == 1 else 0)
        handler = _build(specs, ChainRecord(members, leading_count, settings.keep(kept)), like=last)
    if checks_order:
        check_order(members, settings.given, route)
    return handler


def check_finished(handler: Any, given: tuple[Key, ...], route: str) -> None:
    """Raise `RegistrationError` if the links of a handler are in the wrong order; for routers that do not check."""
    record = read_record(handler)
    check_order(links_of(handler), (*given, *(record.settings.given if record else ())), route)


def _wrap(link: Any, spec: LinkSpec, *, checked: bool, trace: Trace | None) -> tuple[Any, LinkSpec]:
    """Put around a link what the settings ask for, and tell what that is."""
    call = link
    if checked and isinstance(spec, MiddlewareSpec):
        call, spec = watch(link, spec), MiddlewareSpec(keyword=None)
    if trace is not None:
        call = trace_link(link, spec, call, trace)
        spec = MiddlewareSpec(keyword=None) if isinstance(spec, MiddlewareSpec) else GuardSpec(is_async=True)
    return call, spec


def _build(specs: list[tuple[Any, LinkSpec]], record: ChainRecord, *, like: Any) -> Any:
    """Compile the chain; what stands for it bears the identity of `like`: the endpoint, or a finished chain of it."""
    endpoint, settings = record.links[-1], record.settings
    trace = join_traces(settings.traces) if settings.traces else None
    call = endpoint if trace is None else trace_endpoint(endpoint, trace)
    chained = {"__wrapped__": endpoint}
    # One dictionary for all functions of the chain: as in aiohttp, the `handler` that a middleware gets has the
    # endpoint's attributes, and a route needs no memory for them.
    attributes = {**getattr(like, "__dict__", {}), **chained}
    links = [_wrap(link, spec, checked=settings.is_checked, trace=trace) for link, spec in specs]
    head = compile_chain(links, call, functools.partial(dress, like=like, attributes=attributes))
    handler = chain_view(endpoint, head, chained) if isinstance(endpoint, type) else head
    set_record(handler, record)
    return handler
