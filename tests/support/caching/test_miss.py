"""What is kept of one run of a handler, whatever stands around the cache and further in."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import guard, middleware, provides
from aiohttp_route_middleware.middlewares import on_response
from aiohttp_route_middleware.middlewares.api_key import api_key
from aiohttp_route_middleware.middlewares.cache_control import cache_control
from aiohttp_route_middleware.middlewares.compress import compress
from aiohttp_route_middleware.middlewares.cors import cors
from aiohttp_route_middleware.middlewares.language import LANGUAGE, language
from aiohttp_route_middleware.middlewares.response_cache import response_cache
from aiohttp_route_middleware.stores import MemoryStore
from aiohttp_route_middleware.support.access.identity import IDENTITY, Identity
from aiohttp_route_middleware.support.vary import merge_vary

from ...middlewares.cached_site import FRESH, Site, fetch, start

THEME = web.RequestKey("THEME", str)
PUBLIC = cache_control(public=True, max_age=60)


# ---- links around that choose


class Greeting(Site):
    """Greets in the language that was chosen."""

    async def respond(self, request: web.Request, text: str) -> web.StreamResponse:
        return web.Response(text=f"{request.get(LANGUAGE)}, {text}", headers=self.headers)


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        pytest.param({}, ["Accept_Language"], id="by Accept-Language"),
        pytest.param({"cookie": "lang"}, ["Accept_Language", "Cookie"], id="by a cookie too"),
    ],
)
async def test_each_language_that_a_link_around_has_chosen_has_its_own_page(
    options: Any, kinds: list[str], aiohttp_client: AiohttpClient
) -> None:
    site = Greeting()
    client = await start(aiohttp_client, site, language(["en", "de"], **options), response_cache(store=MemoryStore()))
    runs: dict[str, str] = {}
    for _ in range(2):
        for kind in kinds:
            for tag in ("de", "en"):
                answer = await fetch(client, **{kind: tag if kind == "Accept_Language" else f"lang={tag}"})
                assert answer.text.startswith(f"{tag}, ")
                assert answer.headers["Content-Language"] == tag
                assert answer.text == runs.setdefault(kind + tag, answer.text)


async def test_clients_of_one_language_share_its_page(aiohttp_client: AiohttpClient) -> None:
    """However their browsers ask for it."""
    site = Greeting()
    client = await start(aiohttp_client, site, language(["en", "de"]), response_cache(store=MemoryStore()))
    texts = [(await fetch(client, Accept_Language=asked)).text for asked in ("de", "de-CH, en;q=0.5", "fr, de;q=0.1")]
    assert texts == ["de, run 1"] * 3


async def test_a_page_without_a_language_is_not_sent_to_those_who_have_one(aiohttp_client: AiohttpClient) -> None:
    choose = language(["en", "de"])

    @middleware
    async def maybe(request: web.Request, handler: Any) -> web.StreamResponse:
        if "X-Plain" in request.headers:
            answer: web.StreamResponse = await handler(request)
            return answer
        return await choose(request, handler)

    client = await start(aiohttp_client, Greeting(), maybe, response_cache(store=MemoryStore()))
    assert (await fetch(client, X_Plain="1")).text == "None, run 1"
    assert (await fetch(client, Accept_Language="de")).text == "de, run 2"


async def test_what_a_link_of_a_user_names_in_vary_tells_apart(aiohttp_client: AiohttpClient) -> None:
    """A theme that is chosen around the cache, by a field that only the link itself names."""

    @middleware
    async def theme(request: web.Request, handler: Any) -> web.StreamResponse:
        request[THEME] = request.headers.get("X-Theme", "light")
        on_response(request, "theme", lambda _, response: merge_vary(response.headers, "X-Theme"))
        answer: web.StreamResponse = await handler(request)
        return answer

    async def show(request: web.Request) -> web.Response:
        return web.Response(text=request[THEME], headers=FRESH)

    client = await start(aiohttp_client, show, theme, response_cache(store=MemoryStore()))
    for _ in range(2):
        for wanted in ("dark", "light"):
            assert (await fetch(client, X_Theme=wanted)).text == wanted


async def test_what_varies_with_everything_around_is_not_kept(aiohttp_client: AiohttpClient) -> None:
    @guard
    async def vary(request: web.Request) -> None:
        on_response(request, "vary", lambda _, response: merge_vary(response.headers, "*"))

    store, site = MemoryStore(), Site()
    client = await start(aiohttp_client, site, vary, response_cache(store=store))
    assert [(await fetch(client)).text for _ in range(2)] == ["run 1", "run 2"]
    assert len(store) == 0


async def test_what_compress_and_cors_add_around_is_added_to_each_anew(aiohttp_client: AiohttpClient) -> None:
    site = Site()
    around = (cors(["https://a.example", "https://b.example"]), compress(minimum_size=1))
    client = await start(aiohttp_client, site, *around, response_cache(store=MemoryStore()))
    for origin, coding in (("https://a.example", "gzip"), ("https://b.example", "deflate"), ("", "identity")):
        answer = await fetch(client, Accept_Encoding=coding, **({"Origin": origin} if origin else {}))
        assert answer.text == "run 1"
        assert answer.headers.get("Access-Control-Allow-Origin", "") == origin
        assert answer.headers.get("Content-Encoding", "identity") == coding


# ---- who becomes known further in


def set_identity(request: web.Request) -> web.Request:
    request[IDENTITY] = Identity("ada")
    return request


def clone_and_set(request: web.Request) -> web.Request:
    return set_identity(request.clone())


@pytest.mark.parametrize("change", [set_identity, clone_and_set], ids=["on the request", "on a clone of it"])
@pytest.mark.parametrize("said", ["public, max-age=60", "s-maxage=60", "max-age=60", "max-age=60, must-revalidate"])
async def test_a_page_of_somebody_who_is_known_only_further_in_is_not_kept(
    change: Callable[[web.Request], web.Request], said: str, aiohttp_client: AiohttpClient
) -> None:
    @provides(IDENTITY)
    @middleware
    async def authenticate(request: web.Request, handler: Any) -> web.StreamResponse:
        if "X-Key" not in request.headers:
            raise web.HTTPUnauthorized
        answer: web.StreamResponse = await handler(change(request))
        return answer

    store = MemoryStore()
    client = await start(aiohttp_client, Site({"Cache-Control": said}), response_cache(store=store), authenticate)
    known = await fetch(client, X_Key="1")
    assert (known.status, known.told) == (200, "aiohttp; fwd=uri-miss; detail=identity")
    assert (await fetch(client)).status == 401
    assert len(store) == 0


async def test_a_stranger_gets_no_page_of_an_authenticator_further_in(aiohttp_client: AiohttpClient) -> None:
    """`response_cache()` before `api_key()`, with a policy that says `public`."""
    inside = api_key(lambda key: "ada" if key == "k" * 32 else None, header="X-Key")
    client = await start(aiohttp_client, Site({}), response_cache(store=MemoryStore()), inside, PUBLIC)
    assert (await fetch(client, X_Key="k" * 32)).text == "run 1"
    assert (await fetch(client)).status == 401


async def test_an_authenticator_around_leaves_what_is_public_to_all(aiohttp_client: AiohttpClient) -> None:
    around = api_key(lambda key: "ada" if key == "k" * 32 else None, header="X-Key")
    client = await start(aiohttp_client, Site({}), around, response_cache(store=MemoryStore()), PUBLIC)
    assert [(await fetch(client, X_Key="k" * 32)).text for _ in range(2)] == ["run 1"] * 2
    assert (await fetch(client)).status == 401


# ---- links around that write on what was returned


def write_body(request: web.Request, response: web.Response) -> None:
    response.text = f"hello {request.headers['X-User']}"


def write_status(_: web.Request, response: web.Response) -> None:
    response.set_status(203)


def write_reason(request: web.Request, response: web.Response) -> None:
    response.set_status(200, request.headers["X-User"])


def register_late(request: web.Request, _: web.Response) -> None:
    user = request.headers["X-User"]
    on_response(request, "late", lambda _, response: response.headers.update({"X-User": user}))


WRITE = [
    pytest.param(write_body, id="a body"),
    pytest.param(write_status, id="a status"),
    pytest.param(write_reason, id="a reason"),
    pytest.param(register_late, id="by on_response(), too late"),
]


@pytest.mark.parametrize("write", WRITE)
async def test_what_is_written_around_for_one_is_not_kept_for_others(
    write: Callable[[web.Request, web.StreamResponse], Awaitable[None] | None], aiohttp_client: AiohttpClient
) -> None:
    @middleware
    async def personalise(request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        if "X-User" in request.headers:
            write(request, response)
        return response

    client = await start(aiohttp_client, Site(), personalise, response_cache(store=MemoryStore()))
    assert (await fetch(client, X_User="alice")).told == "aiohttp; fwd=uri-miss; detail=replaced"
    other = await fetch(client)
    assert (other.status, other.text, other.headers.get("X-User")) == (200, "run 2", None)
    assert (await fetch(client)).text == "run 2"


@pytest.mark.parametrize(
    ("own", "written", "detail"),
    [
        pytest.param("private", "public, max-age=60", "private", id="allowed what the page forbids"),
        pytest.param("public, max-age=60", "no-store", "no-store", id="forbidden what the page allows"),
    ],
)
async def test_a_link_around_may_forbid_to_keep_and_not_allow_it(
    own: str, written: str, detail: str, aiohttp_client: AiohttpClient
) -> None:
    @middleware
    async def say(request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        response.headers["Cache-Control"] = written
        return response

    client = await start(aiohttp_client, Site({"Cache-Control": own}), say, response_cache(store=MemoryStore()))
    for run in ("run 1", "run 2"):
        answer = await fetch(client)
        assert (answer.text, answer.told) == (run, f"aiohttp; fwd=uri-miss; detail={detail}")
