"""What is measured of each battery, and of what is written by hand in its place."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from time import thread_time
from types import FunctionType
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.support.responses import apply_registered
from aiohttp_route_middleware.support.setup import prepare_responses

from .by_hand.shared import Signal
from .cases.case import Case
from .composing import make_endpoints
from .request_maker import TEMPLATE, RequestMaker
from .timing import Sample, drive
from .whole import make_app, time_answers

_CALLS = 60
_BARE, _PREPARED = "bare endpoint", "endpoint of a prepared application"
_BATTERY, _BY_HAND = "battery", "by hand"

Minima = Mapping[str, float]
_Exchange = tuple[web.Request, web.Response]


# ---- what was measured


def find_ours(items: Minima, name: str, case: Case) -> float:
    """Return the seconds that a battery takes."""
    return items[f"{name}: {_BATTERY}"] - items[_name_bare(name, case)]


def find_ours_without_setup(items: Minima, name: str, case: Case) -> float:
    """Return the seconds that a battery takes, without what all of an application share."""
    return items[f"{name}: {_BATTERY}"] - items[_name_prepared(name, case)]


def find_theirs(items: Minima, name: str, case: Case) -> float:
    """Return the seconds that it takes by hand."""
    return items[f"{name}: {_BY_HAND}"] - items[_name_bare(name, case)]


def _name_bare(name: str, case: Case) -> str:
    return f"{name}: {_BARE}" if case.is_whole or case.bare or case.in_loop else _BARE


def _name_prepared(name: str, case: Case) -> str:
    return f"{name}: {_PREPARED}" if case.is_whole else _PREPARED


# ---- samples


def sample_cases(cases: Mapping[str, Case], loop: asyncio.AbstractEventLoop) -> Iterator[tuple[str, Sample]]:
    """Make all samples, by their names."""
    endpoint = make_endpoints(1)[0]
    plain = RequestMaker("GET", {})
    yield _BARE, _sample(endpoint, None, plain)
    yield _PREPARED, _sample(_prepare(endpoint), apply_registered, plain)
    for name, case in cases.items():
        yield from _sample_whole_case(name, case, loop) if case.is_whole else _sample_case(name, case, loop)


def _sample_case(name: str, case: Case, loop: asyncio.AbstractEventLoop) -> Iterator[tuple[str, Sample]]:
    make, within = case.make_requests(), loop if case.in_loop else None
    ours, theirs = put_before_endpoints(case)
    if case.bare or case.in_loop:
        yield f"{name}: {_BARE}", _sample(case.bare or make_endpoints(1)[0], None, make, within)
    signal = apply_registered if case.signal else None
    yield f"{name}: {_BATTERY}", _sample(_prepare(ours) if case.signal else ours, signal, make, within)
    yield f"{name}: {_BY_HAND}", _sample(theirs, case.signal, make, within)


def put_before_endpoints(case: Case) -> tuple[Handler, Handler]:
    """Make the two handlers: with the battery, and with what is written by hand."""
    endpoints = [case.endpoint, case.endpoint_by_hand or case.endpoint]
    behind = [given or made for given, made in zip(endpoints, make_endpoints(2))]
    if case.of_application:
        ours, theirs = (
            functools.partial(link, handler=one) for link, one in zip((case.battery, case.by_hand), behind)
        )
        return ours, theirs
    given = [*case.state()]
    return chain(case.battery, behind[0], given=given), chain(case.by_hand, behind[1], given=given)


def _prepare(handler: Handler) -> Handler:
    """Put around a handler what aiohttp puts there after `setup(app)`; the signal is called by the sample."""
    return functools.update_wrapper(functools.partial(prepare_responses, handler=handler), handler)


def _sample(
    handler: Handler, signal: Signal | None, make: RequestMaker, within: asyncio.AbstractEventLoop | None = None
) -> Sample:
    """Each sample has requests and responses of its own, and a loop that the interpreter specialises for it alone."""
    function = _await_all if signal is None else _await_all_with_signal
    run = FunctionType(function.__code__.replace(), globals())
    find = make_router(make)

    def sample() -> float:
        exchanges = [(find(make()), web.Response()) for _ in range(_CALLS)]
        work = run(handler, signal, exchanges)
        return (drive(work) if within is None else within.run_until_complete(_time(work))) / _CALLS

    return sample


def make_router(make: RequestMaker) -> Callable[[web.Request], web.Request]:
    """Make what finds the route of a request, as an application does before any link runs."""
    app = web.Application()
    app.router.add_route(make.method, TEMPLATE, make_endpoints(1)[0])
    app.freeze()

    def find(request: web.Request) -> web.Request:
        drive(_find_route(app, request))
        return request

    return find


async def _find_route(app: web.Application, request: web.Request) -> None:
    match = await app.router.resolve(request)
    match.add_app(app)
    match.freeze()
    request._match_info = match
    request.headers.get("Expect")


async def _time(work: Any) -> float:
    started = thread_time()
    await work
    return thread_time() - started


async def _await_all(handler: Handler, signal: None, exchanges: Iterable[_Exchange]) -> None:
    for request, _ in exchanges:
        try:  # noqa: SIM105  # suppress() would be measured, too
            await handler(request)
        except web.HTTPException:
            pass


async def _await_all_with_signal(handler: Handler, signal: Signal, exchanges: Iterable[_Exchange]) -> None:
    for request, response in exchanges:
        await handler(request)
        await signal(request, response)


# ---- samples of whole exchanges


def _sample_whole_case(name: str, case: Case, loop: asyncio.AbstractEventLoop) -> Iterator[tuple[str, Sample]]:
    needs_setup = case.needs_setup
    apps = {
        _name_bare(name, case): make_app(case, None),
        _name_prepared(name, case): make_app(case, None, is_prepared=needs_setup),
        f"{name}: {_BATTERY}": make_app(case, case.battery, is_prepared=needs_setup),
        f"{name}: {_BY_HAND}": make_app(case, case.by_hand, signal=case.signal),
    }
    for label, app in apps.items():
        yield label, _sample_whole(case.make_requests(), app, loop)


def _sample_whole(make: RequestMaker, app: web.Application, loop: asyncio.AbstractEventLoop) -> Sample:
    time_answers(loop, app, [make()])  # what is kept, is kept from now on

    def sample() -> float:
        return time_answers(loop, app, [make() for _ in range(_CALLS)]) / _CALLS

    return sample
