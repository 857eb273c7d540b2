"""Traced chains: whoever asked is told when each link starts, and how it ends; others pay nothing."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from aiohttp.typedefs import Handler

from aiohttp_route_middleware import Outcome, RegistrationError, RouteTableDef, UrlDispatcherEx, chain, get, links_of

from .conftest import Ask


class Recorder:
    """Writes down starts and ends, as text."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.outcomes: list[Outcome] = []

    def __call__(self, request: web.Request, link: Any) -> Callable[[Outcome], None]:
        name = getattr(link, "__name__", type(link).__name__)
        self.events.append(f"{name} starts")

        def end(outcome: Outcome) -> None:
            self.events.append(f"{name} {outcome.kind}")
            self.outcomes.append(outcome)

        return end


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


async def pass_on(request: web.Request) -> None:
    return None


def check(request: web.Request) -> None:
    return None


async def refuse(request: web.Request) -> web.Response:
    return web.Response(status=403)


def refuse_plainly(request: web.Request) -> Any:
    return refuse(request)


async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


async def by_keyword(request: web.Request, *, handler: Handler) -> web.StreamResponse:
    return await handler(request)


async def shortcut(request: web.Request, handler: Handler) -> web.StreamResponse:
    return web.Response(text="cached")


async def retry(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except LookupError:
        return await handler(request)


async def endpoint(request: web.Request) -> web.Response:
    return web.Response(text="done")


class Page(web.View):
    async def get(self) -> web.Response:
        return web.Response(text="page")


@pytest.mark.parametrize("checked", [False, True], ids=["unchecked", "checked"])
@pytest.mark.parametrize(
    ("links", "events"),
    [
        pytest.param((endpoint,), ["endpoint starts", "endpoint answered"], id="an endpoint alone"),
        pytest.param(
            (pass_on, check, endpoint),
            [
                "pass_on starts",
                "pass_on passed",
                "check starts",
                "check passed",
                "endpoint starts",
                "endpoint answered",
            ],
            id="guards",
        ),
        pytest.param((refuse, endpoint), ["refuse starts", "refuse answered"], id="an async guard that answers"),
        pytest.param(
            (refuse_plainly, endpoint), ["refuse_plainly starts", "refuse_plainly answered"], id="a plain one"
        ),
        pytest.param(
            (around, by_keyword, endpoint),
            [
                "around starts",
                "by_keyword starts",
                "endpoint starts",
                "endpoint answered",
                "by_keyword passed",
                "around passed",
            ],
            id="middlewares",
        ),
        pytest.param((shortcut, endpoint), ["shortcut starts", "shortcut answered"], id="a middleware that answers"),
        pytest.param(
            (pass_on, Page), ["pass_on starts", "pass_on passed", "Page starts", "Page answered"], id="a view"
        ),
    ],
)
async def test_each_link_is_told_of_as_it_starts_and_ends(
    ask: Ask, recorder: Recorder, links: tuple[Any, ...], events: list[str], checked: bool
) -> None:
    assert (await ask(chain(*links, trace=recorder, checked=checked))).status in (200, 403)
    assert recorder.events == events


async def test_a_trace_changes_nothing_that_the_client_sees(ask: Ask, recorder: Recorder) -> None:
    assert await (await ask(chain(pass_on, around, endpoint, trace=recorder))).text() == "done"
    assert recorder.outcomes[-1].answer is recorder.outcomes[1].answer


async def test_an_exception_is_told_of_by_every_link_it_passes(ask: Ask, recorder: Recorder) -> None:
    async def forbid(request: web.Request) -> web.Response:
        raise web.HTTPForbidden

    assert (await ask(chain(around, pass_on, forbid, trace=recorder))).status == 403
    raised = [outcome.error for outcome in recorder.outcomes if outcome.kind == "raised"]
    assert recorder.events[-2:] == ["forbid raised", "around raised"]
    assert isinstance(raised[0], web.HTTPForbidden)
    assert raised[0] is raised[1]


async def test_each_try_of_a_retry_is_told_of(recorder: Recorder) -> None:
    tries: list[int] = []

    async def fail_once(request: web.Request) -> web.Response:
        tries.append(1)
        if len(tries) == 1:
            raise LookupError
        return web.Response()

    await chain(retry, fail_once, trace=recorder)(make_mocked_request("GET", "/"))
    assert recorder.events[1:] == [
        "fail_once starts",
        "fail_once raised",
        "fail_once starts",
        "fail_once answered",
        "retry passed",
    ]


async def test_a_cancellation_is_told_of(recorder: Recorder) -> None:
    async def wait(request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    running = asyncio.ensure_future(chain(around, wait, trace=recorder)(make_mocked_request("GET", "/")))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert recorder.events[-2:] == ["wait raised", "around raised"]


async def test_a_wrong_answer_of_a_traced_link_is_still_named(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    async def mistake(request: web.Request) -> Any:
        return "text"

    for links in ((mistake, endpoint), (pass_on, mistake)):
        caplog.clear()
        assert (await ask(chain(*links, trace=Recorder()))).status == 500
        assert "mistake (" in caplog.text
        assert "returned an object of type str instead of a response" in caplog.text


async def test_nothing_is_wrapped_unless_asked_for() -> None:
    assert chain(endpoint) is endpoint
    assert chain(endpoint, trace=None) is endpoint
    assert links_of(chain(endpoint, trace=Recorder())) == (endpoint,)


async def test_a_router_traces_its_routes_groups_and_definitions(aiohttp_client: Any, recorder: Recorder) -> None:
    app = web.Application()
    router = UrlDispatcherEx.install(app, check, trace=recorder)
    router.add_get("/", endpoint)
    router.group("/group").add_get("/", endpoint)
    router.add_routes([get("/definition", endpoint)])
    table = RouteTableDef()
    table.get("/table")(endpoint)
    app.add_routes(table)
    client = await aiohttp_client(app)
    for path in ("/", "/group/", "/definition", "/table"):
        recorder.events.clear()
        await client.get(path)
        assert recorder.events == ["check starts", "check passed", "endpoint starts", "endpoint answered"]


async def test_a_traced_chain_stays_traced_where_it_is_joined(recorder: Recorder) -> None:
    other = Recorder()
    traced = chain(check, endpoint, trace=recorder)
    assert chain(traced) is traced
    await chain(pass_on, traced)(make_mocked_request("GET", "/"))
    assert recorder.events[0] == "pass_on starts"
    await chain(pass_on, traced, trace=other)(make_mocked_request("GET", "/"))
    assert len(other.events) == 6
    assert other.events == recorder.events[6:]
    assert chain(traced, trace=recorder) is traced


async def test_a_group_may_have_a_trace_of_its_own_beside_that_of_its_router(recorder: Recorder) -> None:
    inner = Recorder()
    router = UrlDispatcherEx(trace=recorder)
    with router.group("/inner", check, trace=inner) as group:
        traced = group.group("/same", trace=recorder).add_get("/", endpoint)
    await traced.handler(make_mocked_request("GET", "/inner/same/"))
    assert inner.events == ["check starts", "check passed", "endpoint starts", "endpoint answered"]
    assert recorder.events == inner.events


@pytest.mark.parametrize("make", [chain, UrlDispatcherEx, lambda _, trace: UrlDispatcherEx().group(trace=trace)])
def test_a_trace_that_cannot_be_called_is_refused_at_once(make: Callable[..., Any]) -> None:
    with pytest.raises(RegistrationError, match=r"trace= got str, which cannot be called; pass a function \(request"):
        make(check, trace="text")
    with pytest.raises(RegistrationError, match=r"trace= got function, whose call gives no function; pass a function"):
        make(check, trace=refuse)


async def test_who_was_told_of_a_start_is_told_of_the_end_whatever_the_others_raise(recorder: Recorder) -> None:
    class Failing(Recorder):
        fails = "start"

        def __call__(self, request: web.Request, link: Any) -> Callable[[Outcome], None]:
            if self.fails == "start":
                raise RuntimeError("at the start")
            return self.fail

        def fail(self, outcome: Outcome) -> None:
            raise RuntimeError("at the end")

    failing = Failing()
    composed = chain(pass_on, chain(endpoint, trace=failing), trace=recorder)
    for fails in ("start", "end"):
        failing.fails = fails
        with pytest.raises(RuntimeError, match=f"at the {fails}"):
            await composed(make_mocked_request("GET", "/"))
    assert recorder.events == ["pass_on starts", "pass_on raised", "pass_on starts", "pass_on passed"]


async def test_a_bound_trace_is_told_once_though_it_is_given_thrice() -> None:
    class Owner:
        calls = 0

        def trace(self, request: web.Request, link: Any) -> Callable[[Outcome], None]:
            self.calls += 1
            return lambda outcome: None

    owner = Owner()
    group = UrlDispatcherEx(trace=owner.trace).group(trace=owner.trace)
    route = group.add_get("/", chain(pass_on, endpoint, trace=owner.trace))
    await route.handler(make_mocked_request("GET", "/"))
    assert owner.calls == 2


async def test_files_without_links_are_traced_by_their_router(
    aiohttp_client: Any, recorder: Recorder, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("a")
    app = web.Application()
    UrlDispatcherEx.install(app, trace=recorder).add_static("/files", tmp_path)
    assert (await (await aiohttp_client(app)).get("/files/a.txt")).status == 200
    assert recorder.outcomes[0].kind == "answered"


@pytest.mark.parametrize("options", [{"checked": True}, {"trace": Recorder()}, {"checked": True, "trace": Recorder()}])
async def test_what_a_middleware_gets_looks_like_the_endpoint_however_it_is_compiled(options: dict[str, Any]) -> None:
    seen: list[Any] = []

    async def look(request: web.Request, handler: Any) -> Any:
        seen.append((handler.__name__, handler.__qualname__, handler.__module__, handler.__wrapped__))
        return await handler(request)

    for composed in (chain(look, pass_on, endpoint), chain(look, pass_on, endpoint, **options)):
        await composed(make_mocked_request("GET", "/"))
    assert seen[0] == seen[1] == ("endpoint", "endpoint", __name__, endpoint)


async def test_a_trace_whose_truth_value_is_false_is_a_trace() -> None:
    class Empty(Recorder):
        def __len__(self) -> int:
            return 0

    empty = Empty()
    await chain(pass_on, chain(endpoint, trace=empty))(make_mocked_request("GET", "/"))
    assert empty.events[-1] == "endpoint answered"
