"""Who may keep a response is said once, on every response it is meant for; restrictions add up."""

from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx, name_link
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.cache_control import cache_control
from aiohttp_route_middleware.middlewares.sessions import SESSION, sessions

from .matrix import CASES, MATRIX, Case, ask, make_app

SPOKEN_FOR = {"200", "HEAD", "204", "304", "stream", "file", "206"}
ERRORS = {"404", "405", "raised", "500", "416"}


@pytest.mark.parametrize(("scope", "case"), MATRIX)
async def test_each_response_has_the_field_once(scope: str, case: Case, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(scope, cache_control(max_age=60)))
    expected = ["max-age=60"] if case.name in SPOKEN_FOR else ["no-store"] if case.name in ERRORS else []
    async with ask(client, scope, case) as response:
        assert response.status == case.status
        assert response.headers.getall("Cache-Control", []) == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_no_store_is_said_of_every_response(case: Case, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app("application", cache_control(no_store=True)))
    async with ask(client, "application", case) as response:
        assert response.status == case.status
        assert response.headers.getall("Cache-Control") == ["no-store"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_of_errors_nothing_is_said_if_that_is_wanted(case: Case, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app("application", cache_control(max_age=60, errors=None)))
    expected = ["max-age=60"] if case.name in SPOKEN_FOR else []
    async with ask(client, "application", case) as response:
        assert response.headers.getall("Cache-Control", []) == expected


async def answer(request: web.Request) -> web.Response:
    query = request.query
    response = web.Response(status=int(query.get("status", 200)))
    for value in query.getall("said", ()):
        response.headers.add("Cache-Control", value)
    if "cookie" in query:
        response.set_cookie("a", "b")
    if "cdn" in query:
        response.headers["CDN-Cache-Control"] = query["cdn"]
    return response


async def client_for(aiohttp_client: AiohttpClient, *links: Any) -> Any:
    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app)
    router.add_get("/", *links, answer)
    router.add_post("/", *links, answer)
    return await aiohttp_client(app)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        pytest.param("", "public, max-age=60", id="nothing"),
        pytest.param("said=private", "private, max-age=60", id="private adds up"),
        pytest.param("said=no-store", "no-store", id="no-store stays"),
        pytest.param("said=no-cache", "no-cache, public, max-age=60", id="no-cache adds up"),
        pytest.param("said=max-age%3D5", "max-age=5", id="the time of the handler wins"),
        pytest.param("said=public", "public", id="so does what it allows"),
        pytest.param("cookie=1", "private, max-age=60", id="a cookie is private"),
        pytest.param("cookie=1&said=public", "public", id="unless the handler says otherwise"),
        pytest.param("said=", "public, max-age=60", id="an empty field says nothing"),
        pytest.param("cookie=1&said=", "private, max-age=60", id="nor with a cookie"),
        pytest.param("status=404&cookie=1", "private, no-store", id="an error with a cookie"),
        pytest.param("status=301", "public, max-age=60", id="a redirect for good"),
        pytest.param("status=302", None, id="a redirect for now"),
        pytest.param("status=404&said=max-age%3D5", "max-age=5", id="an error that says so itself"),
        pytest.param("status=404&said=private", "private, no-store", id="an error that is private"),
    ],
)
async def test_what_the_handler_says_stays(query: str, said: str | None, aiohttp_client: AiohttpClient) -> None:
    client = await client_for(aiohttp_client, cache_control(public=True, max_age=60))
    async with client.get(f"/?{query}", allow_redirects=False) as response:
        assert response.headers.getall("Cache-Control", []) == ([said] if said else [])


@pytest.mark.parametrize(
    ("options", "query", "said"),
    [
        pytest.param(
            {"private": True, "no_store": True, "no_transform": True}, "", "private, no-store, no-transform", id="all"
        ),
        pytest.param({"no_store": True}, "cookie=1", "private, no-store", id="with a cookie"),
        pytest.param({"max_age": 60, "errors": None}, "status=404&cookie=1", "private", id="a cookie alone"),
        pytest.param({"s_maxage": 9, "proxy_revalidate": True}, "cookie=1", "private", id="a cookie takes back"),
        pytest.param({"cdn_max_age": 9}, "cookie=1", "private", id="a cookie, and nothing for browsers"),
        pytest.param({"cdn_max_age": 9}, "", None, id="nothing for browsers"),
    ],
)
async def test_a_policy_is_written_as_it_is_combined(
    options: dict[str, Any], query: str, said: str | None, aiohttp_client: AiohttpClient
) -> None:
    client = await client_for(aiohttp_client, cache_control(**options))
    for _ in range(2):
        async with client.get(f"/?{query}") as response:
            assert response.headers.getall("Cache-Control", []) == ([said] if said else [])


async def test_two_fields_of_a_handler_become_one(aiohttp_client: AiohttpClient) -> None:
    client = await client_for(aiohttp_client, cache_control(max_age=60))
    async with client.get("/?said=private&said=no-transform") as response:
        assert response.headers.getall("Cache-Control") == ["private, no-transform, max-age=60"]


async def test_nothing_is_said_of_a_post(aiohttp_client: AiohttpClient) -> None:
    client = await client_for(aiohttp_client, cache_control(max_age=60))
    async with client.post("/") as response:
        assert "Cache-Control" not in response.headers


async def test_the_innermost_decides(aiohttp_client: AiohttpClient) -> None:
    client = await client_for(aiohttp_client, cache_control(no_store=True), cache_control(max_age=60))
    async with client.get("/") as response:
        assert response.headers.getall("Cache-Control") == ["max-age=60"]


@pytest.mark.parametrize(
    ("query", "cdn"),
    [
        pytest.param("", ["max-age=600"], id="beside Cache-Control"),
        pytest.param("said=private", [], id="not of what is private"),
        pytest.param("said=no-store", [], id="not of what is not to be stored"),
        pytest.param("cookie=1", [], id="not with a cookie"),
        pytest.param("said=max-age%3D5", [], id="not over the handler"),
        pytest.param("cdn=max-age%3D1", ["max-age=1"], id="that of the handler stays"),
        pytest.param("status=404", [], id="not of errors"),
    ],
)
async def test_networks_are_told_apart_only_what_they_may_keep(
    query: str, cdn: list[str], aiohttp_client: AiohttpClient
) -> None:
    client = await client_for(aiohttp_client, cache_control(max_age=60, cdn_max_age=600))
    async with client.get(f"/?{query}") as response:
        assert response.headers.getall("CDN-Cache-Control", []) == cdn


async def test_networks_alone_may_be_told(aiohttp_client: AiohttpClient) -> None:
    client = await client_for(aiohttp_client, cache_control(cdn_max_age=600))
    async with client.get("/") as response:
        assert response.headers["CDN-Cache-Control"] == "max-age=600"
        assert "Cache-Control" not in response.headers


async def test_the_response_that_changes_a_session_is_private(aiohttp_client: AiohttpClient) -> None:
    async def count(request: web.Request) -> web.Response:
        request[SESSION]["count"] = 1
        return web.Response()

    app = web.Application()
    setup(app)
    around = cache_control(public=True, max_age=60)
    UrlDispatcherEx.install(app).add_get("/", around, sessions(secret=b"x" * 32, secure=False), count)
    async with (await aiohttp_client(app)).get("/") as response:
        assert "Set-Cookie" in response.headers
        assert response.headers.getall("Cache-Control") == ["private, max-age=60"]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"max_age": 60}, "cache_control(max-age=60)"),
        (
            {"private": True, "max_age": 0, "must_revalidate": True},
            "cache_control(private, must-revalidate, max-age=0)",
        ),
        (
            {"public": True, "max_age": 60, "s_maxage": 5, "immutable": True, "no_transform": True},
            "cache_control(public, no-transform, max-age=60, s-maxage=5, immutable)",
        ),
        (
            {"s_maxage": 5, "stale_while_revalidate": 1, "stale_if_error": 2, "proxy_revalidate": True},
            "cache_control(proxy-revalidate, s-maxage=5, stale-while-revalidate=1, stale-if-error=2)",
        ),
        ({"no_cache": True}, "cache_control(no-cache)"),
        ({"no_store": True, "private": True}, "cache_control(private, no-store)"),
    ],
)
def test_a_listing_shows_what_it_says(options: dict[str, Any], name: str) -> None:
    assert name_link(cache_control(**options)) == name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "nothing is said; pass max_age=60"),
        ({"private": True, "public": True}, "private and public contradict"),
        ({"private": True, "s_maxage": 5}, "private and s_maxage contradict"),
        ({"private": True, "proxy_revalidate": True}, "private and proxy_revalidate contradict"),
        ({"private": True, "cdn_max_age": 5}, "private and cdn_max_age contradict"),
        ({"no_store": True, "max_age": 0}, "no_store and max_age contradict"),
        ({"no_store": True, "public": True}, "no_store and public contradict"),
        ({"no_store": True, "stale_if_error": 5}, "no_store and stale_if_error contradict"),
        ({"no_cache": True, "max_age": 5, "immutable": True}, "no_cache and immutable contradict"),
        (
            {"must_revalidate": True, "max_age": 5, "stale_while_revalidate": 5},
            "must_revalidate and stale_while_revalidate contradict",
        ),
        ({"immutable": True}, "immutable without max_age; say for how long"),
        ({"stale_if_error": 5}, "stale_if_error without max_age; say how long"),
        ({"stale_while_revalidate": 5, "public": True}, "stale_while_revalidate without max_age"),
        ({"max_age": -1}, "max_age=-1; pass a number of seconds, 0 or more"),
        ({"max_age": 1.5}, "max_age=1.5"),
        ({"max_age": True}, "max_age=True"),
        ({"cdn_max_age": "5"}, "cdn_max_age='5'"),
        ({"no_store": "yes"}, "no_store='yes'; write True or False"),
        ({"immutable": 1, "max_age": 5}, "immutable=1"),
        ({"max_age": 5, "errors": "no-cache"}, "errors='no-cache'; write"),
    ],
    ids=str,
)
def test_what_contradicts_itself_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        cache_control(**options)
    assert str(raised.value).startswith(f"cache_control(): {message}")
