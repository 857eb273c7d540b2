"""maintenance(): 503 while a switch is on."""

import asyncio
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.definitions import load_links
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.maintenance import maintenance
from aiohttp_route_middleware.naming import name_link

from .. import scopes
from ..scopes import each_scope, path_in


async def index(request: web.Request) -> web.Response:
    return web.Response(text="open")


def make_app(link: Any, scope: str = "application") -> web.Application:
    return scopes.make_app(scope, [link], {"GET /": index, "GET /health": index})


def is_health(request: web.Request) -> bool:
    return request.path == "/health"


async def is_health_async(request: web.Request) -> bool:
    return is_health(request)


class Asked:
    """A switch that is a function, plain or async."""

    def __init__(self) -> None:
        self.is_on: Any = False

    def plain(self, request: web.Request) -> Any:
        return self.is_on

    async def waiting(self, request: web.Request) -> Any:
        return self.is_on


@each_scope
async def test_a_switch_closes_and_opens_in_every_scope(scope: str, aiohttp_client: AiohttpClient) -> None:
    event = asyncio.Event()
    client = await aiohttp_client(make_app(maintenance(event), scope))
    for turn, status in ((event.clear, 200), (event.set, 503), (event.clear, 200)):
        turn()
        async with client.get(path_in(scope, "/")) as response:
            assert response.status == status


async def test_the_answer_says_when_to_ask_again_and_is_kept_by_no_cache(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(maintenance(True)))
    async with client.get("/nowhere") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "300")
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("kind", ["plain", "waiting"])
async def test_a_function_is_asked_for_each_request(kind: str, aiohttp_client: AiohttpClient) -> None:
    asked = Asked()
    client = await aiohttp_client(make_app(maintenance(getattr(asked, kind))))
    for is_on, status in ((False, 200), (True, 503), (False, 200)):
        asked.is_on = is_on
        async with client.get("/") as response:
            assert response.status == status


async def test_an_event_of_threads_is_a_switch_as_well(aiohttp_client: AiohttpClient) -> None:
    event = threading.Event()
    event.set()
    client = await aiohttp_client(make_app(maintenance(event)))
    async with client.get("/") as response:
        assert response.status == 503


async def test_a_file_is_a_switch(aiohttp_client: AiohttpClient, tmp_path: Path) -> None:
    path = tmp_path / "maintenance"
    path.touch()
    client = await aiohttp_client(make_app(maintenance(path)))
    async with client.get("/") as response:
        assert response.status == 503


@pytest.mark.parametrize("answer", [None, 1, "no", b"1"], ids=repr)
async def test_a_switch_that_says_neither_true_nor_false_lets_nobody_through(
    answer: Any, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    asked = Asked()
    asked.is_on = answer
    client = await aiohttp_client(make_app(maintenance(asked.plain)))
    async with client.get("/") as response:
        assert response.status == 500
    assert "maintenance(): is_on() returned" in caplog.text


async def test_a_switch_that_cannot_be_asked_lets_nobody_through(aiohttp_client: AiohttpClient) -> None:
    async def is_on(request: web.Request) -> bool:
        raise OSError("the database is down")

    client = await aiohttp_client(make_app(maintenance(is_on)))
    async with client.get("/") as response:
        assert response.status == 500


@pytest.mark.parametrize("exempt", [is_health, is_health_async])
async def test_who_is_exempt_passes(exempt: Any, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(maintenance(True, exempt=exempt)))
    for path, status in (("/health", 200), ("/", 503)):
        async with client.get(path) as response:
            assert response.status == status


async def test_an_exemption_that_is_not_quite_true_is_none(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(maintenance(True, exempt=cast(Any, lambda request: "yes"))))
    async with client.get("/") as response:
        assert response.status == 503


NOW = datetime.now(timezone.utc)


@pytest.mark.parametrize(
    ("retry_after", "sent"),
    [
        pytest.param(0, "0", id="seconds"),
        pytest.param(datetime(2999, 7, 6, 8, 49, 37, tzinfo=timezone.utc), "Sat, 06 Jul 2999 08:49:37 GMT", id="date"),
        pytest.param(
            datetime(2999, 7, 6, 8, 49, 37, tzinfo=timezone(timedelta(hours=2))),
            "Sat, 06 Jul 2999 06:49:37 GMT",
            id="date of another zone",
        ),
        pytest.param(NOW - timedelta(days=1), None, id="a date that has passed"),
        pytest.param(None, None, id="nothing"),
    ],
)
async def test_retry_after_is_seconds_or_a_date(
    retry_after: Any, sent: str | None, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_app(maintenance(True, retry_after=retry_after)))
    async with client.get("/") as response:
        assert response.headers.get("Retry-After") == sent


@pytest.mark.parametrize(
    ("is_on", "options", "problem"),
    [
        pytest.param(5, {}, "is_on is int; pass a function", id="no switch"),
        pytest.param("", {}, "pass a text that is not empty", id="no path"),
        pytest.param("/no/such/folder/maintenance", {}, "name a file in a folder that exists", id="no folder"),
        pytest.param(True, {"retry_after": -1}, "0 or more", id="negative seconds"),
        pytest.param(True, {"retry_after": "300"}, "0 or more", id="a text"),
        pytest.param(True, {"retry_after": datetime(2999, 1, 1)}, "say in which time zone", id="no zone"),
        pytest.param(True, {"exempt": "/health"}, "pass a function", id="a path that is exempt"),
    ],
)
def test_a_wrong_option_is_refused_at_once(is_on: Any, options: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"maintenance\(\): .*{problem}"):
        maintenance(is_on, **options)


def test_its_name_tells_the_switch(tmp_path: Path) -> None:
    assert name_link(maintenance(False)) == "maintenance(False)"
    assert name_link(maintenance(asyncio.Event())) == "maintenance(Event)"
    assert name_link(maintenance(is_health)) == "maintenance(is_health)"
    assert name_link(maintenance(tmp_path / "off")) == f"maintenance({tmp_path / 'off'})"


async def test_it_is_switched_from_settings(aiohttp_client: AiohttpClient) -> None:
    (link,) = load_links([{"use": "maintenance", "options": {"is_on": True, "retry_after": 60}}])
    async with (await aiohttp_client(make_app(link))).get("/") as response:
        assert response.headers["Retry-After"] == "60"
