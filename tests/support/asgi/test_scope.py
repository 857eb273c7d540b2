"""The scope of a request, asked for byte by byte, and compared with that of uvicorn."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, unquote

import pytest
from aiohttp import ClientSession, UnixConnector, web
from aiohttp.test_utils import TestClient
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient
from yarl import URL

from aiohttp_route_middleware.adapters.asgi import asgi
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.exchange import exchange
from aiohttp_route_middleware.middlewares.client_address import client_address
from aiohttp_route_middleware.support.asgi.scope import check_root_path, find_root_path

from ...middlewares.wire import send
from .worlds import make_app, show_scope, uvicorn_port

ROOTS = [
    pytest.param("/api/{tail:.*}", "/api/users", "/api", id="a mount"),
    pytest.param("/api/{tail:.*}", "/api/", "/api", id="nothing behind the mount"),
    pytest.param("/api{tail:(/.*)?}", "/api", "/api", id="the mount itself"),
    pytest.param("/{tail:.*}", "/users", "", id="everything"),
    pytest.param("/t/{tenant}/api/{tail:.*}", "/t/acme/api/users", "/t/acme/api", id="a variable before it"),
    pytest.param("/t/{tenant}/api/{tail:.*}", "/t/a%2Fb%20c%2525/api/x", "/t/a/b c%25/api", id="escaped"),
    pytest.param("/t/{tenant}/{tail:.*}", "/t/%C3%A9+%2B/x", "/t/é++", id="not ASCII, and a plus"),
    pytest.param("/users/{id}/posts", "/users/5/posts", "", id="a variable that ends before the path"),
    pytest.param("/health", "/health", "", id="no variable"),
]


async def ask(client: TestClient[Any, Any], path: str, *headers: str) -> Any:
    return json.loads((await send(client, f"GET {path} HTTP/1.1", "Host: shop.example", *headers)).body)


@pytest.mark.parametrize(("route", "path", "root"), ROOTS)
async def test_the_root_path_is_what_stands_before_the_last_variable(
    route: str, path: str, root: str, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_app(show_scope, route))
    scope = await ask(client, path)
    assert scope["root_path"] == root
    assert scope["path"].startswith(root)
    assert scope["raw_path"] == path


async def test_the_root_path_of_a_sub_application_has_its_prefix(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    app.add_subapp("/sub", make_app(show_scope, "/api/{tail:.*}"))
    scope = await ask(await aiohttp_client(app), "/sub/api/x")
    assert (scope["root_path"], scope["path"]) == ("/sub/api", "/sub/api/x")


async def test_the_root_path_can_be_said(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(show_scope, "/{tail:.*}", root_path="/app"))
    assert (await ask(client, "/app/x"))["root_path"] == "/app"


async def test_behind_a_middleware_a_request_without_a_route_has_no_root_path(aiohttp_client: AiohttpClient) -> None:
    endpoint: Any = asgi(show_scope, lifespan="off")

    @web.middleware
    async def answer(request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await endpoint(request)
        return response

    scope = await ask(await aiohttp_client(web.Application(middlewares=[answer])), "/nowhere")
    assert scope["root_path"] == ""


@pytest.mark.parametrize("value", ["/api/", "api", "/", 5, b"/api"])
def test_a_root_path_is_refused_unless_it_is_one(value: object) -> None:
    with pytest.raises(ConfigurationError, match="root_path"):
        check_root_path("asgi()", value)


TARGETS = [
    "/",
    "/a%20b/%C3%A9?q=%20+&q=2",
    "/a%2Fb",
    "/%FF",
    "/a//b/./c/../d",
    "/a;b=1,c@d:e!$&'()*",
    "/x?",
    "/x??a=1",
    "/%2B+",
    "/100%25",
]


def plain(scope: Any) -> Any:
    return {name: value for name, value in scope.items() if name not in ("server", "client")}


@pytest.mark.parametrize("target", TARGETS)
async def test_it_is_the_scope_that_uvicorn_makes(target: str, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(show_scope))
    headers = ["X-Twice: 1", "x-twice: 2", "Cookie: a=b", "X-Empty:", "X-Text: é"]
    ours = await ask(client, target, *headers)
    async with uvicorn_port(show_scope) as port:
        theirs = await ask(_at(port), target, *headers)
    assert plain(ours) == plain(theirs)


async def test_an_absolute_target_is_path_and_query(aiohttp_client: AiohttpClient) -> None:
    scope = await ask(await aiohttp_client(make_app(show_scope)), "http://other.example/absolute?x=1")
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/absolute", "/absolute", "x=1")


async def test_http_1_0_says_so(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(show_scope))
    answer = await send(client, "GET / HTTP/1.0")
    assert json.loads(answer.body)["http_version"] == "1.0"


async def test_client_and_server_are_both_ends_of_the_connection(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(show_scope))
    scope = await ask(client, "/")
    assert (scope["client"][0], scope["server"]) == ("127.0.0.1", ["127.0.0.1", client.port])


async def test_client_and_scheme_are_those_that_client_address_has_found(aiohttp_client: AiohttpClient) -> None:
    believe = client_address(["127.0.0.1"], header="Forwarded")
    client = await aiohttp_client(make_app(show_scope, "/{tail:.*}", believe))
    scope = await ask(client, "/", "Forwarded: for=203.0.113.9;proto=https")
    assert (scope["client"], scope["scheme"]) == (["203.0.113.9", 0], "https")
    scope = await ask(client, "/", "Forwarded: for=unknown")
    assert (scope["client"], scope["scheme"]) == (None, "http")


async def test_what_clients_say_of_themselves_is_not_believed(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(show_scope))
    scope = await ask(client, "/", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https")
    assert (scope["client"][0], scope["scheme"]) == ("127.0.0.1", "http")


async def test_a_link_before_may_say_who_asks(aiohttp_client: AiohttpClient) -> None:
    async def rename(request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request.clone(remote="203.0.113.9", method="get"))
        return response

    scope = await ask(await aiohttp_client(make_app(show_scope, "/{tail:.*}", rename)), "/")
    assert (scope["client"], scope["method"]) == (["203.0.113.9", 0], "GET")


async def test_a_unix_socket_has_no_client_and_no_port(tmp_path: Path) -> None:
    place = str(tmp_path / "shop.sock")
    runner = web.AppRunner(make_app(show_scope))
    await runner.setup()
    try:
        await web.UnixSite(runner, place).start()
        async with ClientSession(connector=UnixConnector(place)) as session, session.get("http://a/") as response:
            scope = json.loads(await response.text())
    finally:
        await runner.cleanup()
    assert (scope["client"], scope["server"]) == (None, [place, None])


async def test_without_a_socket_there_is_no_server() -> None:
    received = await exchange(make_app(show_scope), "GET", "/", {}, b"")
    assert json.loads(received.body)["server"] is None


async def test_a_body_that_aiohttp_has_decompressed_is_not_called_compressed(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(show_scope))
    answer = await send(client, "GET / HTTP/1.1", "Host: a", "Content-Encoding: gzip", "Content-Length: 0", "X-A: 1")
    names = [name for name, _ in json.loads(answer.body)["headers"]]
    assert names == ["host", "x-a", "connection"]


async def test_the_scope_of_a_websocket_names_all_subprotocols(aiohttp_client: AiohttpClient) -> None:
    seen: list[Any] = []

    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope))
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})

    client = await aiohttp_client(make_app(refuse))
    await send(
        client,
        "GET /ws?x=1 HTTP/1.1",
        "Host: a",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: chat, , superchat",
        "Sec-WebSocket-Protocol: other",
    )
    scope = seen[-1]
    assert (scope["type"], scope["scheme"], scope["path"]) == ("websocket", "ws", "/ws")
    assert scope["subprotocols"] == ["chat", "superchat", "other"]
    assert scope["extensions"] == {"websocket.http.response": {}}
    assert "method" not in scope


@given(tenant=st.text(min_size=1), tail=st.text())
def test_the_root_path_always_begins_the_path(tenant: str, tail: str) -> None:
    pattern = web.UrlDispatcher().add_resource("/t/{tenant}/{tail:.*}").get_info().get("pattern")
    raw_path = f"/t/{quote(tenant, safe='', errors='replace')}/{quote(tail, errors='replace')}"
    root_path = find_root_path(pattern, URL(raw_path, encoded=True).path_safe)
    assert unquote(raw_path).startswith(f"{root_path}/") or not root_path


def _at(port: int) -> Any:
    return SimpleNamespace(host="127.0.0.1", port=port)
