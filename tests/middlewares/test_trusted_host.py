"""trusted_host(): requests for hosts that are not listed are refused."""

from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.trusted_host import trusted_host
from aiohttp_route_middleware.naming import name_link
from aiohttp_route_middleware.typedefs import Handler

from .matrix import SCOPES, make_app
from .wire import send

HOSTS = ["example.com", "*.example.com", "[::1]", "b\u00fccher.example"]
LISTED = [
    "example.com",
    "EXAMPLE.com",
    "example.com.",
    "example.com:8080",
    "a.example.com",
    "a.b.example.com:1",
    "[::1]",
]
LISTED += ["[::1]:8080", "[0:0:0:0:0:0:0:1]", "xn--bcher-kva.example", "example.com:", " example.com"]
UNLISTED = ["exampleXcom", "evilexample.com", "example.com.evil", "evil", "[::2]", "127.0.0.1", "xn--bcher.example"]
MALFORMED = ["example.com/", "example.com/a", "example.com?", "example.com?a", "user@example.com", "example.com@evil"]
MALFORMED += ["example.com#", "example.com\\", "example.com:99999", "example.com:x", "example.com:80:80", "", "a b"]
MALFORMED += ["example.com, evil", "example..com", ".example.com", "[::1", "[::1%25lo]", "::1", "b\u00fccher.example"]


@pytest.fixture
async def client(aiohttp_client: AiohttpClient) -> Any:
    return await aiohttp_client(make_app("application", trusted_host(HOSTS)))


@pytest.mark.parametrize("host", LISTED)
async def test_a_host_that_is_listed_passes(host: str, client: Any) -> None:
    assert (await send(client, "GET /plain HTTP/1.1", f"Host: {host}")).status == 200


@pytest.mark.parametrize("host", UNLISTED)
async def test_a_host_that_is_not_listed_is_misdirected(host: str, client: Any) -> None:
    """RFC 9110, section 15.5.20."""
    assert (await send(client, "GET /plain HTTP/1.1", f"Host: {host}")).status == 421


@pytest.mark.parametrize("host", MALFORMED)
async def test_a_malformed_host_is_a_bad_request(host: str, client: Any) -> None:
    """RFC 9112, section 3.2; aiohttp itself answers 200 to these."""
    answer = await send(client, "GET /plain HTTP/1.1", f"Host: {host}")
    assert answer.status == 400
    assert b"example" not in answer.body


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["GET /plain HTTP/1.1", b"Host: example.com\xff"], id="bytes that are no text"),
        pytest.param(["GET /plain HTTP/1.1", "Host: example.com", "Host: example.com"], id="twice"),
        pytest.param(["GET /plain HTTP/1.1", "Host: example.com", "Host: evil"], id="two"),
        pytest.param(["GET /plain HTTP/1.1"], id="none"),
        pytest.param(["GET /plain HTTP/1.0"], id="none, HTTP/1.0"),
        pytest.param(["GET http://u@example.com/plain HTTP/1.1", "Host: example.com"], id="a user in the target"),
        pytest.param(["GET http://example.com/plain HTTP/1.1", "Host: a/b"], id="malformed beside a target"),
    ],
)
async def test_a_host_that_is_missing_doubled_or_malformed_anywhere_is_a_bad_request(lines: Any, client: Any) -> None:
    assert (await send(client, *lines)).status == 400


async def test_two_host_fields_that_get_past_the_parser_are_a_bad_request(aiohttp_client: AiohttpClient) -> None:
    @web.middleware
    async def double(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request.clone(headers=[("Host", "example.com"), ("Host", "example.com")]))

    app = make_app("route", double, trusted_host(HOSTS))
    async with (await aiohttp_client(app)).get("/plain") as response:
        assert response.status == 400


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        pytest.param("http://example.com/plain", "example.com", 200, id="both listed"),
        pytest.param("http://a.example.com:80/plain", "example.com", 200, id="different, both listed"),
        pytest.param("https://[::1]/plain", "example.com", 200, id="an IPv6 target"),
        pytest.param("http://evil/plain", "example.com", 421, id="the target counts, RFC 9112 section 3.2.2"),
        pytest.param("http://example.com/plain", "evil", 421, id="the header counts as well"),
        pytest.param("http://evil?http://example.com/", "example.com", 421, id="a target in the query"),
    ],
)
async def test_a_target_with_a_host_must_be_listed_too(target: str, host: str, status: int, client: Any) -> None:
    assert (await send(client, f"GET {target} HTTP/1.1", f"Host: {host}")).status == status


@pytest.mark.parametrize("path", ["//evil/plain", "/plain?a=http://evil/", "///"], ids=repr)
async def test_a_path_is_no_host(path: str, client: Any) -> None:
    assert (await send(client, f"GET {path} HTTP/1.1", "Host: example.com")).status in (200, 404)


async def test_a_request_for_the_server_itself_is_checked(client: Any) -> None:
    assert (await send(client, "OPTIONS * HTTP/1.1", "Host: evil")).status == 421
    assert (await send(client, "OPTIONS * HTTP/1.1", "Host: example.com")).status == 404
    assert (await send(client, "CONNECT evil:443 HTTP/1.1", "Host: example.com")).status == 421


async def test_forwarded_hosts_are_never_looked_at(client: Any) -> None:
    said = {"X-Forwarded-Host": "example.com", "Forwarded": "host=example.com", "X-Host": "example.com"}
    async with client.get("/plain", headers={"Host": "evil", **said}) as response:
        assert response.status == 421
    said = {"X-Forwarded-Host": "evil", "Forwarded": "host=evil"}
    async with client.get("/plain", headers={"Host": "example.com", **said}) as response:
        assert response.status == 200


@pytest.mark.parametrize(("host", "status"), [("a.example.com", 200), ("evil", 421), ("a..b", 400)])
async def test_a_host_that_an_outer_link_has_put_in_its_place_is_checked(
    host: str, status: int, aiohttp_client: AiohttpClient
) -> None:
    @web.middleware
    async def replace(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request.clone(host=host))

    app = make_app("route", replace, trusted_host(HOSTS))
    async with (await aiohttp_client(app)).get("/plain", headers={"Host": "example.com"}) as response:
        assert response.status == status


@pytest.mark.parametrize("scope", SCOPES)
async def test_it_works_in_every_scope(scope: str, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(scope, trusted_host(["example.com"])))
    path = "/sub/plain" if scope == "sub-application" else "/plain"
    for host, status in (("example.com", 200), ("evil", 421), ("a?b", 400)):
        async with client.get(path, headers={"Host": host}) as response:
            assert response.status == status


async def test_what_has_passed_once_or_was_refused_goes_so_again(client: Any) -> None:
    for host, status in (("a.example.com:80", 200), ("evil", 421), ("a/b", 400), ("a" * 300, 400)) * 2:
        assert (await send(client, "GET /plain HTTP/1.1", f"Host: {host}")).status == status


async def test_an_application_refuses_before_it_says_that_there_is_no_such_path(client: Any) -> None:
    async with client.get("/nowhere", headers={"Host": "evil"}) as response:
        assert response.status == 421


def test_its_name_tells_the_hosts() -> None:
    assert name_link(trusted_host(["example.com", "*.example.com"])) == "trusted_host(example.com, *.example.com)"


@pytest.mark.parametrize(
    ("hosts", "problem"),
    [
        pytest.param([], "there are no hosts; list them", id="none"),
        pytest.param("example.com", "pass a list", id="a text"),
        pytest.param(["*"], "is not a host", id="all"),
        pytest.param(["https://example.com"], "is not a host", id="a URL"),
        pytest.param(["example.*"], "is not a host", id="a pattern at the end"),
        pytest.param(["example.com:80"], "is not a host", id="a port"),
    ],
)
def test_bad_hosts_are_refused_at_once(hosts: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"trusted_host\(\): .*{problem}"):
        trusted_host(hosts)


@pytest.mark.parametrize(("put", "status"), [("good.example", 200), ("evil.example", 421), ("a..b", 400)])
async def test_a_host_that_was_put_in_the_place_of_an_absolute_target_must_be_listed_too(
    put: str, status: int, aiohttp_client: AiohttpClient
) -> None:
    @web.middleware
    async def replace(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request.clone(host=put))

    async def index(request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application(middlewares=[replace, trusted_host(["good.example"])])
    app.router.add_get("/x", index)
    answer = await send(await aiohttp_client(app), "GET http://good.example/x HTTP/1.1", "Host: good.example")
    assert answer.status == status
