"""Slashes at the end: who is redirected, to where, and who is not."""

from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx, name_link
from aiohttp_route_middleware.errors import ConfigurationError, RegistrationError
from aiohttp_route_middleware.middlewares.trailing_slash import change_slash, trailing_slash
from aiohttp_route_middleware.typedefs import Handler

from .wire import send


async def index(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.method} {request.path_qs} {await request.text()}".strip())


def make_app(policy: Any, *, is_below: bool = False, around: tuple[Any, ...] = ()) -> web.Application:
    inner = web.Application(middlewares=[*around, trailing_slash(policy)])
    slash = "" if policy == "trim" else "/"
    router = UrlDispatcherEx.install(inner)
    for path in ("/posts", "/posts/{id}", "/ü", "/both"):
        router.add_get(f"{path}{slash}", index)
        router.add_post(f"{path}{slash}", index)
    router.add_get("/", index)
    router.add_get("/both" + ("/" if policy == "trim" else ""), index)
    router.add_get("/any/{path:.*}", index)
    if not is_below:
        return inner
    app = web.Application()
    app.add_subapp("/sub", inner)
    return app


@pytest.mark.parametrize(
    ("policy", "target", "location"),
    [
        pytest.param("trim", "/posts/", "/posts", id="trimmed"),
        pytest.param("trim", "/posts//", "/posts", id="all slashes are"),
        pytest.param("trim", "/posts/7/", "/posts/7", id="with a variable"),
        pytest.param("trim", "/posts/?a=b&a=%20/", "/posts?a=b&a=%20/", id="the query stays"),
        pytest.param("trim", '/posts/?a=|"', "/posts?a=%7C%22", id="what no URI may hold is encoded"),
        pytest.param("trim", "/posts/?", "/posts?", id="an empty query, too"),
        pytest.param("trim", "/posts/a%2Fb%41/", "/posts/a%2Fb%41", id="the path stays as it was sent"),
        pytest.param("trim", "/%c3%bc/", "/%c3%bc", id="and its escapes"),
        pytest.param("trim", "http://evil.example/posts/", "/posts", id="the host of a target does not count"),
        pytest.param("append", "/posts", "/posts/", id="appended"),
        pytest.param("append", "/posts?next=/a", "/posts/?next=/a", id="appended before the query"),
        pytest.param("append", "/posts/7", "/posts/7/", id="appended to a variable"),
    ],
)
async def test_it_is_redirected(policy: str, target: str, location: str, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(policy))
    answer = await send(client, f"GET {target} HTTP/1.1", "Host: a")
    assert (answer.status, answer.headers.get_all("Location")) == (308, [location])
    answer = await send(client, f"GET {location} HTTP/1.1", "Host: a")
    assert answer.status == 200  # where it ends


@pytest.mark.parametrize(
    ("policy", "target", "status"),
    [
        pytest.param("trim", "/", 200, id="the root"),
        pytest.param("trim", "/posts", 200, id="what is right already"),
        pytest.param("trim", "/both", 200, id="a path of two"),
        pytest.param("trim", "/both/", 200, id="the other of two"),
        pytest.param("trim", "/any/thing/", 200, id="what has a route"),
        pytest.param("trim", "/nowhere/", 404, id="what has none without the slash either"),
        pytest.param("trim", "//evil.example/", 404, id="two slashes"),
        pytest.param("trim", "//posts/", 404, id="two slashes before a path that there is"),
        pytest.param("trim", "/\\evil.example/", 404, id="a backslash"),
        pytest.param("trim", "/posts/%2Fevil.example%5C/", 404, id="an escaped backslash"),
        pytest.param("trim", "/posts/../posts/", 404, id="dot segments"),
        pytest.param("trim", "/posts/%0d%0aSet-Cookie:a=b/", 404, id="line breaks"),
        pytest.param("append", "/posts/", 200, id="what has its slash"),
        pytest.param("append", "//evil.example", 404, id="two slashes, nothing is appended"),
        pytest.param("append", "/nowhere", 404, id="no such path"),
    ],
)
async def test_it_is_not_redirected(policy: str, target: str, status: int, aiohttp_client: AiohttpClient) -> None:
    answer = await send(await aiohttp_client(make_app(policy)), f"GET {target} HTTP/1.1", "Host: a")
    assert (answer.status, answer.headers.get("Location")) == (status, None)


@pytest.mark.parametrize("policy", ["trim", "append"])
async def test_a_post_keeps_its_method_and_body(policy: str, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(policy))
    path = "/posts" if policy == "append" else "/posts/"
    async with client.post(f"{path}?a=b", data=b"body") as response:
        assert [one.status for one in response.history] == [308]
        assert (await response.text()).startswith("POST /posts")
        assert (await response.text()).endswith("?a=b body")


async def test_another_method_is_redirected_if_only_the_other_path_has_it(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app("trim"))
    async with client.post("/both/", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (308, "/both")
    async with client.delete("/both/", allow_redirects=False) as response:
        assert response.status == 405


async def test_head_is_redirected(aiohttp_client: AiohttpClient) -> None:
    async with (await aiohttp_client(make_app("trim"))).head("/posts/", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (308, "/posts")


async def test_a_sub_application_redirects_below_its_prefix(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app("trim", is_below=True))
    async with client.get("/sub/posts/?a", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (308, "/sub/posts?a")
    async with client.get("/posts/", allow_redirects=False) as response:
        assert response.status == 404


async def test_the_application_around_a_sub_application_redirects_as_well(aiohttp_client: AiohttpClient) -> None:
    app, inner = web.Application(middlewares=[trailing_slash()]), web.Application()
    inner.router.add_get("/posts", index)
    app.add_subapp("/sub", inner)
    async with (await aiohttp_client(app)).get("/sub/posts/", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (308, "/sub/posts")


async def test_what_was_read_before_cannot_be_asked_about(aiohttp_client: AiohttpClient) -> None:
    @web.middleware
    async def read(request: web.Request, handler: Handler) -> web.StreamResponse:
        await request.read()
        return await handler(request)

    client = await aiohttp_client(make_app("trim", around=(read,)))
    async with client.post("/posts/", data=b"body", allow_redirects=False) as response:
        assert response.status == 404


@given(st.text(alphabet="/\\.%2fF5cC?#a:@ \t\r\n;ü", max_size=12), st.booleans())
def test_no_redirect_leads_to_another_host(text: str, appends: bool) -> None:
    target = change_slash(f"/{text}", appends=appends)
    if target is not None:
        assert urlsplit(urljoin("https://here.example/a/", target)).netloc == "here.example"
        assert target.startswith("/")
        assert target[1:2] not in ("/", "\\")
        assert change_slash(target, appends=appends) is None  # once, and not in a circle
        assert unquote(target.partition("?")[2]) == unquote(text.partition("?")[2])


@pytest.mark.parametrize("policy", ["trim", "append"])
def test_a_chain_refuses_it(policy: Any) -> None:
    router = UrlDispatcherEx.install(web.Application())
    with pytest.raises(RegistrationError, match=rf"trailing_slash\({policy}\).* put it into web.Application"):
        router.add_get("/", trailing_slash(policy), index)
    assert name_link(trailing_slash(policy)) == f"trailing_slash({policy})"


@pytest.mark.parametrize("policy", ["remove", "", None, True], ids=repr)
def test_what_is_no_policy_is_refused(policy: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^trailing_slash\(\): policy="):
        trailing_slash(policy)
