"""A request is counted for who is asking, or for the network that it comes from."""

import ipaddress
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from aiohttp_route_middleware.support.access.identity import IDENTITY, Identity
from aiohttp_route_middleware.support.network.addresses import CLIENT_ADDRESS
from aiohttp_route_middleware.support.traffic.callers import read_caller

CALLERS = [
    (
        "an identity",
        {IDENTITY: Identity("alice"), CLIENT_ADDRESS: ipaddress.ip_address("192.0.2.1")},
        "identity:alice",
    ),
    ("an IPv4 address", {CLIENT_ADDRESS: ipaddress.ip_address("192.0.2.1")}, "address:192.0.2.1/32"),
    ("an IPv6 address", {CLIENT_ADDRESS: ipaddress.ip_address("2001:db8::1")}, "address:2001:db8::/64"),
    ("a mapped address", {CLIENT_ADDRESS: ipaddress.ip_address("::ffff:192.0.2.1")}, "address:192.0.2.1/32"),
    ("nobody knows", {CLIENT_ADDRESS: None}, "unknown"),
    ("what is no identity", {IDENTITY: "alice", CLIENT_ADDRESS: None}, "unknown"),
]


@pytest.mark.parametrize(("known", "caller"), [case[1:] for case in CALLERS], ids=[case[0] for case in CALLERS])
def test_the_caller_is_the_identity_or_else_the_network(known: dict[Any, Any], caller: str) -> None:
    request = make_mocked_request("GET", "/")
    for key, value in known.items():
        request[key] = value
    assert read_caller(request) == caller
