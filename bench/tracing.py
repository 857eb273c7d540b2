"""What a trace costs where one is asked for, and that it costs nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from aiohttp.typedefs import Handler, Middleware

from aiohttp_route_middleware import Outcome, chain

from . import composing
from .report import Report, Spread, Table
from .timing import minima, sample_calls

_LINKS = 5
_UNASKED, _ASKED, _BY_HAND = "not traced", "traced by `trace=`", "traced by hand, around each link"


def run(*, quick: bool) -> Report:
    """Measure chains of middlewares: traced, not traced, and not traced while another chain of the links is."""
    series, rounds = (1, 5) if quick else (9, 60)
    request = make_mocked_request("GET", "/")
    handlers = _make_handlers()
    samples = {name: sample_calls([handler], request, 1000) for name, handler in handlers.items()}
    figures = [minima(samples, rounds) for _ in range(series)]
    rows = [
        (
            name,
            *[str(Spread.of(each[name] / each[reference] for each in figures)) for reference in (_UNASKED, _BY_HAND)],
        )
        for name in handlers
    ]
    note = (
        f"{_LINKS} middlewares and an endpoint, all of which only pass on or answer, with a trace that does nothing. "
        "By hand, it is called in a `try` around each link. Not traced, a chain is compiled as if there were no trace "
        "in the package, so the tables above are what it costs."
    )
    return Report((), (Table("A trace", note, ("", f"÷ {_UNASKED}", f"÷ {_BY_HAND}"), rows),))


def _make_handlers() -> dict[str, Handler]:
    links, endpoint = composing.make_middlewares(_LINKS), composing.make_endpoints(1)[0]
    return {
        _UNASKED: chain(*links, endpoint),
        _ASKED: chain(*links, endpoint, trace=_do_nothing),
        _BY_HAND: chain(*[_trace_by_hand(link) for link in links], _trace_endpoint_by_hand(endpoint)),
    }


def _do_nothing(request: web.Request, link: Any) -> Callable[[Outcome], None]:
    return _end


def _end(outcome: Outcome) -> None:
    """Where a real trace takes the time."""


def _trace_by_hand(link: Middleware) -> Middleware:
    @web.middleware
    async def traced(request: web.Request, handler: Handler) -> web.StreamResponse:
        end = _do_nothing(request, link)
        try:
            answer = await link(request, handler)
        except BaseException as error:
            end(Outcome("raised", error=error))
            raise
        end(Outcome("passed", answer))
        return answer

    return traced


def _trace_endpoint_by_hand(endpoint: Handler) -> Handler:
    async def traced(request: web.Request) -> web.StreamResponse:
        end = _do_nothing(request, endpoint)
        try:
            answer = await endpoint(request)
        except BaseException as error:
            end(Outcome("raised", error=error))
            raise
        end(Outcome("answered", answer))
        return answer

    return traced
