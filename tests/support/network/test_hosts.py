"""A host is read whole or not at all, and has one form."""

import ipaddress
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.support.network.hosts import LONGEST_AUTHORITY, parse_authority, split_target


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        pytest.param("example.com", "example.com", None, id="a name"),
        pytest.param("Example.COM", "example.com", None, id="upper case"),
        pytest.param("example.com.", "example.com", None, id="a trailing dot"),
        pytest.param("example.com:8080", "example.com", 8080, id="a port"),
        pytest.param("example.com.:8080", "example.com", 8080, id="a trailing dot and a port"),
        pytest.param("example.com:", "example.com", None, id="an empty port, RFC 3986 section 3.2.3"),
        pytest.param("example.com:65535", "example.com", 65535, id="the last port"),
        pytest.param("localhost", "localhost", None, id="one label"),
        pytest.param("my_service:80", "my_service", 80, id="an underscore"),
        pytest.param("xn--bcher-kva.example", "xn--bcher-kva.example", None, id="an A-label"),
        pytest.param("127.0.0.1:80", "127.0.0.1", 80, id="IPv4"),
        pytest.param("[::1]", "[::1]", None, id="IPv6"),
        pytest.param("[::1]:8080", "[::1]", 8080, id="IPv6 and a port"),
        pytest.param("[2001:DB8:0:0::1]", "[2001:db8::1]", None, id="IPv6, not canonical"),
        pytest.param("[::FFFF:192.0.2.1]", "[::ffff:c000:201]", None, id="IPv6, mapped, as browsers write it"),
        pytest.param(".".join(["a" * 63] * 3 + ["b" * 61]), ".".join(["a" * 63] * 3 + ["b" * 61]), None, id="longest"),
    ],
)
def test_a_host_is_read_in_one_form(text: str, host: str, port: int | None) -> None:
    authority = parse_authority(text)
    assert authority == (host, port)
    assert parse_authority(str(authority)) == authority


def test_the_longest_authority_is_read_and_no_longer_one() -> None:
    longest = ".".join(["a" * 63] * 3 + ["b" * 61]) + ".:65535"
    assert len(longest) == LONGEST_AUTHORITY
    assert parse_authority(longest)
    assert parse_authority(f"{longest} ") is None


MALFORMED = [
    "",
    ".",
    ":80",
    "a/b",
    "a?b",
    "a#b",
    "user@example.com",
    "example.com\\",
    "a b",
    " a",
    "a,b",
    "a..b",
    ".a",
    "a..",
    "a:99999",
    "a:65536",
    "a:000080",
    "a:-1",
    "a:8x",
    "a:80:80",
    "a:\u0661",
    "[::1",
    "::1",
    "[]",
    "[::g]",
    "[1.2.3.4]",
    "[::1]x",
    "[::1]:99999",
    "[fe80::1%25eth0]",
    "[fe80::1%eth0]",
    "[v1.a]",
    "b\u00fccher.example",
    "\udcff",
    "a%41",
    "a\n",
    "a" * 64,
    ".".join(["a" * 63] * 4),
]


@pytest.mark.parametrize("text", MALFORMED, ids=ascii)
def test_a_malformed_host_is_not_read(text: str) -> None:
    assert parse_authority(text) is None


@given(st.text())
def test_whatever_is_read_can_be_written_into_a_header_and_read_again(text: str) -> None:
    authority = parse_authority(text)
    if authority is not None:
        assert set(str(authority)) <= {*string.ascii_lowercase, *string.digits, *"-_.:[]"}
        assert parse_authority(str(authority)) == authority
        assert "." not in {authority.host[0], authority.host[-1]}


@given(st.ip_addresses(v=6), st.integers(0, 65535))
def test_every_way_to_write_an_ipv6_address_is_one_host(address: ipaddress.IPv6Address, port: int) -> None:
    assert parse_authority(f"[{address.exploded}]:{port}") == parse_authority(f"[{address}]:{port}")


@pytest.mark.parametrize(
    ("target", "authority", "path"),
    [
        pytest.param("/a/b?c=/d", "", "/a/b?c=/d", id="origin-form"),
        pytest.param("//evil/a", "", "//evil/a", id="two slashes"),
        pytest.param("/a?b=http://c/d", "", "/a?b=http://c/d", id="a URL in the query"),
        pytest.param("http://a:80/b?c", "a:80", "/b?c", id="absolute-form"),
        pytest.param("http://a//b", "a", "//b", id="absolute-form with two slashes"),
        pytest.param("http://a", "a", "/", id="absolute-form without path"),
        pytest.param("http://a?b", "a", "/?b", id="absolute-form without path, with a query"),
        pytest.param("http://u@a/", "u@a", "/", id="absolute-form with a user"),
        pytest.param("*", "", "", id="asterisk-form"),
        pytest.param("a:443", "a:443", "", id="authority-form"),
    ],
)
def test_a_target_is_split(target: str, authority: str, path: str) -> None:
    assert split_target(target) == (authority, path)
