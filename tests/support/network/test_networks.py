"""Nothing but an address is in a network, and what is meant for IPv4 holds for IPv4."""

import ipaddress
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.network.addresses import UNIX, canonical, parse_address
from aiohttp_route_middleware.support.network.networks import (
    Networks,
    are_within,
    name_network,
    read_networks,
    read_proxies,
)

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

IPV4_IN_IPV6 = [ipaddress.ip_network("::ffff:0:0/96"), ipaddress.ip_network("::/96")]


@given(st.lists(NETWORKS, max_size=4), st.ip_addresses().map(canonical))
def test_an_address_is_in_the_networks_that_the_standard_library_says(networks: Any, address: Any) -> None:
    assert (address in Networks(networks)) is any(address in network for network in networks)


@given(NETWORKS)
def test_first_and_last_address_of_a_network_are_in_it(network: Any) -> None:
    assume(network.version == 4 or not any(network.overlaps(one) for one in IPV4_IN_IPV6))
    parsed = Networks(read_networks("test()", "allow", [str(network)]))
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
        pytest.param("::1", "::1", True, id="loopback, which looks like a compatible address"),
        pytest.param("::/127", "::1", True, id="unspecified and loopback"),
        pytest.param("2000::/3", "2001:db8::1", True, id="a part of IPv6"),
        pytest.param("2001:DB8:0::/32", "2001:db8:1::1", True, id="not canonical"),
        pytest.param(ipaddress.ip_network("10.0.0.0/8"), "10.1.2.3", True, id="a network object"),
        pytest.param(ipaddress.ip_address("10.1.2.3"), "10.1.2.3", True, id="an address object"),
    ],
)
def test_networks_are_compared_in_one_form(entry: Any, address: str, is_in: bool) -> None:
    assert (parse_address(address) in Networks(read_networks("test()", "allow", [entry]))) is is_in


@pytest.mark.parametrize("peer", [None, UNIX, "10.0.0.1", 167772161, b"\n\0\0\1"], ids=repr)
def test_nothing_but_an_address_is_in_a_network(peer: object) -> None:
    assert peer not in Networks(read_networks("test()", "allow", ["0.0.0.0/0", "::/0"]))


def test_a_unix_socket_is_trusted_if_it_is_listed() -> None:
    assert UNIX in read_proxies("test()", ["unix"])
    assert UNIX not in read_proxies("test()", ["10.0.0.0/8"])
    assert None not in read_proxies("test()", ["unix"])
    assert read_proxies("test()", ["unix"])
    assert not read_proxies("test()", [])


@pytest.mark.parametrize("entry", ["", "x", "10.1.2.3/8", "10.0.0.0/33", "fe80::1%eth0", "fe80::%eth0/64", 5, None])
def test_what_is_no_network_is_refused(entry: Any) -> None:
    with pytest.raises(
        ConfigurationError, match=r"test\(\): allow has .*; write an address, or a network without bits"
    ):
        read_networks("test()", "allow", [entry])


@pytest.mark.parametrize("entries", ["10.0.0.0/8", b"10", "unix", None, iter(["unix"])], ids=type)
def test_networks_that_are_no_list_are_refused(entries: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"pass a list"):
        read_proxies("test()", entries)


@pytest.mark.parametrize(
    "entry", ["::/80", "::/95", "::/8", "::/1", "::fffe:0:0/95", "::/96", "::10.0.0.1", "::10.0.0.0/104", "::/126"]
)
def test_what_holds_ipv4_in_the_form_of_ipv6_is_refused(entry: str) -> None:
    problem = rf"test\(\): deny has {entry!r}, in which is IPv4 in the form of IPv6; write IPv4 as such"
    with pytest.raises(ConfigurationError, match=problem):
        read_networks("test()", "deny", [entry])


@given(NETWORKS, st.ip_addresses(v=4))
def test_whoever_is_in_a_network_by_the_form_of_ipv6_is_in_it_by_that_of_ipv4(network: Any, address: Any) -> None:
    try:
        parsed = Networks(read_networks("test()", "deny", [network]))
    except ConfigurationError:
        return
    is_mapped_in = network.prefixlen > 0 and ipaddress.ip_address(f"::ffff:{address}") in network
    assert (address in parsed) is (is_mapped_in or address in network)


EVERYBODY = [
    pytest.param(["0.0.0.0/0"], 4, id="all of IPv4"),
    pytest.param(["::/0"], 6, id="all of IPv6"),
    pytest.param(["::ffff:0:0/96"], 4, id="all mapped addresses"),
    pytest.param(["0.0.0.0/1", "128.0.0.0/1"], 4, id="two halves"),
    pytest.param(["128.0.0.0/1", "64.0.0.0/2", "10.0.0.1", "0.0.0.0/2"], 4, id="three parts and one in them"),
    pytest.param(["::ffff:0.0.0.0/97", "128.0.0.0/1"], 4, id="two halves, one of them mapped"),
    pytest.param(["2000::/4", "3000::/4"], 6, id="all of IPv6 that is assigned"),
    pytest.param(["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"], 4, id="all that is not multicast"),
    pytest.param(["unix", "0.0.0.0/0"], 4, id="beside a Unix socket"),
]


@pytest.mark.parametrize(("entries", "version"), EVERYBODY)
def test_nobody_may_trust_everybody(entries: list[str], version: int) -> None:
    problem = f"trusted_proxies are all of IPv{version}, so that everybody may say who has sent a request; write the"
    with pytest.raises(ConfigurationError, match=problem):
        read_proxies("test()", entries)


PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16"]


@pytest.mark.parametrize(
    "entries",
    [[*PRIVATE, "fc00::/7", "fe80::/10", "::1", "unix"], ["0.0.0.0/1"], ["2000::/4"]],
    ids=["all that is private", "half of IPv4", "half of IPv6"],
)
def test_less_than_everybody_may_be_trusted(entries: list[str]) -> None:
    assert read_proxies("test()", entries)


@given(st.lists(NETWORKS, max_size=3), st.lists(NETWORKS, max_size=3), st.ip_addresses().map(canonical))
def test_who_is_in_a_network_is_in_those_around_it(inner: Any, outer: Any, address: Any) -> None:
    if are_within(inner, outer) and address in Networks(inner):
        assert address in Networks(outer)
    assert are_within(inner, [*outer, *inner])


@given(NETWORKS)
def test_the_halves_of_a_network_are_together_all_of_it(network: Any) -> None:
    assume(network.prefixlen < network.max_prefixlen)
    halves = list(network.subnets())
    assert are_within([network], halves)
    assert not are_within([network], halves[:1])


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1/32"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:0DB8:0:0:1:2:3:4", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1/32"),
        ("::ffff:c000:201", "192.0.2.1/32"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_the_network_of_an_address(address: str, network: str) -> None:
    assert name_network(ipaddress.ip_address(address)) == network


@given(address=st.ip_addresses(), ipv4_prefix=st.integers(1, 32), ipv6_prefix=st.integers(1, 128))
def test_every_address_is_in_its_network(address: Any, ipv4_prefix: int, ipv6_prefix: int) -> None:
    network = ipaddress.ip_network(name_network(address, ipv4_prefix=ipv4_prefix, ipv6_prefix=ipv6_prefix))
    assert canonical(address) in network
