"""When a session is saved, whoever keeps it."""

from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.support.battery import middleware_battery
from aiohttp_route_middleware.support.sessions.saving import keep_session
from aiohttp_route_middleware.support.sessions.session import SESSION
from aiohttp_route_middleware.support.sessions.state import SessionState
from aiohttp_route_middleware.typedefs import Handler

from ...browser import Open, opener


class Keeper:
    """Keeps nothing, and says what it was told to keep; its cookie is a line of so many bytes."""

    def __init__(self, size: int = 20) -> None:
        self.size = size
        self.saved: list[str] = []

    async def load(self, request: web.Request) -> SessionState:
        return SessionState('{"a":1}', token="t")

    async def save(self, request: web.Request, state: SessionState) -> None:
        text = state.serialise()
        if "fail" in state.data:
            raise RuntimeError("cannot be saved")
        if state.differs(text):
            self.saved.append(text)
            state.mark_saved(text, set_cookie="s=".ljust(self.size, "x"))


def keep(keeper: Keeper) -> Any:
    @middleware_battery("keep", provided=(SESSION,))
    async def battery(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await keep_session(request, handler, key=SESSION, keeper=keeper, label="sessions(admin)")

    return battery


def serve(*links: Any) -> web.Application:
    *leading, endpoint = links
    app = web.Application()
    setup(app)
    UrlDispatcherEx.install(app, *leading).add_get("/", endpoint)
    return app


@pytest.fixture
def open_browser(aiohttp_client: AiohttpClient) -> Open:
    return opener(aiohttp_client)


async def change(request: web.Request) -> web.Response:
    request[SESSION]["a"] = 2
    return web.Response()


async def test_it_is_saved_once_and_the_response_bears_its_cookie(open_browser: Open) -> None:
    keeper = Keeper()
    browser = await open_browser(serve(keep(keeper), change))
    response = await browser.get("/")
    assert keeper.saved == ['{"a":2}']
    assert browser.lines == ["s=" + "x" * 18]
    assert (response.headers["Vary"], response.headers["Cache-Control"]) == ("Cookie", "private")


async def test_the_same_keeper_in_two_places_loads_one_session(open_browser: Open) -> None:
    keeper = Keeper()
    browser = await open_browser(serve(keep(keeper), keep(keeper), change))
    await browser.get("/")
    assert keeper.saved == ['{"a":2}']


async def test_of_two_keepers_that_are_equal_the_outer_one_keeps_the_session(open_browser: Open) -> None:
    class Alike(Keeper):
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Alike)

    outer, inner = Alike(30), Alike(20)
    browser = await open_browser(serve(keep(outer), keep(inner), change))
    await browser.get("/")
    assert (outer.saved, inner.saved) == (['{"a":2}'], [])
    assert [len(line) for line in browser.lines] == [30]


async def test_of_two_keepers_that_differ_the_inner_one_is_refused_and_the_outer_one_saves(
    open_browser: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def change_outside(request: web.Request) -> None:
        request[SESSION]["a"] = 2

    outer, inner = Keeper(30), Keeper(20)
    browser = await open_browser(serve(keep(outer), change_outside, keep(inner), change))
    assert (await browser.get("/")).status == 500
    assert (outer.saved, inner.saved) == (['{"a":2}'], [])
    assert [len(line) for line in browser.lines] == [30]
    assert (
        "sessions(admin): sessions(admin) around it keeps sessions of the same name in another way; leave this one "
        "out, as the session is there already; or make both alike, or give one another name"
    ) in caplog.text


@pytest.mark.parametrize(("size", "status"), [(4093, 200), (4094, 500)])
async def test_a_cookie_that_browsers_would_drop_for_its_size_is_an_error_and_not_sent(
    open_browser: Open, caplog: pytest.LogCaptureFixture, size: int, status: int
) -> None:
    browser = await open_browser(serve(keep(Keeper(size)), change))
    assert (await browser.get("/")).status == status
    assert len(browser.lines) == (status == 200)
    told = (
        "sessions(admin): the cookie of the session would take 4094 bytes, and browsers keep 4093; "
        "keep less in the session, or keep it in a store"
    )
    assert (told in caplog.text) is (status == 500)


@pytest.mark.parametrize("is_prepared", [False, True], ids=["returned", "prepared"])
async def test_a_failure_to_save_is_an_answer_of_its_own(open_browser: Open, is_prepared: bool) -> None:
    async def fail(request: web.Request) -> web.StreamResponse:
        request[SESSION]["fail"] = True
        response = web.Response()
        if is_prepared:
            await response.prepare(request)
        return response

    browser = await open_browser(serve(keep(Keeper()), fail))
    assert (await browser.get("/")).status == 500
    assert browser.lines == []


async def test_what_is_changed_after_the_headers_are_sent_is_lost_and_logged(
    open_browser: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def send(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        request[SESSION]["late"] = True
        return response

    keeper = Keeper()
    browser = await open_browser(serve(keep(keeper), send))
    assert (await browser.get("/")).status == 200
    assert keeper.saved == []
    (told,) = caplog.record_tuples
    assert told[0] == "aiohttp_route_middleware.support.sessions.saving"
    assert told[2].startswith("sessions(admin): the session was changed after the response had been sent")
