"""https_redirect(): requests over http go on over https."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import trustme
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.client_address import client_address
from aiohttp_route_middleware.middlewares.https_redirect import https_redirect, write_location
from aiohttp_route_middleware.typedefs import Handler

from .matrix import SCOPES, make_app
from .wire import send

LOOPBACK = ["127.0.0.0/8", "::1"]


async def index(request: web.Request) -> web.Response:
    return web.Response(text="index")


def make(*links: Any) -> web.Application:
    return make_app("application", *links)


@pytest.fixture
async def client(aiohttp_client: AiohttpClient) -> Any:
    return await aiohttp_client(make(https_redirect()))


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def over_tls(authority: trustme.CA) -> AsyncIterator[Any]:
    """Start an application over TLS, and return a client that trusts its certificate."""
    clients: list[TestClient[Any, Any]] = []

    async def start(app: web.Application) -> TestClient[Any, Any]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        trusting = ssl.create_default_context()
        authority.configure_trust(trusting)
        server = TestServer(app, scheme="https")
        await server.start_server(ssl=context)
        clients.append(TestClient(server, connector=aiohttp.TCPConnector(ssl=trusting)))
        return clients[-1]

    yield start
    for client in clients:
        await client.close()


@pytest.mark.parametrize(
    ("target", "location"),
    [
        pytest.param("/plain", "https://example.com/plain", id="a path"),
        pytest.param("/plain?a=b&a=%20c", "https://example.com/plain?a=b&a=%20c", id="a query"),
        pytest.param("/plain?", "https://example.com/plain?", id="an empty query"),
        pytest.param("/a%2Fb%41/../c", "https://example.com/a%2Fb%41/../c", id="percent-encoded"),
        pytest.param("//evil/a", "https://example.com//evil/a", id="two slashes"),
        pytest.param("///evil/a", "https://example.com///evil/a", id="three slashes"),
        pytest.param("/\\evil/a", "https://example.com/%5Cevil/a", id="a backslash"),
        pytest.param("/@evil", "https://example.com/@evil", id="an at sign"),
        pytest.param("/a%0d%0aX: b".replace(" ", "%20"), "https://example.com/a%0d%0aX:%20b", id="line breaks"),
        pytest.param("/?next=https://evil/", "https://example.com/?next=https://evil/", id="a URL in the query"),
        pytest.param("/a#b", "https://example.com/a", id="a fragment"),
        pytest.param("http://example.com/a?b", "https://example.com/a?b", id="absolute-form"),
        pytest.param("https://example.com/a", "https://example.com/a", id="absolute-form that says https"),
        pytest.param("http://other.example:80//evil", "https://other.example//evil", id="the host of the target"),
        pytest.param("http://example.com?b", "https://example.com/?b", id="absolute-form without path"),
    ],
)
async def test_path_and_query_are_kept_behind_https_and_the_host(target: str, location: str, client: Any) -> None:
    answer = await send(client, f"GET {target} HTTP/1.1", "Host: example.com")
    assert answer.status == 308
    assert answer.headers.get_all("Location") == [location]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
async def test_every_method_is_redirected_with_a_status_that_keeps_it(method: str, client: Any) -> None:
    async with client.request(method, "/plain", allow_redirects=False, headers={"Host": "a"}) as response:
        assert response.status == 308
        assert response.headers["Location"] == "https://a/plain"


async def test_a_request_for_the_server_itself_is_redirected_without_path(client: Any) -> None:
    answer = await send(client, "OPTIONS * HTTP/1.1", "Host: example.com")
    assert (answer.status, answer.headers["Location"]) == (308, "https://example.com")


@pytest.mark.parametrize(
    ("port", "host", "location"),
    [
        (443, "Example.COM.", "https://example.com/plain"),
        (443, "example.com:8080", "https://example.com/plain"),
        (8443, "example.com", "https://example.com:8443/plain"),
        (8443, "example.com:8080", "https://example.com:8443/plain"),
        (443, "[::1]:8080", "https://[::1]/plain"),
        (8443, "[0:0::1]", "https://[::1]:8443/plain"),
    ],
)
async def test_the_port_is_that_of_the_option(
    port: int, host: str, location: str, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make(https_redirect(port=port)))
    answer = await send(client, "GET /plain HTTP/1.1", f"Host: {host}")
    assert (answer.status, answer.headers["Location"]) == (308, location)


@pytest.mark.parametrize(
    "host",
    ["", "a/b", "a?b", "a#b", "u@evil", "evil\\", "a:99999", "a:b", "a b", "b\u00fccher.example", "[::1", "a,b"],
)
async def test_a_malformed_host_is_a_bad_request(host: str, client: Any) -> None:
    answer = await send(client, "GET /plain HTTP/1.1", f"Host: {host}")
    assert answer.status == 400
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["GET / HTTP/1.1", "Host: a", "Host: b"], id="two"),
        pytest.param(["GET / HTTP/1.1"], id="none"),
        pytest.param(["GET / HTTP/1.0"], id="none, HTTP/1.0"),
        pytest.param(["GET / HTTP/1.1", b"Host: a\rLocation: b"], id="a line break"),
        pytest.param(["GET http://u@evil/ HTTP/1.1", "Host: a"], id="a user in the target"),
    ],
)
async def test_no_host_or_several_are_a_bad_request(lines: Any, client: Any) -> None:
    answer = await send(client, *lines)
    assert answer.status == 400
    assert "Location" not in answer.headers


@given(st.text(), st.sampled_from([443, 8443]))
def test_a_location_always_leads_to_the_host_that_was_asked_for(path: str, port: int) -> None:
    location = write_location("example.com", port, f"/{path}")
    assert location.isascii()
    assert location.isprintable()
    assert " " not in location
    assert urlsplit(location)[:2] == ("https", "example.com" if port == 443 else "example.com:8443")


def test_bytes_that_are_no_text_are_percent_encoded_as_they_came() -> None:
    assert write_location("a", 443, "/\udcff\u00e9?\udc80") == "https://a/%FF%C3%A9?%80"


async def test_over_tls_requests_pass(over_tls: Any) -> None:
    client = await over_tls(make(https_redirect()))
    async with client.get("/plain") as response:
        assert (response.status, response.url.scheme) == (200, "https")
    async with client.ws_connect("/socket") as websocket:
        assert (await websocket.receive()).type == aiohttp.WSMsgType.CLOSE


async def test_a_redirect_leads_from_http_to_the_same_path_over_tls(
    aiohttp_client: AiohttpClient, over_tls: Any
) -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.method} {request.path_qs} {await request.text()}")

    secure = web.Application()
    UrlDispatcherEx.install(secure).add_post("/echo", https_redirect(), echo)
    trusting = await over_tls(secure)
    await trusting.start_server()
    plain = await aiohttp_client(make(https_redirect(port=trusting.port)))
    async with trusting.session.post(plain.make_url("/echo?a=%20b"), data=b"body") as response:
        assert response.url.scheme == "https"
        assert await response.text() == "POST /echo?a=%20b body"
    assert [one.status for one in response.history] == [308]


@pytest.mark.parametrize("upgrade", ["websocket", "WebSocket", "h2c, websocket", "h2c; websocket"])
async def test_a_websocket_handshake_over_http_is_forbidden(upgrade: str, client: Any) -> None:
    answer = await send(
        client,
        "GET /socket HTTP/1.1",
        "Host: example.com",
        *(f"Upgrade: {one}" for one in upgrade.split("; ")),
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    assert answer.status == 403
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    "lines",
    [["Upgrade: notwebsocket", "Connection: Upgrade"], ["Upgrade: websocket"], ["Connection: Upgrade"]],
    ids=["a longer word", "no Connection", "no Upgrade"],
)
async def test_what_is_no_handshake_of_a_websocket_is_redirected(lines: list[str], client: Any) -> None:
    assert (await send(client, "GET /socket HTTP/1.1", "Host: example.com", *lines)).status == 308


async def test_a_websocket_client_is_refused(client: Any) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await client.ws_connect("/socket")
    assert caught.value.status == 403


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/plain", 200),
        ("/plain?a", 200),
        ("http://a/plain", 200),
        ("/plain/", 308),
        ("/plainX", 308),
        ("//plain", 308),
        ("/%70lain", 308),
        ("/x/../plain", 308),
        ("/", 308),
    ],
)
async def test_exempt_paths_are_literal(target: str, status: int, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make(https_redirect(exempt=["/plain", "/.*"])))
    assert (await send(client, f"GET {target} HTTP/1.1", "Host: a")).status == status


SAID = [
    pytest.param("X-Forwarded-Proto", "https", 200, id="https"),
    pytest.param("X-Forwarded-Proto", "HTTPS", 200, id="upper case"),
    pytest.param("X-Forwarded-Proto", "wss", 200, id="wss"),
    pytest.param("X-Forwarded-Proto", "http", 308, id="http"),
    pytest.param("X-Forwarded-Proto", "https, http", 308, id="the right-most"),
    pytest.param("X-Forwarded-Proto", "http, https", 200, id="the right-most is https"),
    pytest.param("X-Forwarded-Proto", "on", 308, id="something else"),
    pytest.param("Forwarded", "for=192.0.2.1;proto=https", 200, id="Forwarded"),
    pytest.param("Forwarded", "for=192.0.2.1;proto=http", 308, id="Forwarded http"),
    pytest.param("Forwarded", "proto=https, for=192.0.2.1;proto=http", 308, id="Forwarded by the client"),
    pytest.param("Forwarded", "for=192.0.2.1;proto=https, for=127.0.0.9;proto=http", 200, id="Forwarded, two proxies"),
    pytest.param("Forwarded", "garbage", 308, id="Forwarded garbage"),
]


@pytest.mark.parametrize(("header", "value", "status"), SAID)
async def test_a_trusted_proxy_tells_the_scheme(
    header: str, value: str, status: int, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make(https_redirect(trusted_proxies=LOOPBACK, header=header)))
    async with client.get("/plain", headers={header: value}, allow_redirects=False) as response:
        assert response.status == status


OTHERS = {"trusted_proxies": ["10.0.0.0/8"]}


@pytest.mark.parametrize(
    "options",
    [{}, OTHERS, {**OTHERS, "header": "X-Forwarded-Proto"}, {**OTHERS, "header": "Forwarded"}],
    ids=["no proxies", "other proxies", "other proxies, a header", "other proxies, Forwarded"],
)
async def test_nobody_else_does(options: Any, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make(https_redirect(**options)))
    said = {"X-Forwarded-Proto": "https", "Forwarded": "proto=https", "X-Forwarded-Ssl": "on"}
    async with client.get("/plain", headers=said, allow_redirects=False) as response:
        assert response.status == 308


async def test_a_trusted_proxy_is_believed_in_the_header_that_it_writes_only(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make(https_redirect(trusted_proxies=LOOPBACK, header="Forwarded")))
    async with client.get("/plain", headers={"X-Forwarded-Proto": "https"}, allow_redirects=False) as response:
        assert response.status == 308


async def test_what_a_trusted_proxy_says_counts_more_than_its_own_tls(over_tls: Any) -> None:
    client = await over_tls(make(https_redirect(trusted_proxies=LOOPBACK)))
    for said, status in ((None, 200), ("https", 200), ("http", 308)):
        headers = {"X-Forwarded-Proto": said} if said else {}
        async with client.get("/plain", headers=headers, allow_redirects=False) as response:
            assert response.status == status


@pytest.mark.parametrize(("said", "status"), [("https", 200), ("http", 308), ("", 308)])
async def test_behind_client_address_it_goes_by_what_that_has_found(
    said: str, status: int, aiohttp_client: AiohttpClient
) -> None:
    told = client_address(LOOPBACK, header="X-Forwarded-For", scheme_header="X-Forwarded-Proto")
    client = await aiohttp_client(make(told, https_redirect()))
    async with client.get("/plain", headers={"X-Forwarded-Proto": said}, allow_redirects=False) as response:
        assert response.status == status


async def test_a_proxy_may_come_through_a_unix_socket(tmp_path: Path) -> None:
    runner = web.AppRunner(make(https_redirect(trusted_proxies=["unix"])))
    await runner.setup()
    path = str(tmp_path / "socket")
    await web.UnixSite(runner, path).start()
    async with aiohttp.ClientSession("http://a", connector=aiohttp.UnixConnector(path)) as session:
        for headers, status in (({"X-Forwarded-Proto": "https"}, 200), ({}, 308)):
            async with session.get("/plain", headers=headers, allow_redirects=False) as response:
                assert response.status == status
    await runner.cleanup()


async def test_a_scheme_that_an_outer_link_has_put_in_place_is_not_believed(aiohttp_client: AiohttpClient) -> None:
    @web.middleware
    async def replace(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request.clone(scheme="https"))

    client = await aiohttp_client(make_app("route", replace, https_redirect()))
    async with client.get("/plain", allow_redirects=False) as response:
        assert response.status == 308


@pytest.mark.parametrize("scope", SCOPES)
async def test_it_works_in_every_scope(scope: str, aiohttp_client: AiohttpClient, over_tls: Any) -> None:
    path = "/sub/plain" if scope == "sub-application" else "/plain"
    plain = await aiohttp_client(make_app(scope, https_redirect()))
    async with plain.get(path, allow_redirects=False, headers={"Host": "a"}) as response:
        assert (response.status, response.headers["Location"]) == (308, f"https://a{path}")
    async with (await over_tls(make_app(scope, https_redirect()))).get(path) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"port": 0}, "port=0; write a number from 1 to 65535"),
        ({"port": 65536}, "port=65536"),
        ({"port": "443"}, "port='443'"),
        ({"port": True}, "port=True"),
        ({"exempt": "/health"}, r"pass a list: exempt=\['/health'\]"),
        ({"exempt": ["health"]}, "exempt has 'health'; write a path from its slash on"),
        ({"exempt": ["/a?b"]}, "exempt has '/a.b'"),
        ({"exempt": ["/a#b"]}, "exempt has '/a#b'"),
        ({"exempt": ["/\u00e9"]}, "exempt has"),
        ({"exempt": [None]}, "exempt has None"),
        ({"trusted_proxies": ["x"]}, "trusted_proxies has 'x'"),
        ({"trusted_proxies": ["::/0"]}, "everybody may say"),
        ({"trusted_proxies": "10.0.0.1"}, "pass a list"),
        ({"trusted_proxies": ["0.0.0.0/1", "128.0.0.0/1"]}, "everybody may say"),
        ({"trusted_proxies": LOOPBACK, "header": "a b"}, "header='a b'; write a name"),
        ({"trusted_proxies": LOOPBACK, "header": ""}, "header=''; write a name"),
        ({"trusted_proxies": LOOPBACK, "header": "X-Forwarded-For"}, "header='X-Forwarded-For', which says addresses"),
        ({"header": "X-Forwarded-Proto"}, "header='X-Forwarded-Proto' without trusted_proxies; list the proxies"),
        ({"header": "Forwarded"}, "header='Forwarded' without trusted_proxies"),
    ],
    ids=str,
)
def test_bad_options_are_refused_at_once(options: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"https_redirect\(\): .*{problem}"):
        https_redirect(**options)
