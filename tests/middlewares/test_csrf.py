"""Requests of other origins are refused, as Go 1.25 refuses them."""

import ssl
from collections.abc import Mapping
from typing import Any

import pytest
import trustme
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.client_address import client_address
from aiohttp_route_middleware.middlewares.csrf import csrf, may_send
from aiohttp_route_middleware.naming import name_link
from aiohttp_route_middleware.support.network.origins import Origin, read_origins

from .. import scopes
from ..scopes import each_scope, path_in

TRUSTED = "https://trusted.example"
CROSS_SITE = {"Sec-Fetch-Site": "cross-site"}


async def change(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.method} {await request.text()}")


def make_app(*links: Any) -> web.Application:
    app = web.Application()
    UrlDispatcherEx.install(app).add_route("*", "/change", *links, change)
    return app


@pytest.mark.parametrize(
    ("site", "origin", "host", "allowed"),
    [
        pytest.param("same-origin", "", "example.com", True, id="same-origin"),
        pytest.param("none", "", "example.com", True, id="typed in"),
        pytest.param("cross-site", "", "example.com", False, id="cross-site"),
        pytest.param("same-site", "", "example.com", False, id="same-site"),
        pytest.param("same-site", "https://example.com", "example.com", False, id="same-site, same host"),
        pytest.param("Same-Origin", "", "example.com", False, id="not a value of the standard"),
        pytest.param("unheard-of", "https://example.com", "example.com", False, id="unknown value, same host"),
        pytest.param("same-origin", "null", "example.com", True, id="same-origin without referrer"),
        pytest.param("same-origin", "https://evil.example", "example.com", True, id="Sec-Fetch-Site comes first"),
        pytest.param("cross-site", "https://example.com", "example.com", False, id="Sec-Fetch-Site comes first, too"),
        pytest.param("cross-site", TRUSTED, "example.com", True, id="trusted, cross-site"),
        pytest.param("same-site", TRUSTED, "example.com", True, id="trusted, same-site"),
        pytest.param("cross-site", f"{TRUSTED}:8443", "example.com", False, id="trusted on another port"),
        pytest.param("cross-site", "http://trusted.example", "example.com", False, id="trusted by another scheme"),
        pytest.param("cross-site", f"{TRUSTED}.evil.example", "example.com", False, id="trusted as a prefix"),
        pytest.param("", "", "example.com", True, id="neither header"),
        pytest.param("", "https://example.com", "example.com", True, id="old browser, same host"),
        pytest.param("", "https://example.com:8443", "example.com:8443", True, id="old browser, same port"),
        pytest.param("", "https://example.com:8443", "example.com", False, id="old browser, another port"),
        pytest.param("", "https://example.com", "EXAMPLE.com:443", True, id="old browser, host written otherwise"),
        pytest.param("", "http://[::1]:80", "[0:0::1]", True, id="old browser, IPv6"),
        pytest.param("", "https://evil.example", "example.com", False, id="old browser, another host"),
        pytest.param("", "https://sub.example.com", "example.com", False, id="old browser, sibling"),
        pytest.param("", "https://example.com", "", False, id="old browser, no host"),
        pytest.param("", TRUSTED, "example.com", True, id="old browser, trusted"),
        pytest.param("", "null", "example.com", False, id="null"),
        pytest.param("", "null", "null", False, id="null is no host"),
        pytest.param("", "https://", "example.com", False, id="garbage"),
        pytest.param("", "https://example.com/", "example.com", False, id="with a slash"),
        pytest.param("", "https://example.com@evil.example", "example.com", False, id="with a user"),
        pytest.param("", f"{TRUSTED} {TRUSTED}", "example.com", False, id="a list"),
    ],
)
def test_the_decision_is_that_of_go(site: str, origin: str, host: str, allowed: bool) -> None:
    given = {"Sec-Fetch-Site": site, "Origin": origin, "Host": host}
    headers = CIMultiDict({name: value for name, value in given.items() if value})
    assert may_send(headers, False, read_origins("csrf()", "trusted_origins", [TRUSTED])) is allowed


@pytest.mark.parametrize(
    ("is_secure", "origin", "allowed"),
    [
        pytest.param(True, "http://example.com", False, id="known to be https"),
        pytest.param(True, "https://example.com", True, id="same scheme"),
        pytest.param(False, "https://example.com", True, id="a proxy may end TLS"),
        pytest.param(False, "http://example.com", True, id="nobody knows"),
    ],
)
def test_the_scheme_counts_where_it_is_known(is_secure: bool, origin: str, allowed: bool) -> None:
    assert may_send(CIMultiDict({"Origin": origin, "Host": "example.com"}), is_secure) is allowed


def test_a_trusted_origin_over_http_may_ask_https() -> None:
    headers = CIMultiDict({"Origin": "http://old.example", "Host": "example.com"})
    assert may_send(headers, True, frozenset([Origin("http", "old.example", 80)]))


@pytest.mark.parametrize(
    ("method", "status"),
    [("GET", 200), ("HEAD", 200), ("OPTIONS", 200)]
    + [(method, 403) for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")],
)
async def test_only_safe_methods_pass_unasked(method: str, status: int, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(csrf()))
    async with client.request(method, "/change", headers=CROSS_SITE) as response:
        assert response.status == status


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"json": {"a": 1}}, id="JSON"),
        pytest.param({"data": {"a": "1"}}, id="form"),
        pytest.param({"data": b"a=1", "headers": {"Content-Type": "text/plain"}}, id="text"),
        pytest.param({}, id="none"),
    ],
)
async def test_any_body_is_refused_across_origins_and_taken_from_ours(
    body: dict[str, Any], aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_app(csrf()))
    headers = body.pop("headers", {})
    for site, status in (("cross-site", 403), ("same-origin", 200)):
        async with client.post("/change", headers={**headers, "Sec-Fetch-Site": site}, **body) as response:
            assert response.status == status
            assert (await response.text() == "403: this request comes from another origin") == (status == 403)


@each_scope
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param(CROSS_SITE, 403, id="another origin"),
        pytest.param({}, 200, id="no browser"),
    ],
)
async def test_it_works_in_every_scope_and_refuses_with_403(
    scope: str, headers: Mapping[str, str], status: int, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(scopes.make_app(scope, [csrf()], {"POST /change": change}))
    async with client.post(path_in(scope, "/change"), headers=headers) as response:
        assert response.status == status


async def test_host_is_what_the_client_sent_and_not_what_a_proxy_adds(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(csrf()))
    told = {"Host": "app.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    for origin, status in (("https://app.example", 200), ("https://evil.example", 403)):
        async with client.post("/change", headers={**told, "Origin": origin}) as response:
            assert response.status == status


async def test_over_tls_a_page_over_http_is_another_origin(aiohttp_client: AiohttpClient) -> None:
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    server = TestServer(make_app(csrf()), scheme="https", host="localhost")
    await server.start_server(ssl=context)
    client: TestClient[Any, Any] = await aiohttp_client(server)
    for scheme, status in (("https", 200), ("http", 403)):
        headers = {"Host": "app.example", "Origin": f"{scheme}://app.example"}
        async with client.post("/change", headers=headers, ssl=trusting, server_hostname="localhost") as response:
            assert response.status == status


def is_webhook(request: web.Request) -> bool:
    return request.path == "/change"


async def is_never(request: web.Request) -> bool:
    return False


def is_broken(request: web.Request) -> bool:
    raise RuntimeError("broken on purpose")


@pytest.mark.parametrize(("exempt", "status"), [(is_webhook, 200), (is_never, 403), (is_broken, 500)])
async def test_what_is_exempt_passes(exempt: Any, status: int, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(csrf(exempt=exempt)))
    async with client.post("/change", headers=CROSS_SITE) as response:
        assert response.status == status


async def test_a_request_that_passes_anyway_is_not_asked_about(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(csrf(exempt=is_broken)))
    async with client.post("/change", headers={"Sec-Fetch-Site": "same-origin"}) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"trusted_origins": "https://a.example"},
            "csrf(): trusted_origins='https://a.example'; pass a list: trusted_origins=[",
        ),
        ({"trusted_origins": ["a.example"]}, "csrf(): trusted_origins has 'a.example', which is not an origin"),
        ({"trusted_origins": ["null"]}, "csrf(): trusted_origins has 'null', which is not an origin"),
        ({"trusted_origins": ["*"]}, "csrf(): trusted_origins has '*', which is not an origin"),
        ({"trusted_origins": ["wss://a.example"]}, "csrf(): trusted_origins has 'wss://a.example', which no page has"),
        ({"exempt": "/webhook"}, "csrf(): exempt is str; pass a function (request)"),
    ],
)
def test_bad_options_are_refused_with_the_cure(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        csrf(**options)
    assert str(caught.value).startswith(message)
    assert caught.value.cure


def test_it_is_named_with_what_it_trusts() -> None:
    assert name_link(csrf()) == "csrf"
    assert name_link(csrf(trusted_origins=[f"{TRUSTED}:443"])) == f"csrf({TRUSTED})"


async def test_behind_a_proxy_the_scheme_is_that_of_the_client(aiohttp_client: AiohttpClient) -> None:
    told = client_address(["127.0.0.1"], header="X-Forwarded-For", scheme_header="X-Forwarded-Proto")
    app = web.Application(middlewares=[told, csrf()])
    app.router.add_post("/", accept)
    client = await aiohttp_client(app)
    origin = f"http://{client.host}:{client.port}"
    for scheme, status in (("http", 200), ("https", 403)):
        async with client.post("/", headers={"Origin": origin, "X-Forwarded-Proto": scheme}) as response:
            assert response.status == status


async def accept(request: web.Request) -> web.Response:
    return web.Response()
