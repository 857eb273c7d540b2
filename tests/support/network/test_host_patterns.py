"""A host is in a list in whatever form it is written, and nothing but `*.` before a name is a pattern."""

from typing import Any

import pytest

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.network.host_patterns import read_host_patterns
from aiohttp_route_middleware.support.network.hosts import parse_authority


@pytest.mark.parametrize(
    ("pattern", "host", "is_listed"),
    [
        pytest.param("example.com", "example.com", True, id="itself"),
        pytest.param("EXAMPLE.com.", "example.com", True, id="written otherwise"),
        pytest.param("example.com", "exampleXcom", False, id="a dot is a dot"),
        pytest.param("example.com", "www.example.com", False, id="no name below"),
        pytest.param("example.com", "evilexample.com", False, id="no longer name"),
        pytest.param("*.example.com", "www.example.com", True, id="below"),
        pytest.param("*.example.com", "a.b.example.com", True, id="two levels below"),
        pytest.param("*.example.com", "example.com", False, id="not the name itself"),
        pytest.param("*.example.com", "evilexample.com", False, id="no longer name below"),
        pytest.param("*.example.com", "www.example.com.evil", False, id="no name that goes on"),
        pytest.param("*.EXAMPLE.com.", "www.example.com", True, id="below what is written otherwise"),
        pytest.param("b\u00fccher.example", "xn--bcher-kva.example", True, id="IDNA"),
        pytest.param("*.b\u00fccher.example", "www.xn--bcher-kva.example", True, id="below IDNA"),
        pytest.param("stra\u00dfe.de", "xn--strae-oqa.de", True, id="IDNA as browsers write it"),
        pytest.param("::1", "[::1]", True, id="IPv6 without brackets"),
        pytest.param("[0:0::1]", "[::1]", True, id="IPv6 not canonical"),
        pytest.param("127.0.0.1", "127.0.0.1", True, id="IPv4"),
    ],
)
def test_a_pattern_is_literal(pattern: str, host: str, is_listed: bool) -> None:
    authority = parse_authority(host)
    assert authority
    assert (authority.host in read_host_patterns("test()", [pattern])) is is_listed


NO_PATTERNS = [
    "",
    "*",
    "*.",
    "*.*",
    "*.*.com",
    "example.*",
    "**.a",
    "a*.com",
    "www.*",
    ".example.com",
    "https://a",
    "a/b",
    "a:80",
    "a:",
    "[::1]:80",
]
NO_PATTERNS += [
    "::g",
    "::1%eth0",
    "[::1%eth0]",
    "fe80::1%1",
    "*.[::1]",
    "*.::1",
    "*.0.0.1",
    "a b",
    "\u00e9/x",
    "\u00e9" * 70,
]


@pytest.mark.parametrize("pattern", [*NO_PATTERNS, b"example.com", None, 7], ids=ascii)
def test_a_pattern_that_is_no_host_is_refused(pattern: object) -> None:
    with pytest.raises(ConfigurationError, match=r"test\(\): .* is not a host; write a name or an address"):
        read_host_patterns("test()", [pattern])


@pytest.mark.parametrize("hosts", ["example.com", None, iter("a"), {"example.com": 1}], ids=type)
def test_hosts_that_are_no_list_are_refused(hosts: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"pass a list"):
        read_host_patterns("test()", hosts)


def test_a_host_may_be_listed_twice() -> None:
    patterns = read_host_patterns("test()", ["a", "A.", "*.b", "*.B", "x.b"])
    assert [host in patterns for host in ("a", "x.b", "y.b", "b", "x.a")] == [True, True, True, False, False]
