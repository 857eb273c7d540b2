"""Targets that a function names for each request: what is allowed, and where no socket is opened to."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient, AiohttpServer
from yarl import URL

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.proxy import AffinityCookie, HealthCheck, Upstream, proxy
from aiohttp_route_middleware.proxy.choice.dynamic import DynamicTargets, KeptPlaces
from aiohttp_route_middleware.proxy.wire.connection import AddressNotAllowedError
from aiohttp_route_middleware.proxy.wire.failures import TargetRefusedError

from ...conftest import Client
from ..incoming import ask

Serve = Callable[..., Any]
LOOPBACK = ("127.0.0.0/8", "::1")


class Resolver(AbstractResolver):
    """Names that are not in DNS; each name has a list of answers, one for each time it is asked for."""

    def __init__(self, **names: list[list[str]]) -> None:
        self.names = names

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self.names[host.partition(".")[0]].pop(0)
        ]

    async def close(self) -> None:
        """Nothing is open."""


async def choose_late(request: web.Request) -> str:
    raise NotImplementedError


def read_choice(request: web.Request) -> str:
    return request.headers["X-Target"]


@pytest.fixture
def serve(aiohttp_client: AiohttpClient) -> Serve:
    async def serve(allow: list[str], choose: Any = read_choice, **options: Any) -> Client:
        app = web.Application()
        upstream = Upstream(DynamicTargets(choose, allow=allow, **options), name="tenants")
        upstream.run_with(app)
        app.router.add_route("*", "/{tail:.*}", proxy(upstream, proxy_status="shop"))
        return await aiohttp_client(app)

    return serve


async def get(client: Client, target: str) -> tuple[int, str]:
    response = await client.get("/a?b", headers={"X-Target": target}, allow_redirects=False)
    return response.status, response.headers.get("Proxy-Status", "")


REFUSED = (403, "shop; error=http_request_denied")
PROHIBITED = (502, "shop; error=destination_ip_prohibited")


@pytest.fixture
async def port(aiohttp_server: AiohttpServer) -> int:
    """Of a target on this machine that tells what it was asked."""

    async def tell(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.host} {request.path_qs}")

    async def redirect(request: web.Request) -> web.Response:
        raise web.HTTPFound("http://127.0.0.1:1/secret")

    app = web.Application()
    app.router.add_get("/redirect", redirect)
    app.router.add_get("/{tail:.*}", tell)
    server = await aiohttp_server(app)
    assert server.port is not None
    return server.port


async def test_each_request_goes_to_the_target_that_the_function_names(
    serve: Serve, aiohttp_server: AiohttpServer, port: int
) -> None:
    async def tell(request: web.Request) -> web.Response:
        return web.Response(text="the other")

    app = web.Application()
    app.router.add_get("/a", tell)
    other = (await aiohttp_server(app)).port
    client = await serve([f"http://localhost:{port}", f"http://localhost:{other}"], networks=LOOPBACK)
    texts = [
        await (await client.get("/a?b", headers={"X-Target": f"http://localhost:{one}"})).text()
        for one in (port, other, port)
    ]
    assert texts == [f"localhost:{port} /a?b", "the other", f"localhost:{port} /a?b"]


async def test_the_function_may_return_a_url_or_raise_a_response(serve: Serve, port: int) -> None:
    def choose(request: web.Request) -> URL:
        if "X-Tenant" not in request.headers:
            raise web.HTTPNotFound
        return URL.build(scheme="http", host="localhost", port=port)

    client = await serve([f"http://localhost:{port}"], choose, networks=LOOPBACK)
    assert (await client.get("/", headers={"X-Tenant": "a"})).status == 200
    assert (await client.get("/")).status == 404


# the list


def take(allow: list[str], chosen: Any) -> str:
    return str(DynamicTargets(lambda _: chosen, allow=allow).take(ask()).target.url)


@pytest.mark.parametrize(
    ("entry", "chosen", "url"),
    [
        ("api.example", "https://api.example", "https://api.example/"),
        ("api.example", "https://api.example:443/", "https://api.example/"),
        ("api.example", "HTTPS://API.Example.", "https://api.example./"),
        ("API.example.", "https://api.example", "https://api.example/"),
        ("https://api.example", "https://api.example", "https://api.example/"),
        ("http://api.example", "http://api.example:80", "http://api.example/"),
        ("*.tenants.example:443", "https://a.tenants.example", "https://a.tenants.example/"),
        ("*.tenants.example", "https://a.b.tenants.example", "https://a.b.tenants.example/"),
        ("*.tenants.example:8443", "https://a.tenants.example:8443", "https://a.tenants.example:8443/"),
        ("bücher.example", "https://xn--bcher-kva.example", "https://xn--bcher-kva.example/"),
        ("xn--bcher-kva.example", "https://BÜCHER.example", "https://xn--bcher-kva.example/"),
        ("http://10.0.0.1:8001", "http://10.0.0.1:8001", "http://10.0.0.1:8001/"),
        ("[2001:db8::1]:8443", "https://[2001:DB8:0::1]:8443", "https://[2001:db8::1]:8443/"),
    ],
)
def test_what_is_in_the_list_may_be_named_however_it_is_written(entry: str, chosen: str, url: str) -> None:
    assert take([entry, "other.example:1"], chosen) == url
    assert take([entry], URL(chosen)) == url


ALLOWED = [
    "api.example",
    "*.tenants.example:8443",
    "http://127.0.0.1",
    "http://127.1",
    "http://0x7f.1",
    "http://[::1]",
]


@pytest.mark.parametrize(
    "chosen",
    [
        "https://other.example",
        "https://xapi.example",
        "https://api.example.other",
        "https://x.api.example",
        "https://tenants.example:8443",
        "https://xtenants.example:8443",
        "https://a.tenants.example",
        "http://a.tenants.example:8443",
        "http://api.example",
        "http://api.example:443",
        "https://api.example:80",
        "https://api.example:0",
        "https://api.example:99999",
        "https://api.example:443x",
        "https://a..tenants.example:8443",
        "https://.tenants.example:8443",
        "https://*.tenants.example:8443",
        "https://api.example/base",
        "https://api.example?x",
        "https://api.example#x",
        "https://api.example@other.example",
        "https://other.example@api.example",
        "https://:@api.example",
        "https://api.example\\@other.example",
        "https://other.example\\.api.example",
        "https://api.example\r\n",
        " https://api.example",
        "https://api%2eexample",
        "https://api.example%00",
        "http://127.1",
        "http://0x7f.1",
        "http://0X7F.1",
        "http://2130706433",
        "http://017700000001",
        "http://0x7f000001",
        "http://[::ffff:127.0.0.1]",
        "http://[::1%25lo]",
        "http://[::127.0.0.1]",
        "http://[v1.x]",
        "ws://127.0.0.1",
        "ftp://api.example",
        "file:///etc/passwd",
        "//api.example",
        "api.example",
        "https:api.example",
        "https://",
        "",
        "https://" + "a" * 600 + ".tenants.example:8443",
        None,
        b"https://api.example",
        42,
    ],
    ids=str,
)
def test_anything_else_is_refused(chosen: Any) -> None:
    with pytest.raises(TargetRefusedError):
        take(ALLOWED, chosen)


def test_an_address_in_the_list_may_be_named_in_its_own_form_only() -> None:
    assert take(ALLOWED, "http://127.0.0.1") == "http://127.0.0.1/"
    assert take(ALLOWED, "http://[0::1]") == "http://[::1]/"


@given(st.text() | st.text(alphabet="htps:/@.[]%\\0x127api.example#?"))
def test_nothing_that_is_chosen_gets_past_the_list_or_breaks_it(chosen: str) -> None:
    try:
        url = take(ALLOWED, chosen)
    except TargetRefusedError:
        return
    assert (URL(url).host or "").rstrip(".") in {"api.example", "127.0.0.1", "::1"}


async def test_a_refused_target_is_403_with_its_reason_in_the_log_and_not_for_the_client(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    client = await serve(["api.example"])
    with caplog.at_level(logging.WARNING, logger="aiohttp_route_middleware.proxy"):
        response = await client.get("/a", headers={"X-Target": "http://other.example:8080"})
    assert (response.status, await response.text()) == (403, "403: Forbidden")
    assert caplog.messages == [
        "GET /a: upstream tenants: http://other.example:8080 was chosen, and is not in the list"
    ]


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ("http://api.example", "which has it for https at port 443, https at port 8443; allow 'http://api.example'"),
        ("https://api.example:1", "which has it for https at port 443, https at port 8443; allow 'https://api.exa"),
        ("https://other.example", "and is not in the list$"),
        ("https://0x7f.1:8443", "and is not in the list$"),
    ],
)
def test_what_stands_in_the_list_with_another_scheme_or_port_is_told_so(chosen: str, told: str) -> None:
    with pytest.raises(TargetRefusedError) as caught:
        take(["api.example", "api.example:8443"], chosen)
    assert re.search(told, caught.value.problem)


async def test_user_information_is_refused_and_not_told_in_the_log(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    client = await serve(["api.example"])
    assert await get(client, "https://me:secret@api.example") == REFUSED
    assert "secret" not in caplog.text


# addresses


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "::ffff:168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::8.8.8.8",
        "64:ff9b:1::a00:1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%lo",
        "fec0::1",
        "ff02::1",
        "",
        "localhost",
        "127.1",
    ],
)
def test_no_socket_is_opened_to_an_address_that_is_not_public(address: str) -> None:
    targets = DynamicTargets(read_choice, allow=["*.example"])
    with pytest.raises(AddressNotAllowedError):
        targets.open_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, 80)))


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "::ffff:8.8.8.8", "2606:4700::1111", "2a00::1"])
def test_public_addresses_may_be_connected_to(address: str) -> None:
    targets = DynamicTargets(read_choice, allow=["*.example"])
    with targets.open_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, 80))) as opened:
        assert (opened.family, opened.type) == (socket.AF_INET, socket.SOCK_STREAM)


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("10.0.0.0/8", "10.1.2.3"),
        ("10.0.0.0/8", "::ffff:10.1.2.3"),
        ("64:ff9b::/96", "64:ff9b::8.8.8.8"),
        ("fd00::/8", "fd00::1"),
        ("169.254.169.254", "169.254.169.254"),
    ],
)
def test_networks_allow_what_is_in_them_besides(network: str, address: str) -> None:
    targets = DynamicTargets(read_choice, allow=["*.example"], networks=[network])
    assert targets.may_connect_to(address)
    assert targets.may_connect_to("8.8.8.8")
    assert not targets.may_connect_to("192.168.0.1")


async def test_a_name_that_resolves_to_this_machine_is_502_unless_networks_say_so(
    serve: Serve, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    target = f"http://localhost:{port}"
    client = await serve([target])
    assert await get(client, target) == PROHIBITED
    told = rf"http://localhost:{port} has no address that may be connected to: (127.0.0.1|::1) is not public; "
    assert re.search(f"{told}allow it by networks=", caplog.messages[0])
    client = await serve([target], networks=LOOPBACK)
    assert await get(client, target) == (200, "")


async def test_an_address_in_the_url_is_judged_as_well(serve: Serve, port: int) -> None:
    target = f"http://127.0.0.1:{port}"
    assert await get(await serve([target]), target) == PROHIBITED
    assert await get(await serve([target], networks=["127.0.0.1"]), target) == (200, "")


async def test_of_several_addresses_of_a_name_only_those_that_may_be_are_connected_to(serve: Serve, port: int) -> None:
    resolver = Resolver(a=[["10.0.0.1", "127.0.0.1"]], b=[["127.0.0.2", "10.0.0.1"]])
    client = await serve([f"http://*.example:{port}"], networks=["127.0.0.1"], resolver=resolver)
    assert await get(client, f"http://a.example:{port}") == (200, "")
    assert await get(client, f"http://b.example:{port}") == PROHIBITED


async def test_what_a_name_was_resolved_to_before_says_nothing(serve: Serve, port: int) -> None:
    """DNS rebinding: the address is judged that is connected to, each time."""
    resolver = Resolver(a=[["127.0.0.1"], ["127.0.0.2"]])
    client = await serve([f"http://*.example:{port}"], networks=["127.0.0.1"], resolver=resolver)
    assert await get(client, f"http://a.example:{port}") == (200, "")
    again = await serve([f"http://*.example:{port}"], networks=["127.0.0.1"], resolver=resolver)
    assert await get(again, f"http://a.example:{port}") == PROHIBITED


async def test_a_redirect_is_passed_on_and_not_followed(serve: Serve, port: int) -> None:
    target = f"http://localhost:{port}"
    client = await serve([target], networks=LOOPBACK)
    response = await client.get("/redirect", headers={"X-Target": target}, allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (302, "http://127.0.0.1:1/secret")


# what is kept


def test_a_bounded_number_of_targets_is_kept_the_least_recently_named_is_forgotten() -> None:
    targets = DynamicTargets(lambda request: f"https://{request.headers['X']}.example", allow=["*.example"], keep=2)
    taken = [targets.take(ask(X=name)).target for name in "abacaba"]
    assert taken[0] is taken[2] is taken[4] is taken[6]
    assert taken[1] is not taken[5]
    assert list(targets) == []


def test_a_bounded_number_of_places_is_kept() -> None:
    made: list[str] = []
    targets = DynamicTargets(lambda request: f"https://{request.headers['X']}.example", allow=["*.example"])
    places = KeptPlaces(lambda target: made.append(str(target.url)), 2)
    for name in "aabcab":
        places[targets.take(ask(X=name)).target]
    assert [url[8] for url in made] == ["a", "b", "c", "a", "b"]
    assert len(places) == 2


# options


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"choose": "https://a.example"}, "choose is"),
        ({"choose": choose_late}, "which is async"),
        ({"choose": lambda: "https://a.example"}, "with no required parameter"),
        ({"allow": []}, "allow is empty"),
        ({"allow": "api.example"}, "allow='api.example'"),
        ({"allow": [42]}, "allow has 42"),
        ({"allow": ["ftp://a.example"]}, "allow has"),
        ({"allow": ["a.example/path"]}, "allow has"),
        ({"allow": ["me@a.example"]}, "allow has"),
        ({"allow": ["a.example:0"]}, "allow has"),
        ({"allow": ["a.example:65536"]}, "allow has"),
        ({"allow": ["a.example:*"]}, "allow has"),
        ({"allow": ["::1"]}, "allow has"),
        ({"allow": ["*"]}, "is not a host"),
        ({"allow": ["*.10.0.0.1"]}, "is not a host"),
        ({"allow": ["a.*.example"]}, "is not a host"),
        ({"networks": ["10.0.0.1/8"]}, "networks has"),
        ({"networks": "10.0.0.0/8"}, "networks="),
        ({"keep": 0}, "keep=0"),
        ({"resolver": "8.8.8.8"}, "resolver is"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        DynamicTargets(**{"choose": read_choice, "allow": ["a.example"], **options})
    assert error.value.battery == "DynamicTargets()"
    assert problem in error.value.problem


@pytest.mark.parametrize(
    "options",
    [
        {"balance": "least_connections"},
        {"affinity": AffinityCookie("a")},
        {"check": HealthCheck()},
        {"more": ["https://a.example"]},
        {"more": [DynamicTargets(read_choice, allow=["b.example"])]},
    ],
    ids=["balance", "affinity", "check", "another", "two"],
)
def test_dynamic_targets_are_alone_in_their_upstream(options: dict[str, Any]) -> None:
    more = options.pop("more", [])
    with pytest.raises(ConfigurationError, match="DynamicTargets are not alone"):
        Upstream(DynamicTargets(read_choice, allow=["a.example"]), *more, **options)
