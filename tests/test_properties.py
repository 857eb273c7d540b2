"""A random chain, run by us, equals the same chain interpreted naively: answers, errors, repeats and cancellation."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from aiohttp.typedefs import Handler
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware import AnswerError, chain, links_of

Trace = list[str]


def settle(answer: Any) -> Any:
    """What becomes of an answer, written down again: the oracle must not be the code that it judges."""
    if isinstance(answer, web.HTTPException):
        raise answer
    if not isinstance(answer, web.StreamResponse):
        raise AnswerError
    return answer


# What a link does besides writing its name into the trace, at most once per kind of link.
ANSWERS = ["respond", "raise", "raise http", "return http", "cancel itself", "wrong"]
GUARD_ACTS = ["pass", "pass", "pass", "sleep and pass", *ANSWERS]
MIDDLEWARE_ACTS = [
    "pass",
    "pass",
    "pass",
    "catch",
    "finally",
    "twice",
    "clone",
    "sleep",
    "replace",
    "forget",
    *ANSWERS,
]
ENDPOINT_ACTS = ["respond", "respond", "sleep", "none", *ANSWERS]


@dataclass(frozen=True)
class Spec:
    """One random link: a guard ("async", "plain", "lazy": plain, but returns a coroutine) or a middleware."""

    name: str
    kind: str
    act: str


def answer(trace: Trace, spec: Spec) -> Any:
    if spec.act == "raise":
        raise LookupError(spec.name)
    if spec.act == "raise http":
        raise web.HTTPForbidden(text=spec.name)
    if spec.act == "return http":
        return web.HTTPConflict(text=spec.name)
    if spec.act == "cancel itself":
        raise asyncio.CancelledError(spec.name)
    if spec.act == "wrong":
        return 42
    return web.Response(text=spec.name)


def make_guard(trace: Trace, spec: Spec) -> Any:
    async def async_guard(request: web.Request) -> Any:
        trace.append(f"{spec.name} {request.path}")
        if spec.act == "sleep and pass":
            await asyncio.sleep(0)
            trace.append(f"{spec.name} awake")
        return None if spec.act.endswith("pass") else answer(trace, spec)

    def plain_guard(request: web.Request) -> Any:
        trace.append(f"{spec.name} {request.path}")
        return None if spec.act.endswith("pass") else answer(trace, spec)

    def lazy_guard(request: web.Request) -> Any:
        return async_guard(request)

    return {"async": async_guard, "plain": plain_guard, "lazy": lazy_guard}[spec.kind]


def make_middleware(trace: Trace, spec: Spec) -> Any:  # noqa: C901  # one flat list of acts
    async def middleware(request: web.Request, handler: Handler) -> Any:  # noqa: RET503  # forgetting is an act
        trace.append(f"{spec.name} {request.path}")
        if spec.act == "twice":
            await handler(request)
        if spec.act == "clone":
            request = request.clone(rel_url=f"{request.path}{spec.name}")
        if spec.act == "sleep":
            await asyncio.sleep(0)
        if spec.act in ANSWERS:
            return answer(trace, spec)
        if spec.act == "catch":
            try:
                return await handler(request)
            except (web.HTTPException, LookupError) as error:
                return web.Response(text=f"{spec.name} caught {type(error).__name__}")
        if spec.act == "finally":
            try:
                return await handler(request)
            finally:
                trace.append(f"{spec.name} finally")
        response = await handler(request)
        trace.append(f"/{spec.name}")
        if spec.act == "replace":
            return web.Response(text=f"{spec.name} replaced")
        if spec.act != "forget":
            return response

    return middleware


def make_endpoint(trace: Trace, spec: Spec) -> Any:
    async def endpoint(request: web.Request) -> Any:
        trace.append(f"{spec.name} {request.path}")
        if spec.act == "sleep":
            await asyncio.sleep(0)
        return None if spec.act == "none" else answer(trace, spec)

    class View(web.View):
        async def get(self) -> Any:
            return await endpoint(self.request)

    return View if spec.kind == "view" and spec.act not in ("none", "wrong") else endpoint


def make_links(trace: Trace, specs: list[Spec]) -> list[Any]:
    *before, last = specs
    links = [make_middleware(trace, s) if s.kind == "middleware" else make_guard(trace, s) for s in before]
    return [*links, make_endpoint(trace, last)]


async def interpret(links: list[Any], specs: list[Spec], request: web.Request) -> Any:
    """Run a chain as the documentation tells it, link by link."""
    link, spec = links[0], specs[0]
    if len(links) == 1:
        return settle(await link(request))
    if spec.kind == "middleware":

        async def handler(request: web.Request) -> Any:
            return await interpret(links[1:], specs[1:], request)

        return await link(request, handler)
    result = link(request)
    result = await result if inspect.isawaitable(result) else result
    if result is None:
        result = await interpret(links[1:], specs[1:], request)
    return settle(result)


async def interpret_chain(links: list[Any], specs: list[Spec], request: web.Request) -> Any:
    return settle(await interpret(links, specs, request))


def drive(run: Callable[[web.Request], Awaitable[Any]], trace: Trace, cancel_at: int | None) -> str:
    """Run without an event loop; at one suspension throw in what a cancelled task would. Return how it ended."""
    coroutine: Generator[Any, Any, Any] = run(make_mocked_request("GET", "/")).__await__()
    suspensions = 0
    try:
        coroutine.send(None)
        while True:
            trace.append("suspended")
            if suspensions == cancel_at:
                coroutine.throw(asyncio.CancelledError("from outside"))
            else:
                coroutine.send(None)
            suspensions += 1
    except StopIteration as stop:
        return f"{stop.value.status} {stop.value.text}"
    except AnswerError:
        return "AnswerError"
    except (web.HTTPException, LookupError, asyncio.CancelledError) as error:
        return f"{type(error).__name__} {error}"


links_before = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["async", "plain", "lazy"]), st.sampled_from(GUARD_ACTS)),
        st.tuples(st.just("middleware"), st.sampled_from(MIDDLEWARE_ACTS)),
    ),
    min_size=1,
    max_size=7,
)
endpoints = st.tuples(st.sampled_from(["function", "view"]), st.sampled_from(ENDPOINT_ACTS))


@st.composite
def chains(draw: st.DrawFn) -> list[Spec]:
    drawn = [*draw(links_before), draw(endpoints)]
    return [Spec(str(place), kind, act) for place, (kind, act) in enumerate(drawn)]


@given(specs=chains(), cancel_at=st.none() | st.integers(0, 3))
def test_a_random_chain_equals_the_naive_interpretation(specs: list[Spec], cancel_at: int | None) -> None:
    expected_trace: Trace = []
    expected_links = make_links(expected_trace, specs)
    expected = [
        drive(lambda request: interpret_chain(expected_links, specs, request), expected_trace, cancel_at)
        for _ in range(3)
    ]
    trace: Trace = []
    links = make_links(trace, specs)
    composed: Any = chain(*links)
    assert [drive(composed, trace, cancel_at) for _ in range(3)] == expected
    assert trace == expected_trace


@given(specs=chains())
def test_a_checked_chain_runs_like_an_unchecked_one_until_something_is_wrong(specs: list[Spec]) -> None:
    specs = [Spec(s.name, s.kind, "pass" if s.act in ("forget", "wrong", "return http") else s.act) for s in specs]
    traces: list[Trace] = [[], []]
    outcomes = []
    for trace, checked in zip(traces, (False, True)):
        composed: Any = chain(*make_links(trace, [Spec("guard", "async", "pass"), *specs]), checked=checked)
        outcomes.append(drive(composed, trace, None))
    assert outcomes[0] == outcomes[1]
    assert traces[0] == traces[1]


nested = st.recursive(st.integers(0, 5), lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner))


@given(shape=st.lists(nested, max_size=4))
def test_links_read_back_are_the_registered_ones_flattened(shape: list[Any]) -> None:
    trace: Trace = []
    pool = [make_guard(trace, Spec(str(place), "plain", "pass")) for place in range(6)]

    def replace(item: Any) -> Any:
        return pool[item] if isinstance(item, int) else type(item)(replace(inner) for inner in item)

    def leaves(item: Any) -> list[Any]:
        return [pool[item]] if isinstance(item, int) else [leaf for inner in item for leaf in leaves(inner)]

    endpoint = make_endpoint(trace, Spec("end", "function", "respond"))
    composed: Any = chain(*(replace(item) for item in shape), endpoint)
    assert links_of(composed) == (*leaves(shape), endpoint)


def test_the_drive_of_these_tests_does_cancel() -> None:
    """A property test that never reaches its subject shows nothing: this one does."""
    trace: Trace = []
    specs = [Spec("0", "middleware", "finally"), Spec("1", "async", "sleep and pass"), Spec("2", "function", "sleep")]
    assert drive(chain(*make_links(trace, specs)), trace, 1) == "CancelledError from outside"
    assert trace == ["0 /", "1 /", "suspended", "1 awake", "2 /", "suspended", "0 finally"]


@pytest.mark.parametrize("concurrent", [1, 100])
async def test_requests_do_not_share_anything(concurrent: int) -> None:
    async def mark(request: web.Request, handler: Handler) -> web.StreamResponse:
        await asyncio.sleep(0)
        response = await handler(request.clone(headers={**request.headers, "X-Seen": request.path}))
        await asyncio.sleep(0)
        return response

    async def look(request: web.Request) -> None:
        await asyncio.sleep(0)
        assert request.headers["X-Seen"] == request.path

    async def reply(request: web.Request) -> web.Response:
        return web.Response(text=request.headers["X-Seen"])

    handler: Any = chain(mark, look, mark, look, reply)
    requests = [make_mocked_request("GET", f"/{number}") for number in range(concurrent)]
    responses = await asyncio.gather(*(handler(request) for request in requests))
    assert [response.text for response in responses] == [request.path for request in requests]
