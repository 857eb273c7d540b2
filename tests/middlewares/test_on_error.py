"""Exceptions of some kinds are answered by functions, the nearest kind first."""

from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import name_link
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.on_error import on_error

from ..scopes import each_scope, make_app, path_in
from .half_answers import Begin, each_error, each_half, is_broken, receive


async def look_up(_: web.Request) -> web.Response:
    raise KeyError("k")


async def find_index(_: web.Request) -> web.Response:
    raise IndexError("i")


async def count(_: web.Request) -> web.Response:
    raise ValueError("v")


async def refuse(_: web.Request) -> web.Response:
    raise web.HTTPForbidden


async def answer(_: web.Request) -> web.Response:
    return web.Response(status=403, text="returned")


HANDLERS = {
    "GET /key": look_up,
    "GET /index": find_index,
    "GET /value": count,
    "GET /refuse": refuse,
    "GET /answer": answer,
}


def tell(text: str) -> Any:
    async def tell(_: web.Request, error: Exception) -> web.Response:
        return web.Response(text=f"{text} {error!r}")

    return tell


def tell_plainly(_: web.Request, error: Exception) -> web.Response:
    return web.Response(text=f"plain {error!r}")


@each_scope
@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/key", "near KeyError('k')"),
        ("/index", "far IndexError('i')"),
        ("/value", "plain ValueError('v')"),
        ("/refuse", "status <HTTPForbidden Forbidden not prepared>"),
    ],
)
async def test_the_nearest_kind_decides(scope: str, path: str, text: str, aiohttp_client: AiohttpClient) -> None:
    link = on_error(
        {
            LookupError: tell("far"),
            KeyError: tell("near"),
            ValueError: tell_plainly,
            web.HTTPException: tell("any"),
            403: tell("status"),
        }
    )
    client = await aiohttp_client(make_app(scope, [link], HANDLERS))
    async with client.get(path_in(scope, path)) as response:
        assert (response.status, await response.text()) == (200, text)


@pytest.mark.parametrize(("path", "status"), [("/value", 500), ("/refuse", 403), ("/answer", 403)])
async def test_what_no_function_is_for_goes_on(path: str, status: int, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app("router", [on_error({KeyError: tell("k"), 404: tell("n")})], HANDLERS))
    async with client.get(path) as response:
        assert response.status == status


async def test_an_application_sees_its_own_404(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app("application", [on_error({404: tell("none")})], HANDLERS))
    async with client.get("/nothing") as response:
        assert await response.text() == "none <HTTPNotFound Not Found not prepared>"


async def test_a_function_that_answers_none_lets_the_exception_go_on_outwards(aiohttp_client: AiohttpClient) -> None:
    links = [on_error({KeyError: tell("outer")}), on_error({KeyError: lambda *_: None})]
    client = await aiohttp_client(make_app("router", links, HANDLERS))
    async with client.get("/key") as response:
        assert await response.text() == "outer KeyError('k')"


async def test_what_a_function_raises_goes_on_outwards(aiohttp_client: AiohttpClient) -> None:
    def translate(_: web.Request, error: Exception) -> None:
        raise web.HTTPNotFound from error

    links = [on_error({404: tell("outer")}), on_error({KeyError: translate})]
    client = await aiohttp_client(make_app("router", links, HANDLERS))
    async with client.get("/key") as response:
        assert await response.text() == "outer <HTTPNotFound Not Found not prepared>"


@each_half
@each_error
@pytest.mark.parametrize("kind", [Exception, 402], ids=["answered", "not answered"])
async def test_what_was_begun_is_cut_and_logged_once_and_no_function_is_asked(
    begin: Begin, version: str, error: Any, kind: Any, aiohttp_client: AiohttpClient, caplog: Any
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        await begin(request)
        raise error()

    asked: list[Exception] = []
    links = [on_error({Exception: lambda _, error: asked.append(error)}), on_error({kind: tell("too late")})]
    client = await aiohttp_client(make_app("router", links, {"GET /": handler}))
    assert is_broken(await receive(client, version))
    assert [record.levelname for record in caplog.records].count("ERROR") == 1
    assert type(error()).__name__ in caplog.text
    assert asked == []


@pytest.mark.parametrize("fails", [True, False], ids=["fails", "returns None"])
@each_half
async def test_what_a_function_has_begun_is_cut_as_well(
    begin: Begin, version: str, fails: bool, aiohttp_client: AiohttpClient
) -> None:
    async def answer_half(request: web.Request, error: Exception) -> None:
        await begin(request)
        if fails:
            raise web.HTTPForbidden

    async def handler(_: web.Request) -> web.Response:
        raise web.HTTPNotFound

    client = await aiohttp_client(make_app("router", [on_error({404: answer_half})], {"GET /": handler}))
    assert is_broken(await receive(client, version))


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        pytest.param({}, r"answers is .*; pass \{SomeError: function\}", id="none"),
        pytest.param([KeyError], r"answers is .*; pass \{SomeError: function\}", id="a list"),
        pytest.param({KeyError: "text"}, "the answer to KeyError is .*; pass a function", id="text"),
        pytest.param({BaseException: tell("x")}, "there is an answer to .*; name classes", id="what is no error"),
        pytest.param({"404": tell("x")}, "there is an answer to '404'; name classes", id="a text"),
        pytest.param({200: tell("x")}, "there is an answer to 200; name classes", id="no status of an exception"),
        pytest.param({True: tell("x")}, "there is an answer to True; name classes", id="a flag"),
    ],
)
def test_what_cannot_be_answered_is_refused(answers: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^on_error\(\): {problem}"):
        on_error(answers)


def test_the_link_is_named_by_what_it_answers() -> None:
    assert name_link(on_error({KeyError: tell("x"), 404: tell("y")})) == "on_error(KeyError, 404)"
