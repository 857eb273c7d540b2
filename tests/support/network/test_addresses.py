"""What is one address is equal, however it was written; and who has sent a request, as far as is known."""

import asyncio
import ipaddress
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.support.network.addresses import (
    CLIENT_ADDRESS,
    UNIX,
    canonical,
    mark_judged_by_peer,
    parse_address,
    read_client_address,
    read_peer,
    was_judged_by_peer,
)

USER = web.RequestKey("USER", str)


def make_request(peer: Any) -> Any:
    return make_mocked_request("GET", "/", transport=asyncio.Transport({"peername": peer}))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("0:0:0:0:0:FFFF:C000:0201", "192.0.2.1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.1%eth0", "192.0.2.1"),
    ],
)
def test_an_address_has_one_form(text: str, address: str) -> None:
    assert parse_address(text) == ipaddress.ip_address(address)


@pytest.mark.parametrize("text", ["", "unknown", "1.2.3", "01.2.3.4", "1.2.3.4:80", "[::1]", "::g", "1.2.3.4 ", "1"])
def test_what_is_no_address_is_not_read(text: str) -> None:
    assert parse_address(text) is None


@given(st.ip_addresses(v=4))
def test_every_mapped_address_is_its_ipv4_address(address: ipaddress.IPv4Address) -> None:
    assert canonical(ipaddress.IPv6Address(f"::ffff:{address}")) == address


@given(st.text())
def test_reading_an_address_never_fails(text: str) -> None:
    address = parse_address(text)
    assert address is None or parse_address(str(address)) == address


@pytest.mark.parametrize(
    ("peer", "who"),
    [
        pytest.param(("192.0.2.1", 4000), ipaddress.ip_address("192.0.2.1"), id="IPv4"),
        pytest.param(("::ffff:192.0.2.1", 4000, 0, 0), ipaddress.ip_address("192.0.2.1"), id="mapped"),
        pytest.param(["fe80::1%eth0", 4000, 0, 2], ipaddress.ip_address("fe80::1"), id="IPv6 with a zone"),
        pytest.param("", UNIX, id="a Unix socket"),
        pytest.param(None, None, id="not known"),
    ],
)
def test_a_peer_is_an_address_or_a_unix_socket(peer: Any, who: Any) -> None:
    request = make_request(peer)
    assert read_peer(request) == who
    assert not was_judged_by_peer(request)


def test_a_connection_that_is_closed_has_no_peer() -> None:
    request = make_request(("192.0.2.1", 4000))
    request.protocol.transport = None
    assert read_peer(request) is None
    assert read_client_address(request) is None


@pytest.mark.parametrize("others", [{}, {USER: "alice"}], ids=["nothing set", "something set"])
@pytest.mark.parametrize(
    ("peer", "address"), [(("192.0.2.1", 4000), "192.0.2.1"), ("", None), (None, None)], ids=["IP", "unix", "unknown"]
)
def test_without_client_address_the_peer_is_the_client_and_a_mark_is_left(
    peer: Any, address: str | None, others: Any
) -> None:
    request = make_request(peer)
    request.update(others)
    assert not was_judged_by_peer(request)
    assert read_client_address(request) == (address and ipaddress.ip_address(address))
    assert was_judged_by_peer(request)
    assert was_judged_by_peer(request.clone())
    request.clear()
    assert not was_judged_by_peer(request)
    mark_judged_by_peer(request)
    assert was_judged_by_peer(request)


@pytest.mark.parametrize(
    ("found", "address"),
    [
        pytest.param(ipaddress.ip_address("192.0.2.1"), "192.0.2.1", id="IPv4"),
        pytest.param(ipaddress.ip_address("::ffff:192.0.2.1"), "192.0.2.1", id="mapped"),
        pytest.param(ipaddress.ip_address("fe80::1%eth0"), "fe80::1", id="a zone"),
        *(pytest.param(found, None, id=repr(found)) for found in (None, UNIX, "192.0.2.1", "", 2130706433)),
    ],
)
def test_what_is_set_counts_if_it_is_an_address_and_leaves_no_mark(found: Any, address: str | None) -> None:
    request = make_request(("10.0.0.1", 4000))
    request[CLIENT_ADDRESS] = found
    assert read_client_address(request) == (address and ipaddress.ip_address(address))
    assert not was_judged_by_peer(request)
