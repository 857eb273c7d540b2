"""The endpoint as it is registered, with its options, and what it answers by itself."""

import asyncio
import gzip
import logging
import socket
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import RouteGroup, RouteTableDef, UrlDispatcherEx, chain, get, route
from aiohttp_route_middleware.errors import ConfigurationError, RegistrationError
from aiohttp_route_middleware.inspection import explain, list_routes
from aiohttp_route_middleware.middlewares.client_address import client_address
from aiohttp_route_middleware.naming import name_link
from aiohttp_route_middleware.proxy import (
    AffinityCookie,
    Forwarding,
    Target,
    Upstream,
    proxy,
    rewrite_cookies,
    rewrite_locations,
)
from aiohttp_route_middleware.typedefs import Handler

from .raw import OK, Between, Message, bounded

GET = b"GET /posts HTTP/1.1\r\nHost: shop.example:8080\r\n\r\n"


async def ask_through(
    between: Between, raw: bytes = GET, answer: bytes = OK, **options: Any
) -> tuple[Message, Message]:
    """Ask once through a proxy with these options; return what the target got, and what the client got."""
    await between.serve(**options)
    return await between.ask(raw, answer)


def with_field(line: str) -> bytes:
    return GET[:-2] + f"{line}\r\n\r\n".encode()


# options

OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "preserve_host": ({"preserve_host": "no"}, "preserve_host='no'; write True or False"),
    "allow_dot_segments": ({"allow_dot_segments": 1}, "allow_dot_segments=1"),
    "proxy_status": ({"proxy_status": "my shop"}, "proxy_status='my shop'; write a name"),
    "forwarding": ({"forwarding": True}, "forwarding is bool; write Forwarding"),
    "locations": ({"locations": "/api"}, "locations is str; write rewrite_locations"),
    "cookies": ({"cookies": rewrite_locations()}, "cookies is LocationRewriting.*; write rewrite_cookies"),
}


@pytest.mark.parametrize(("options", "problem"), OPTIONS.values(), ids=OPTIONS)
def test_a_wrong_option_is_refused_when_the_endpoint_is_made(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"proxy\(\): {problem}"):
        proxy(Upstream("http://localhost"), **options)


def test_it_needs_an_upstream() -> None:
    with pytest.raises(ConfigurationError, match=r"proxy\(\): upstream is str; pass an Upstream"):
        proxy("http://localhost:8001")  # type: ignore[arg-type]  # wrong on purpose


async def test_the_target_gets_its_own_host(between: Between) -> None:
    request, _ = await ask_through(between)
    assert request.values("Host") == [f"127.0.0.1:{between.upstream.port}".encode()]


async def test_by_option_the_target_gets_the_host_of_the_client_with_its_port(between: Between) -> None:
    request, _ = await ask_through(between, preserve_host=True)
    assert request.values("Host") == [b"shop.example:8080"]


MOVED = "HTTP/1.1 302 Found\r\nLocation: {}/login\r\nContent-Length: 0\r\n\r\n"


async def test_a_location_stays_as_it_is_by_default(between: Between) -> None:
    _, response = await ask_through(between, answer=MOVED.format(between.url).encode())
    assert response.values("Location") == [f"{between.url}/login".encode()]


async def test_by_option_a_location_names_the_host_that_the_client_knows(between: Between) -> None:
    _, response = await ask_through(between, answer=MOVED.format(between.url).encode(), locations=rewrite_locations())
    assert response.values("Location") == [b"http://shop.example:8080/login"]


async def test_a_location_names_the_host_that_a_trusted_proxy_was_asked_for(between: Between) -> None:
    address = client_address(
        ["127.0.0.1"],
        header="X-Forwarded-For",
        scheme_header="X-Forwarded-Proto",
        host_header="X-Forwarded-Host",
    )
    raw = with_field("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: public.example")
    _, response = await ask_through(
        between,
        raw,
        MOVED.format(between.url).encode(),
        locations=rewrite_locations(),
        links=lambda endpoint: chain(address, endpoint),
    )
    assert response.values("Location") == [b"https://public.example/login"]


async def test_by_option_cookies_get_the_path_and_the_domain_of_the_site(between: Between) -> None:
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/; Domain=inner.example\r\nSet-Cookie: b=2\r\n"
    answer += b"Content-Length: 0\r\n\r\n"
    cookies = rewrite_cookies(domains={"*": None}, paths={"/": "/shop"})
    _, response = await ask_through(between, answer=answer, cookies=cookies)
    assert response.values("Set-Cookie") == [b"a=1; Path=/shop", b"b=2"]


async def test_dot_segments_are_refused_or_passed_on_by_option(between: Between) -> None:
    raw = b"GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n"
    request, _ = await ask_through(between, raw, allow_dot_segments=True)
    assert request.line == b"GET /a/../b HTTP/1.1"


async def test_dot_segments_are_400_by_default(between: Between) -> None:
    await between.serve()
    client = await between.send(b"GET /a/%2E%2e/b HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await client.read_response()).status == 400
    assert between.upstream.wires == []


async def test_clients_are_told_why_there_is_no_answer_by_option(between: Between) -> None:
    await between.upstream.close()
    await between.serve(proxy_status="shop")
    response = await (await between.send(GET)).read_response()
    assert response.status == 502
    assert response.values("Proxy-Status") == [b"shop; error=connection_refused"]


async def test_clients_are_not_told_by_default_and_the_log_is(
    between: Between, caplog: pytest.LogCaptureFixture
) -> None:
    await between.upstream.close()
    await between.serve(to={"name": "shop"})
    response = await (await between.send(GET)).read_response()
    assert response.values("Proxy-Status") == []
    assert response.body == b"502: Bad Gateway"
    assert f"GET /posts: upstream shop: {between.url} could not be reached" in caplog.text


async def test_a_body_that_aiohttp_has_unpacked_is_not_called_packed(between: Between) -> None:
    body = gzip.compress(b"first")
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    request, _ = await ask_through(between, head + body)
    assert request.values("Content-Encoding") == []
    assert request.body == b"first"


async def test_a_websocket_is_passed_on(aiohttp_client: AiohttpClient) -> None:
    async def echo(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse(protocols=["chat"])
        await websocket.prepare(request)
        await websocket.send_str(await websocket.receive_str())
        await websocket.close(code=4000)
        return websocket

    target = web.Application()
    target.router.add_get("/", echo)
    async with TestServer(target) as server:
        upstream = Upstream(str(server.make_url("/")))
        app = web.Application()
        upstream.run_with(app)
        app.router.add_get("/", proxy(upstream))
        client = await aiohttp_client(app)
        async with client.ws_connect("/", protocols=["chat"]) as websocket:
            await websocket.send_str("hello")
            assert await websocket.receive_str() == "hello"
            await websocket.receive()
            assert (websocket.protocol, websocket.close_code) == ("chat", 4000)


# affinity


async def test_a_client_stays_with_its_target_by_a_cookie_that_targets_do_not_see(
    aiohttp_client: AiohttpClient,
) -> None:
    seen: list[str | None] = []

    def make_target(name: str) -> TestServer:
        async def tell(request: web.Request) -> web.Response:
            seen.append(request.headers.get("Cookie"))
            return web.Response(text=name)

        app = web.Application()
        app.router.add_get("/", tell)
        return TestServer(app)

    async with make_target("a") as a, make_target("b") as b:
        targets = [Target(server.make_url("/"), name=name) for server, name in ((a, "a"), (b, "b"))]
        upstream = Upstream(*targets, affinity=AffinityCookie("target"))
        app = web.Application()
        upstream.run_with(app)
        app.router.add_get("/", proxy(upstream))
        client = await aiohttp_client(app)
        first = await client.get("/")
        name = await first.text()
        assert first.headers["Set-Cookie"].startswith(f"target={name}; ")
        for cookie in (f"target={name}", f"x=1; target={name}"):
            for _ in range(3):
                response = await client.get("/", headers={"Cookie": cookie})
                assert await response.text() == name
                assert "Set-Cookie" not in response.headers
    assert seen == [None] * 4 + ["x=1"] * 3


# what it answers by itself


async def test_a_request_that_comes_back_to_the_same_proxy_is_508(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    server = TestServer(app)
    client = TestClient(server)
    port = _free_port()
    upstream = Upstream(f"http://127.0.0.1:{port}")
    upstream.run_with(app)
    app.router.add_get("/", proxy(upstream))
    await server.start_server()
    try:
        site = web.TCPSite(server.runner, "127.0.0.1", port)  # type: ignore[arg-type]  # it has started
        await site.start()
        assert (await client.get("/")).status == 508
    finally:
        await client.close()


async def test_max_forwards_is_counted_down_and_at_zero_answered_here(between: Between) -> None:
    raw = b"OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: %d\r\n\r\n"
    request, _ = await ask_through(between, raw % 2)
    assert request.values("Max-Forwards") == [b"1"]
    client = await between.send(raw % 0)
    assert (await client.read_response()).status == 200
    assert len(between.upstream.wires) == 1


async def test_a_client_that_stops_in_the_midst_of_its_body_is_told_so(between: Between) -> None:
    await between.serve(to={"idle_timeout": 0.05})
    client = await between.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
    target = await between.upstream.accept()
    await target.read_head()
    response = await client.read_response()
    assert response.status == 408
    assert response.values("Connection") == [b"close"]
    assert await target.read_rest() in (b"half", b"")
    client.abort()


async def test_a_malformed_body_is_400(between: Between) -> None:
    await between.serve()
    client = await between.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
    target = await between.upstream.accept()
    await target.read_head()
    await client.send(b"no size\r\n")
    assert (await client.read_response()).status == 400
    assert b"0\r\n\r\n" not in await target.read_rest()


async def test_a_client_that_has_gone_is_499_in_the_log(between: Between, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "aiohttp.access")
    logged = asyncio.Event()
    handler = _Bell(logged)
    access = logging.getLogger("aiohttp.access")
    access.addHandler(handler)
    try:
        await between.serve(server={"access_log": access})
        client = await between.send(GET)
        target = await between.upstream.accept()
        await target.read_request()
        client.abort()
        await bounded(logged.wait())
    finally:
        access.removeHandler(handler)
    assert '"GET /posts HTTP/1.1" 499' in caplog.text


class _Bell(logging.Handler):
    def __init__(self, event: asyncio.Event) -> None:
        super().__init__()
        self._event = event

    def emit(self, record: logging.LogRecord) -> None:
        self._event.set()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


# how it is registered


async def _sign(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    response.headers["X-Link"] = "ours"
    return response


def _register_extended(app: web.Application, endpoint: Handler) -> None:
    UrlDispatcherEx.install(app).add_route("*", "/shop{tail:.*}", _sign, endpoint)


def _register_stock(app: web.Application, endpoint: Handler) -> None:
    app.router.add_route("*", "/shop{tail:.*}", chain(_sign, endpoint))


def _register_methods(app: web.Application, endpoint: Handler) -> None:
    router = UrlDispatcherEx.install(app)
    router.add_get("/shop{tail:.*}", _sign, endpoint)
    router.add_post("/shop{tail:.*}", _sign, endpoint)


def _register_definition(app: web.Application, endpoint: Handler) -> None:
    UrlDispatcherEx.install(app)
    app.add_routes([get("/other", endpoint), route("*", "/shop{tail:.*}", _sign, endpoint)])


def _register_decorated(app: web.Application, endpoint: Handler) -> None:
    table = RouteTableDef()
    table.route("*", "/shop{tail:.*}", _sign)(endpoint)
    UrlDispatcherEx.install(app)
    app.add_routes(table)


def _register_group(app: web.Application, endpoint: Handler) -> None:
    router = UrlDispatcherEx.install(app)
    group = RouteGroup(router, "/shop", _sign)
    group.add_route("*", "/{tail:.*}", endpoint)


def _register_sub_app(app: web.Application, endpoint: Handler) -> None:
    sub = web.Application()
    sub.router.add_route("*", "/{tail:.*}", chain(_sign, endpoint))
    app.add_subapp("/shop", sub)


def _register_domain(app: web.Application, endpoint: Handler) -> None:
    sub = web.Application()
    sub.router.add_route("*", "/{tail:.*}", chain(_sign, endpoint))
    app.add_domain("*.example", sub)


WAYS = (
    _register_extended,
    _register_stock,
    _register_methods,
    _register_definition,
    _register_decorated,
    _register_group,
    _register_sub_app,
    _register_domain,
)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("register", WAYS, ids=lambda way: way.__name__[1:])
async def test_however_it_is_registered_the_path_stays_whole(
    register: Any, method: str, between: Between, aiohttp_client: AiohttpClient
) -> None:
    between.upstream.answer = OK
    upstream = Upstream(between.url)
    app = web.Application()
    upstream.run_with(app)
    register(app, proxy(upstream))
    client = await aiohttp_client(app)
    response = await client.request(method, "/shop/a?b=1", headers={"Host": "shop.example"})
    assert (response.status, response.headers["X-Link"]) == (200, "ours")
    assert between.upstream.requests[0].line == f"{method} /shop/a?b=1 HTTP/1.1".encode()


async def test_an_upstream_may_run_with_the_sub_application_that_uses_it(
    between: Between, aiohttp_client: AiohttpClient
) -> None:
    between.upstream.answer = OK
    upstream = Upstream(between.url)
    app, sub = web.Application(), web.Application()
    upstream.run_with(sub)
    sub.router.add_get("/", proxy(upstream))
    app.add_subapp("/shop", sub)
    client = await aiohttp_client(app)
    assert (await client.get("/shop/")).status == 200


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PROPFIND", "DELETE"])
async def test_with_a_star_every_method_is_passed_on(between: Between, method: str) -> None:
    between.upstream.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
    await between.serve()
    client = await between.send(f"{method} / HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert (await client.read_response(method)).status == 204
    assert between.upstream.requests[0].line == f"{method} / HTTP/1.1".encode()


def test_a_proxy_that_is_not_the_last_of_a_chain_is_refused_when_it_is_registered() -> None:
    endpoint = proxy(Upstream("http://localhost", name="shop"))
    with pytest.raises(RegistrationError, match=r"proxy\(shop\).* is an endpoint, which always answers"):
        chain(endpoint, _sign, endpoint)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(RegistrationError, match=r"proxy\(shop\).* is an endpoint, which always answers"):
        UrlDispatcherEx().add_get("/", endpoint, _sign, endpoint)  # type: ignore[arg-type]  # wrong on purpose


async def test_listings_show_it_by_the_name_of_its_upstream() -> None:
    upstream = Upstream("http://localhost", name="shop")
    app = web.Application()
    app.router.add_get("/posts", chain(_sign, proxy(upstream)))
    assert name_link(proxy(upstream)) == "proxy(shop)"
    assert {info.endpoint.name for info in list_routes(app)} == {"proxy(shop)"}
    assert "proxy(shop)" in str(await explain(app, "GET", "/posts"))


async def test_what_is_told_of_the_client_is_an_option(between: Between) -> None:
    request, _ = await ask_through(between, forwarding=Forwarding(headers=["Forwarded"], via="shop"))
    assert request.values("X-Forwarded-For") == []
    assert request.values("Forwarded") == [b'for=127.0.0.1;host="shop.example:8080";proto=http']
    assert request.values("Via") == [b"1.1 shop"]
