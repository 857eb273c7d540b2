"""The target is told what is known of the client, and never what the client has made up."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from aiohttp_route_middleware import ConfigurationError
from aiohttp_route_middleware.middlewares.client_address import client_address
from aiohttp_route_middleware.proxy.message.forwarding import Forwarding
from aiohttp_route_middleware.proxy.message.via import HTTPLoopDetected
from aiohttp_route_middleware.support.network.forwarded import read_client
from aiohttp_route_middleware.support.network.networks import read_proxies
from aiohttp_route_middleware.support.network.proxy_headers import read_header_names

Fields = list[tuple[str, str]]
FOR, PROTO, HOST = "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"
ALL = [FOR, PROTO, HOST, "Forwarded"]
PROXY, CLIENT, CLIENT6 = "10.0.0.1", "192.0.2.7", "2001:db8::7"
TRUSTED = ["10.0.0.0/8"]


class Transport(asyncio.Transport):
    """A connection from somewhere."""

    def __init__(self, peer: Any, is_secure: bool) -> None:
        super().__init__({"peername": peer, "sslcontext": object() if is_secure else None})


def incoming(
    *fields: tuple[str, str], peer: Any = CLIENT, is_secure: bool = False, path: str = "/", method: str = "GET"
) -> web.Request:
    headers = CIMultiDict([("Host", "shop.example"), *fields]) if "Host" not in dict(fields) else CIMultiDict(fields)
    place = (peer, 4711) if isinstance(peer, str) and peer else peer
    context: Any = object() if is_secure else None
    return make_mocked_request(method, path, headers, transport=Transport(place, is_secure), sslcontext=context)


def tell(request: web.Request, *, drop: str = "", via: str | None = None, **options: Any) -> dict[str, str]:
    """Return what the target is told; of several lines of a name, all joined by a bar."""
    headers = CIMultiDict(request.headers)
    headers.popall(drop, None)
    Forwarding(via=via, **options).write(request, headers)
    return {name: "|".join(headers.getall(name)) for name in headers if name != "Host"}


def test_by_default_the_target_is_told_address_scheme_and_host_of_the_peer() -> None:
    assert tell(incoming()) == {FOR: CLIENT, PROTO: "http", HOST: "shop.example"}


MADE_UP: Fields = [
    (FOR, "6.6.6.6"),
    (FOR, "7.7.7.7"),
    (PROTO, "https"),
    (HOST, "evil.example"),
    ("Forwarded", "for=6.6.6.6;host=evil.example;proto=https"),
    ("X-Real-IP", "6.6.6.6"),
    ("X-Forwarded-Port", "443"),
    ("X-Forwarded-Prefix", "/evil"),
    ("X-Forwarded-Server", "evil"),
    ("X_Forwarded_For", "6.6.6.6"),
]


def test_what_an_untrusted_peer_says_is_replaced() -> None:
    assert tell(incoming(*MADE_UP)) == {FOR: CLIENT, PROTO: "http", HOST: "shop.example"}
    element = f"for={CLIENT};host=shop.example;proto=http"
    assert tell(incoming(*MADE_UP), headers=["Forwarded"]) == {"Forwarded": element}
    assert tell(incoming(*MADE_UP), headers=[]) == {}


def test_an_untrusted_peer_is_not_believed_though_others_are() -> None:
    assert tell(incoming(*MADE_UP), trusted_proxies=TRUSTED) == {FOR: CLIENT, PROTO: "http", HOST: "shop.example"}


RECEIVED: Fields = [
    (FOR, f"6.6.6.6, {CLIENT}"),
    (FOR, "10.0.0.9"),
    (PROTO, "https"),
    (HOST, "www.shop.example:8443"),
    ("Forwarded", f"for={CLIENT};proto=https"),
    ("Forwarded", "for=10.0.0.9"),
]
TOLD = {
    FOR: f"6.6.6.6, {CLIENT}, 10.0.0.9, {PROXY}",
    PROTO: "https",
    HOST: "www.shop.example:8443",
    "Forwarded": f'for={CLIENT};proto=https, for=10.0.0.9, for={PROXY};host="www.shop.example:8443";proto=https',
}


def test_a_trusted_peer_is_added_to_what_it_says_on_all_lines() -> None:
    assert tell(incoming(*RECEIVED, peer=PROXY), trusted_proxies=TRUSTED, headers=ALL) == TOLD


@pytest.mark.parametrize("drop", ALL)
def test_what_connection_names_is_appended_to_nevertheless(drop: str) -> None:
    assert tell(incoming(*RECEIVED, peer=PROXY), drop=drop, trusted_proxies=TRUSTED, headers=ALL) == TOLD


def test_what_a_trusted_peer_says_and_is_not_written_stays() -> None:
    others = [("X-Real-IP", CLIENT), ("X-Forwarded-Port", "8443"), (PROTO, "https")]
    told = tell(incoming(*others, peer=PROXY), trusted_proxies=TRUSTED, headers=[FOR])
    assert told == {**dict(others), FOR: PROXY}


def test_without_a_word_of_the_trusted_peer_the_connection_counts() -> None:
    told = tell(incoming(peer=PROXY, is_secure=True), trusted_proxies=TRUSTED, headers=ALL)
    element = f"for={PROXY};host=shop.example;proto=https"
    assert told == {FOR: PROXY, PROTO: "https", HOST: "shop.example", "Forwarded": element}


@pytest.mark.parametrize(
    ("scheme", "told"), [("https, http", "https, http"), ("gopher", "http"), ("", "http"), ("https,", "http")]
)
def test_a_scheme_of_a_trusted_peer_is_kept_if_it_is_one(scheme: str, told: str) -> None:
    assert tell(incoming((PROTO, scheme), peer=PROXY), trusted_proxies=TRUSTED)[PROTO] == told


@pytest.mark.parametrize(
    ("host", "told"), [("a.example, b", "a.example, b"), ("a/b", "shop.example"), ("", "shop.example")]
)
def test_a_host_of_a_trusted_peer_is_kept_if_it_is_one(host: str, told: str) -> None:
    assert tell(incoming((HOST, host), peer=PROXY), trusted_proxies=TRUSTED)[HOST] == told


def test_a_host_that_nobody_can_read_is_not_told() -> None:
    fields = [("Host", "a/b"), (HOST, "c/d")]
    told = tell(incoming(*fields, peer=PROXY), trusted_proxies=TRUSTED, headers=[HOST, "Forwarded"])
    assert told == {"Forwarded": f"for={PROXY};proto=http"}
    assert tell(incoming(*fields), headers=[HOST]) == {}


NODES = [
    pytest.param(CLIENT, CLIENT, f"for={CLIENT}", id="IPv4"),
    pytest.param(CLIENT6, CLIENT6, f'for="[{CLIENT6}]"', id="IPv6"),
    pytest.param("::ffff:192.0.2.7", CLIENT, f"for={CLIENT}", id="IPv4 as IPv6"),
    pytest.param("fe80::1%eth0", "fe80::1", 'for="[fe80::1]"', id="with a zone"),
    pytest.param("", "unknown", "for=unknown", id="a Unix socket"),
    pytest.param(None, "unknown", "for=unknown", id="nothing is known"),
]


@pytest.mark.parametrize(("peer", "node", "pair"), NODES)
def test_a_peer_is_written_as_each_field_has_it(peer: Any, node: str, pair: str) -> None:
    told = tell(incoming(peer=peer), headers=ALL)
    assert told[FOR] == node
    assert told["Forwarded"] == f"{pair};host=shop.example;proto=http"


def test_a_unix_socket_may_be_trusted() -> None:
    told = tell(incoming((FOR, CLIENT), peer=""), trusted_proxies=["unix"])
    assert told[FOR] == f"{CLIENT}, unknown"


@pytest.mark.parametrize(
    ("host", "pair"),
    [
        pytest.param("shop.example", "host=shop.example", id="a token"),
        pytest.param("Shop.Example:80", 'host="shop.example:80"', id="with a port"),
        pytest.param("[2001:DB8::1]:80", 'host="[2001:db8::1]:80"', id="IPv6"),
        pytest.param('a";for=1.1.1.1', None, id="a quote"),
        pytest.param("a, b", None, id="a comma"),
    ],
)
def test_a_host_is_quoted_where_it_must_be_and_left_out_if_it_is_none(host: str, pair: str | None) -> None:
    pairs = [f"for={CLIENT}", *([pair] if pair else []), "proto=http"]
    assert tell(incoming(("Host", host)), headers=["Forwarded"])["Forwarded"] == ";".join(pairs)


def test_the_host_of_an_absolute_target_counts() -> None:
    request = incoming(path="http://shop.example:8080/x", peer=PROXY)
    assert tell(request, trusted_proxies=TRUSTED)[HOST] == "shop.example:8080"


FOUND = [
    pytest.param([(FOR, f"6.6.6.6, {CLIENT}"), (PROTO, "https"), (HOST, "www")], CLIENT, "https", "www", id="all"),
    pytest.param([(FOR, CLIENT6)], CLIENT6, "http", "shop.example", id="the address alone"),
    pytest.param([(FOR, "garbage")], "unknown", "http", "shop.example", id="nobody"),
]


@pytest.mark.parametrize(("fields", "address", "scheme", "host"), FOUND)
async def test_what_client_address_has_found_is_told_of_an_untrusted_peer(
    fields: Fields, address: str, scheme: str, host: str
) -> None:
    request = incoming(*fields, peer=PROXY)
    await client_address(TRUSTED, header=FOR, scheme_header=PROTO, host_header=HOST)(request)
    assert tell(request) == {FOR: address, PROTO: scheme, HOST: host}


async def test_to_a_trusted_peer_no_client_is_added_that_client_address_has_found() -> None:
    request = incoming((FOR, CLIENT), peer=PROXY)
    await client_address(TRUSTED, header=FOR)(request)
    assert tell(request, trusted_proxies=TRUSTED)[FOR] == f"{CLIENT}, {PROXY}"


def test_the_proxy_names_itself_and_sees_itself_again() -> None:
    forwarding = Forwarding()
    headers: CIMultiDict[str] = CIMultiDict()
    forwarding.write(incoming(), headers)
    assert headers["Via"].startswith("1.1 proxy-")
    Forwarding().write(incoming(("Via", headers["Via"])), CIMultiDict())  # the next of our own
    with pytest.raises(HTTPLoopDetected):
        forwarding.write(incoming(("Via", headers["Via"])), CIMultiDict())


def test_a_name_is_written_as_it_was_chosen_and_a_hop_is_counted() -> None:
    told = tell(incoming(("Max-Forwards", "3"), method="OPTIONS"), via="shop", headers=[])
    assert told == {"Via": "1.1 shop", "Max-Forwards": "2"}


def test_without_a_name_the_via_of_others_stays() -> None:
    assert tell(incoming(("Via", "1.1 a")), headers=[]) == {"Via": "1.1 a"}


BAD = [
    pytest.param({"headers": "Forwarded"}, r"headers='Forwarded'", id="a text"),
    pytest.param({"headers": ["X-Forwarded-Fro"]}, r"write 'X-Forwarded-For'", id="nearly a name"),
    pytest.param({"headers": [5]}, r"headers=5", id="no name"),
    pytest.param({"trusted_proxies": ["10.0.0.1/8"]}, r"trusted_proxies has '10.0.0.1/8'", id="no network"),
    pytest.param({"trusted_proxies": ["0.0.0.0/0"]}, r"trusted_proxies are all of IPv4", id="everybody"),
    pytest.param({"via": "a b"}, r"via='a b', which is no token", id="no token"),
]


@pytest.mark.parametrize(("options", "problem"), BAD)
def test_bad_options_are_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^Forwarding\(\): .*{problem}"):
        Forwarding(**options)


@given(
    st.lists(st.text(alphabet='for=;,"\\ [:]1.a_-%\t', max_size=40), max_size=3),
    st.sampled_from([CLIENT, CLIENT6]),
    st.sampled_from([FOR, "Forwarded"]),
)
def test_whatever_was_received_the_target_finds_the_peer_behind_us(lines: list[str], peer: str, header: str) -> None:
    request = incoming(*((header, line) for line in lines), peer=peer)
    headers = CIMultiDict(request.headers)
    # the peer is believed, so that what it says stands beside what is written
    Forwarding(trusted_proxies=[peer], headers=[header], via=None).write(request, headers)
    us = ipaddress.ip_address("10.0.0.1")
    names = read_header_names("test()", header, None, None)
    found = read_client(CIMultiDictProxy(headers), us, read_proxies("test()", TRUSTED), names)
    assert found.address == ipaddress.ip_address(peer)
