"""What is one address is equal, however it was written, and nothing else is in a network."""

import ipaddress
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.addresses import (
    UNIX,
    Networks,
    canonical,
    parse_address,
    parse_networks,
    parse_proxies,
)


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


NETWORKS = st.one_of(
    st.builds(
        lambda address, bits: ipaddress.ip_network((address, bits), strict=False),
        st.ip_addresses(v=4),
        st.integers(0, 32),
    ),
    st.builds(
        lambda address, bits: ipaddress.ip_network((address, bits), strict=False),
        st.ip_addresses(v=6),
        st.integers(0, 128),
    ),
)


@given(st.lists(NETWORKS, max_size=4), st.ip_addresses().map(canonical))
def test_an_address_is_in_the_networks_that_the_standard_library_says(networks: Any, address: Any) -> None:
    assert (address in Networks(networks)) is any(address in network for network in networks)


@given(NETWORKS)
def test_first_and_last_address_of_a_network_are_in_it(network: Any) -> None:
    assume(network.version == 4 or not network.overlaps(ipaddress.ip_network("::ffff:0:0/96")))
    parsed = Networks(parse_networks([str(network)], "test()", "allow"))
    assert network[0] in parsed
    assert network[-1] in parsed


@pytest.mark.parametrize(
    ("entry", "address", "is_in"),
    [
        pytest.param("10.0.0.0/8", "10.255.255.255", True, id="IPv4"),
        pytest.param("10.0.0.0/8", "11.0.0.0", False, id="another IPv4"),
        pytest.param("::ffff:10.0.0.0/104", "10.1.2.3", True, id="a mapped network"),
        pytest.param("::ffff:10.0.0.1", "10.0.0.1", True, id="a mapped address"),
        pytest.param("::ffff:0:0/96", "10.0.0.1", True, id="all mapped addresses"),
        pytest.param("::/0", "10.0.0.1", False, id="all of IPv6 is nothing of IPv4"),
        pytest.param("::/0", "2001:db8::1", True, id="all of IPv6"),
        pytest.param("0.0.0.0/0", "::1", False, id="all of IPv4 is nothing of IPv6"),
        pytest.param("2001:DB8:0::/32", "2001:db8:1::1", True, id="not canonical"),
        pytest.param(ipaddress.ip_network("10.0.0.0/8"), "10.1.2.3", True, id="a network object"),
        pytest.param(ipaddress.ip_address("10.1.2.3"), "10.1.2.3", True, id="an address object"),
    ],
)
def test_networks_are_compared_in_one_form(entry: Any, address: str, is_in: bool) -> None:
    assert (parse_address(address) in Networks(parse_networks([entry], "test()", "allow"))) is is_in


@pytest.mark.parametrize("peer", [None, UNIX, "10.0.0.1", 167772161, b"\n\0\0\1"], ids=repr)
def test_nothing_but_an_address_is_in_a_network(peer: object) -> None:
    assert peer not in Networks(parse_networks(["0.0.0.0/0", "::/0"], "test()", "allow"))


def test_a_unix_socket_is_trusted_if_it_is_listed() -> None:
    assert UNIX in parse_proxies(["unix"], "test()")
    assert UNIX not in parse_proxies(["10.0.0.0/8"], "test()")
    assert None not in parse_proxies(["unix"], "test()")
    assert parse_proxies(["unix"], "test()")
    assert not parse_proxies([], "test()")


@pytest.mark.parametrize("entry", ["", "x", "10.1.2.3/8", "10.0.0.0/33", "fe80::1%eth0", "fe80::%eth0/64", 5, None])
def test_what_is_no_network_is_refused(entry: Any) -> None:
    with pytest.raises(
        ConfigurationError, match=r"test\(\): allow has .*; write an address, or a network without bits"
    ):
        parse_networks([entry], "test()", "allow")


@pytest.mark.parametrize("entries", ["10.0.0.0/8", b"10", "unix", None, iter(["unix"])], ids=type)
def test_networks_that_are_no_list_are_refused(entries: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"pass a list"):
        parse_proxies(entries, "test()")


@pytest.mark.parametrize("entry", ["0.0.0.0/0", "::/0", "::ffff:0:0/96"])
def test_nobody_may_trust_everybody(entry: str) -> None:
    with pytest.raises(ConfigurationError, match=r"everybody may say who has sent a request; write the networks"):
        parse_proxies([entry], "test()")
