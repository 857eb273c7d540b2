"""The language of the answer: from where it is taken, and what the response says of it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx, name_link, requires
from aiohttp_route_middleware.errors import ConfigurationError, RegistrationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.language import LANGUAGE, language

from .matrix import MATRIX, Case, ask, make_app

AVAILABLE = ["en", "de", "fr"]
Serve = Callable[..., Awaitable[Any]]


@requires(LANGUAGE)
async def tell(request: web.Request) -> web.Response:
    return web.Response(text=request[LANGUAGE], headers=[("Vary", "Origin")] if "vary" in request.query else None)


@pytest.fixture
def serve(aiohttp_client: AiohttpClient) -> Serve:
    async def serve(*links: Any, handler: Any = tell) -> Any:
        app = web.Application()
        setup(app)
        router = UrlDispatcherEx.install(app, *links)
        router.add_get("/", handler)
        router.add_get("/{lang}/posts", handler)
        return await aiohttp_client(app)

    return serve


@pytest.mark.parametrize(
    ("path", "headers", "found", "vary"),
    [
        pytest.param("/", {}, "en", "Cookie, Accept-Language", id="the default"),
        pytest.param("/", {"Accept-Language": "fr"}, "fr", "Cookie, Accept-Language", id="the header"),
        pytest.param("/", {"Accept-Language": "xx"}, "en", "Cookie, Accept-Language", id="a header that names none"),
        pytest.param("/", {"Cookie": "lang=de", "Accept-Language": "fr"}, "de", "Cookie", id="the cookie"),
        pytest.param(
            "/", {"Cookie": "lang=xx", "Accept-Language": "fr"}, "fr", "Cookie, Accept-Language", id="a wrong cookie"
        ),
        pytest.param("/?l=fr", {"Cookie": "lang=de"}, "fr", None, id="the query"),
        pytest.param("/?l=FR-ca", {"Cookie": "lang=de"}, "fr", None, id="the query, nearly"),
        pytest.param("/?l=xx", {"Cookie": "lang=de"}, "de", "Cookie", id="a wrong query"),
        pytest.param("/?l=", {"Cookie": "lang=de"}, "de", "Cookie", id="an empty query"),
        pytest.param("/?l=xx&l=fr", {}, "fr", None, id="the first that there is"),
        pytest.param("/de/posts?l=fr", {"Cookie": "lang=fr"}, "de", None, id="the path"),
        pytest.param("/xx/posts?l=fr", {}, "fr", None, id="a wrong path"),
        pytest.param("/?l=%0d%0aX:1", {"Cookie": "lang=de"}, "de", "Cookie", id="line breaks"),
    ],
)
async def test_what_is_named_first_decides(
    path: str, headers: dict[str, str], found: str, vary: str | None, serve: Serve
) -> None:
    client = await serve(language(AVAILABLE, path="lang", query="l", cookie="lang"))
    async with client.get(path, headers=headers) as response:
        assert await response.text() == response.headers["Content-Language"] == found
        assert response.headers.get("Vary") == vary


async def test_by_default_only_the_header_is_read(serve: Serve) -> None:
    headers = {"Cookie": "lang=fr", "Accept-Language": "de-CH"}
    async with (await serve(language(AVAILABLE))).get("/fr/posts?lang=fr", headers=headers) as response:
        assert await response.text() == "de"
        assert response.headers.getall("Vary") == ["Accept-Language"]


async def test_a_default_is_chosen_and_vary_is_merged(serve: Serve) -> None:
    async with (await serve(language(AVAILABLE, default="fr"))).get("/?vary=1") as response:
        assert await response.text() == "fr"
        assert response.headers.getall("Vary") == ["Origin, Accept-Language"]


async def test_what_the_handler_says_of_the_language_stays(serve: Serve) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(text="", headers={"Content-Language": "la"})

    async with (await serve(language(AVAILABLE), handler=handler)).get("/") as response:
        assert response.headers.getall("Content-Language") == ["la"]


async def test_the_innermost_decides(serve: Serve) -> None:
    client = await serve(language(AVAILABLE), language(["it"]))
    async with client.get("/", headers={"Accept-Language": "de"}) as response:
        assert await response.text() == response.headers["Content-Language"] == "it"


@pytest.mark.parametrize(("scope", "case"), MATRIX)
async def test_each_response_has_the_headers_once(scope: str, case: Case, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(scope, language(AVAILABLE, cookie="lang", path="lang")))
    case = Case(case.name, case.path, case.status, case.method, {**case.headers, "Accept-Language": "de"})
    async with ask(client, scope, case) as response:
        assert response.status == case.status
        assert response.headers.getall("Vary") == ["Cookie, Accept-Language"]
        has_content = case.name not in ("204", "304", "101")  # RFC 9110, section 15.4.5
        assert response.headers.getall("Content-Language", []) == ["de"] * has_content


def test_it_is_named_with_its_languages_and_provides_one() -> None:
    assert name_link(language(AVAILABLE)) == "language(en, de, fr)"
    router = UrlDispatcherEx.install(web.Application())
    with pytest.raises(RegistrationError, match=r"LANGUAGE"):
        router.add_get("/", tell, language(AVAILABLE), tell)
    router.add_get("/", language(AVAILABLE), tell)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"available": []}, r"available=\[\]; list"),
        ({"available": ["en"], "default": "de"}, "default='de'; write one of 'en'"),
        ({"available": ["en"], "path": ""}, "path=''; pass a text"),
        ({"available": ["en"], "query": 5}, "query=5; pass a text"),
        ({"available": ["en"], "cookie": "a b"}, "cookie='a b'; write a name"),
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_at_once(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^language\(\): {told}"):
        language(**options)
