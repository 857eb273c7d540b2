"""ip_restriction(): addresses that may come in, and addresses that may not."""

import ipaddress
import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.client_address import client_address
from aiohttp_route_middleware.middlewares.ip_restriction import ip_restriction, may_come_in
from aiohttp_route_middleware.naming import name_link
from aiohttp_route_middleware.support.network.addresses import CLIENT_ADDRESS, canonical
from aiohttp_route_middleware.support.network.networks import Networks, read_networks
from aiohttp_route_middleware.typedefs import Handler

from .matrix import SCOPES, make_app

LOOPBACK = ["127.0.0.0/8", "::1"]


async def index(request: web.Request) -> web.Response:
    return web.Response(text="index")


def make(*links: Any) -> web.Application:
    app = web.Application()
    UrlDispatcherEx.install(app).add_get("/", *links, index)
    return app


def networks(*entries: str) -> Networks:
    return Networks(read_networks("test()", "allow", entries))


@pytest.mark.parametrize(
    ("options", "status"),
    [
        pytest.param({"allow": LOOPBACK}, 200, id="allowed"),
        pytest.param({"allow": ["10.0.0.0/8"]}, 403, id="not allowed"),
        pytest.param({"deny": LOOPBACK}, 403, id="denied"),
        pytest.param({"deny": ["10.0.0.0/8"]}, 200, id="not denied"),
        pytest.param({"allow": LOOPBACK, "deny": ["127.0.0.1", "::1"]}, 403, id="deny first"),
        pytest.param(
            {"allow": ["127.0.0.1", "::1", "10.0.0.1"], "deny": ["127.0.0.0/8", "::1"]},
            403,
            id="however narrow allow is",
        ),
        pytest.param({"allow": ["::ffff:127.0.0.1", "::1"]}, 200, id="a mapped network"),
    ],
)
async def test_the_peer_is_let_in_or_not(options: Any, status: int, aiohttp_client: AiohttpClient) -> None:
    async with (await aiohttp_client(make(ip_restriction(**options)))).get("/") as response:
        assert response.status == status


@pytest.mark.parametrize(
    ("address", "is_let_in"),
    [
        ("10.0.0.1", True),
        ("::ffff:10.0.0.1", True),
        ("::ffff:0a00:0001", True),
        ("10.0.0.66", False),
        ("::ffff:10.0.0.66", False),
        ("::ffff:10.0.0.66%eth0", False),
        ("11.0.0.1", False),
        ("2001:DB8:0::1", True),
        ("2001:db8::bad", False),
        ("2001:0db8:0000::0bad", False),
        ("fe80::1%eth0", True),
        ("fe80::2%eth0", False),
        ("::", False),
    ],
)
def test_an_address_is_the_same_in_all_its_forms(address: str, is_let_in: bool) -> None:
    allowed = networks("10.0.0.0/8", "2001:db8::/32", "fe80::/64")
    denied = networks("10.0.0.66", "2001:DB8::bad", "fe80::2")
    assert may_come_in(canonical(ipaddress.ip_address(address)), allowed, denied) is is_let_in


@pytest.mark.parametrize("address", [None, "unix", "127.0.0.1", ""], ids=repr)
def test_what_is_no_address_is_refused_even_if_nothing_is_asked_but_a_deny(address: str | None) -> None:
    assert not may_come_in(address, None, networks("10.0.0.0/8"))


@given(st.ip_addresses(), st.integers(0, 32))
def test_who_is_denied_is_never_let_in(address: Any, bits: int) -> None:
    address = canonical(address)
    denied = Networks([ipaddress.ip_network((address, bits), strict=False)])
    assert not may_come_in(address, networks("0.0.0.0/0", "::/0"), denied)
    assert may_come_in(address, denied, networks("192.0.2.1")) or address in networks("192.0.2.1")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        pytest.param("for=10.0.0.1", 200, id="the client is allowed"),
        pytest.param("for=192.0.2.1", 403, id="the client is not, though the proxy is"),
        pytest.param("for=10.0.0.1, for=192.0.2.1", 403, id="forged"),
        pytest.param("for=10.0.0.1, for=unknown", 403, id="unknown"),
        pytest.param("for=10.0.0.1, garbage", 403, id="garbage"),
        pytest.param("for=10.0.0.1;for=127.0.0.1", 403, id="malformed"),
    ],
)
async def test_behind_client_address_the_client_counts(said: str, status: int, aiohttp_client: AiohttpClient) -> None:
    links = client_address(LOOPBACK, header="Forwarded"), ip_restriction(allow=["10.0.0.0/8", *LOOPBACK])
    client = await aiohttp_client(make(*links))
    async with client.get("/", headers={"Forwarded": said}) as response:
        assert response.status == status


async def test_headers_and_what_outer_links_say_of_the_peer_are_not_looked_at(aiohttp_client: AiohttpClient) -> None:
    @web.middleware
    async def replace(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request.clone(remote="10.0.0.1"))

    client = await aiohttp_client(make(replace, ip_restriction(allow=["10.0.0.0/8"])))
    said = {"Forwarded": "for=10.0.0.1", "X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1"}
    async with client.get("/", headers=said) as response:
        assert response.status == 403


@pytest.mark.parametrize(("allow", "status"), [(LOOPBACK, 200), (["192.0.2.1"], 403)], ids=["proxy", "client"])
@pytest.mark.parametrize("place", [0, 1], ids=["before", "behind"])
async def test_by_the_peer_nobody_but_the_proxies_may_connect(
    allow: list[str], status: int, place: int, aiohttp_client: AiohttpClient
) -> None:
    links: list[Any] = [client_address(LOOPBACK, header="X-Real-IP")]
    links.insert(place, ip_restriction(allow=allow, by_peer=True))
    async with (await aiohttp_client(make(*links))).get("/", headers={"X-Real-IP": "192.0.2.1"}) as response:
        assert response.status == status


@pytest.mark.parametrize(("address", "status"), [("::ffff:10.0.0.1", 200), ("10.0.0.1", 200), (None, 403)], ids=str)
async def test_an_address_that_a_link_of_the_user_has_set_counts(
    address: str | None, status: int, aiohttp_client: AiohttpClient
) -> None:
    async def find_out(request: web.Request) -> None:
        request[CLIENT_ADDRESS] = ipaddress.ip_address(address) if address else None

    async with (await aiohttp_client(make(find_out, ip_restriction(allow=["10.0.0.0/8"])))).get("/") as response:
        assert response.status == status


async def test_a_mapped_peer_of_a_socket_for_both_kinds_is_its_ipv4_address() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("there is no socket for both kinds")
    runner = web.AppRunner(make(ip_restriction(allow=["127.0.0.1"])))
    await runner.setup()
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        await web.SockSite(runner, listener).start()
        port = listener.getsockname()[1]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/") as response:
                assert response.status == 200
            async with session.get(f"http://[::1]:{port}/") as response:
                assert response.status == 403
        await runner.cleanup()


async def test_a_unix_socket_has_no_address_and_is_refused(tmp_path: Path) -> None:
    runner = web.AppRunner(make(ip_restriction(deny=["10.0.0.0/8"])))
    await runner.setup()
    path = str(tmp_path / "socket")
    await web.UnixSite(runner, path).start()
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(path)) as session,
        session.get("http://a/") as response,
    ):
        assert response.status == 403
    await runner.cleanup()


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(("deny", "status"), [(["127.0.0.1", "::1"], 403), (["10.0.0.1"], 200)], ids=["in", "out"])
async def test_it_works_in_every_scope(
    scope: str, deny: list[str], status: int, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_app(scope, ip_restriction(deny=deny)))
    async with client.get("/sub/plain" if scope == "sub-application" else "/plain") as response:
        assert response.status == status


def test_its_name_tells_the_networks_if_they_are_few() -> None:
    few, many = ["10.0.0.1", "10.0.0.2"], [f"10.0.0.{number}" for number in range(200)]
    assert name_link(ip_restriction(allow=few)) == "ip_restriction(allow: 10.0.0.1, 10.0.0.2)"
    name = name_link(ip_restriction(allow=many, deny=few[:1]))
    assert name == "ip_restriction(allow: 200 networks, SHA-256 2d8677cb; deny: 10.0.0.1)"
    assert name_link(ip_restriction(allow=few[:1], by_peer=True)) == "ip_restriction(allow: 10.0.0.1; by peer)"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({}, "everybody may come in; pass allow", id="nothing"),
        pytest.param({"deny": []}, "everybody may come in; pass allow", id="nobody denied"),
        pytest.param({"allow": []}, "allow is empty: nobody could come in; list who may", id="nobody allowed"),
        pytest.param({"allow": "10.0.0.0/8"}, r"pass a list: allow=\['10.0.0.0/8'\]", id="a text"),
        pytest.param({"deny": ["10.0.0.1/8"]}, "deny has '10.0.0.1/8'; write an address", id="bits of a host"),
        pytest.param({"allow": iter(["10.0.0.0/8"])}, "pass a list", id="no list"),
        pytest.param({"allow": ["unix"]}, "allow has 'unix'", id="no address"),
        pytest.param({"deny": ["::/80"]}, "deny has '::/80', in which is IPv4 in the form of IPv6", id="IPv4 in IPv6"),
        pytest.param({"allow": ["10.0.0.1"], "by_peer": "no"}, "by_peer='no'; write True or False", id="no flag"),
        *(
            pytest.param(options, "nobody could come in; deny fewer", id=name)
            for name, options in {
                "allowed and denied": {"allow": ["10.0.0.0/8"], "deny": ["10.0.0.0/8"]},
                "all denied": {"allow": ["10.1.0.0/16", "::1"], "deny": ["10.0.0.0/8", "::1"]},
                "denied in parts": {"allow": ["10.0.0.0/8"], "deny": ["10.0.0.0/9", "10.128.0.0/9"]},
                "everybody denied": {"deny": ["0.0.0.0/0", "::/0"]},
                "mapped": {"allow": ["::ffff:10.0.0.1"], "deny": ["10.0.0.0/8"]},
            }.items()
        ),
        pytest.param({"allow": ["fe80::1%eth0"]}, "allow has 'fe80::1%eth0'", id="a zone"),
    ],
)
def test_bad_options_are_refused_at_once(options: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"ip_restriction\(\): {problem}|ip_restriction\(\): .*{problem}"):
        ip_restriction(**options)


def test_a_set_is_named_alike_in_each_run() -> None:
    assert name_link(ip_restriction(deny={"10.0.0.2", "10.0.0.10", "10.0.0.1"})) == (
        "ip_restriction(deny: 10.0.0.1, 10.0.0.10, 10.0.0.2)"
    )
