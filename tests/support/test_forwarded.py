"""What proxies have written is read from the right, and nothing beyond garbage is believed."""

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.addresses import UNIX, parse_proxies
from aiohttp_route_middleware.support.forwarded import (
    HeaderNames,
    Hop,
    check_header,
    parse_element,
    parse_hop,
    parse_node,
    parse_scheme,
    read_client,
    read_scheme,
    split_from_right,
)

TRUSTED = parse_proxies(["10.0.0.0/8", "fd00::/8"], "test()")
PROXY = ipaddress.ip_address("10.0.0.1")
FORWARDED = HeaderNames("forwarded")
LISTED = HeaderNames("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host")
TEXTS = st.text(alphabet='for=;,"\\ [:]1.a_-%\t', max_size=60)


def headers(name: str, *values: str, **others: str) -> CIMultiDictProxy[str]:
    pairs = [(name, value) for value in values] + [(key.replace("_", "-"), value) for key, value in others.items()]
    return CIMultiDictProxy(CIMultiDict(pairs))


@pytest.mark.parametrize(
    ("value", "elements"),
    [
        ("a", ["a"]),
        ("", [""]),
        ("a, b ,\tc", ["c", "b", "a"]),
        ("a,,b,", ["", "b", "", "a"]),
        ('a="x,y", b', ["b", 'a="x,y"']),
        (r'a="x\",y", b', ["b", r'a="x\",y"']),
        (r'a="x\\", b', ["b", r'a="x\\"']),
        ('for=", b', ["b", 'for="']),
        ('x="\\, for="[::1]"', ['for="[::1]"', 'x="\\']),
    ],
)
def test_a_list_is_split_from_the_right(value: str, elements: list[str]) -> None:
    assert list(split_from_right(value)) == elements


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        # the examples of RFC 7239, sections 4 and 7
        ('for="_gazonk"', {"for": "_gazonk"}),
        ('For="[2001:db8:cafe::17]:4711"', {"for": "[2001:db8:cafe::17]:4711"}),
        ("for=192.0.2.60;proto=http;by=203.0.113.43", {"for": "192.0.2.60", "proto": "http", "by": "203.0.113.43"}),
        ("for=_SEVKISEK", {"for": "_SEVKISEK"}),
        # and others
        ("", {}),
        (";;for=a;", {"for": "a"}),
        ("for=a; proto=b ;by=c", {"for": "a", "proto": "b", "by": "c"}),
        (r'host="a\"b\\"', {"host": 'a"b\\'}),
        ('for=""', {"for": ""}),
        ('for="a;b=c"', {"for": "a;b=c"}),
    ],
)
def test_an_element_is_read(text: str, pairs: dict[str, str]) -> None:
    assert parse_element(text) == pairs


MALFORMED = ["for", "=a", "for=", "for = a", "for=a b", "for=a;for=b", "for=a;FOR=b", 'for="a', 'for=a"', 'for="a"b']
MALFORMED += [
    "for=1.2.3.4:80",
    "for=[::1]",
    "for=\u00e9",
    'for="\u00e9"',
    "for=a;garbage",
    "garbage;for=a",
    'for="a\\"',
]


@pytest.mark.parametrize("text", MALFORMED)
def test_a_malformed_element_is_not_read(text: str) -> None:
    assert parse_element(text) is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.43", "192.0.2.43"),
        ("192.0.2.43:47011", "192.0.2.43"),
        ("192.0.2.43:_port", "192.0.2.43"),
        ("[2001:db8:cafe::17]", "2001:db8:cafe::17"),
        ("[2001:db8:cafe::17]:4711", "2001:db8:cafe::17"),
        ("[::ffff:192.0.2.43]", "192.0.2.43"),
    ],
)
def test_a_node_with_an_address_is_read(text: str, address: str) -> None:
    assert parse_node(text) == parse_hop(text) == ipaddress.ip_address(address)


NOBODY = ["", "unknown", "unknown:80", "_hidden", "_x:_y", "256.0.0.1", "01.2.3.4", "1.2.3.4:", "1.2.3.4:123456"]
NOBODY += [
    "[1.2.3.4]",
    "[::1",
    "::1]",
    "[::1]x",
    "[::g]",
    "[fe80::1%eth0]",
    "example.com",
    "unix:",
    '"1.2.3.4"',
    "1.2.3.4 5",
]


@pytest.mark.parametrize("text", NOBODY)
def test_a_node_without_an_address_is_nobody(text: str) -> None:
    assert parse_node(text) is None
    assert parse_hop(text) is None


def test_only_the_list_of_addresses_has_ipv6_without_brackets() -> None:
    assert parse_hop("2001:db8::1") == ipaddress.ip_address("2001:db8::1")
    assert parse_node("2001:db8::1") is None
    assert parse_hop("fe80::1%eth0") is None


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("https", "https"),
        ("HTTP", "http"),
        ("wss", "https"),
        ("ws", "http"),
        ("", None),
        ("ftp", None),
        ("https,", None),
    ],
)
def test_a_scheme_is_one_of_two(text: str, scheme: str | None) -> None:
    assert parse_scheme(text) == scheme


@pytest.mark.parametrize(
    ("values", "client"),
    [
        pytest.param([], "10.0.0.1", id="no header: the proxy itself"),
        pytest.param(["for=192.0.2.1"], "192.0.2.1", id="one"),
        pytest.param(["for=6.6.6.6, for=192.0.2.1"], "192.0.2.1", id="what the client has sent is not believed"),
        pytest.param(["for=6.6.6.6", "for=192.0.2.1"], "192.0.2.1", id="several fields"),
        pytest.param(["for=192.0.2.1, for=10.9.9.9"], "192.0.2.1", id="past a trusted proxy"),
        pytest.param(["for=6.6.6.6, for=192.0.2.1", 'for="[fd00::1]:80"'], "192.0.2.1", id="past IPv6, over fields"),
        pytest.param(["for=10.2.2.2, for=10.9.9.9"], "10.2.2.2", id="all trusted"),
        pytest.param(['for="[2001:db8::1]:4711";proto=https'], "2001:db8::1", id="IPv6 with a port"),
        pytest.param(['for="[::ffff:192.0.2.1]"'], "192.0.2.1", id="a mapped address"),
        pytest.param(['for="[::ffff:10.0.0.5]"', "for=10.0.0.6"], "10.0.0.5", id="a mapped proxy is trusted"),
        pytest.param(["for=10.2.2.2, for=unknown"], None, id="unknown"),
        pytest.param(["for=10.2.2.2, for=_hidden"], None, id="obfuscated"),
        pytest.param(["for=192.0.2.1, proto=https"], None, id="without for"),
        pytest.param(["for=192.0.2.1, garbage"], None, id="garbage"),
        pytest.param(["for=192.0.2.1, garbage, for=10.2.2.2"], None, id="garbage beyond a trusted proxy"),
        pytest.param(["for=192.0.2.1, "], None, id="an empty element"),
        pytest.param(["for=192.0.2.1", ""], None, id="an empty field"),
        pytest.param(["for=192.0.2.1;for=10.2.2.2"], None, id="twice for"),
        pytest.param(['for="', "for=192.0.2.1"], "192.0.2.1", id="an open quote, another field"),
        pytest.param(['for=", for=192.0.2.1'], "192.0.2.1", id="an open quote of the client"),
        pytest.param(['for=6.6.6.6;x=", for="[2001:db8::1]"'], "2001:db8::1", id="a quote that would swallow"),
        pytest.param(['for=6.6.6.6;x="\\, for="[2001:db8::1]"'], "2001:db8::1", id="a quote that would escape"),
    ],
)
def test_the_client_is_the_right_most_that_is_no_trusted_proxy(values: list[str], client: str | None) -> None:
    found = read_client(headers("Forwarded", *values), PROXY, TRUSTED, FORWARDED)
    assert found.address == (client and ipaddress.ip_address(client))


@pytest.mark.parametrize(
    ("values", "client"),
    [
        pytest.param([], "10.0.0.1", id="no header"),
        pytest.param(["192.0.2.1"], "192.0.2.1", id="one"),
        pytest.param(["6.6.6.6, 192.0.2.1"], "192.0.2.1", id="the right-most"),
        pytest.param(["6.6.6.6, 192.0.2.1:1234 ,10.3.3.3", "10.9.9.9"], "192.0.2.1", id="past proxies, over fields"),
        pytest.param(["2001:db8::1"], "2001:db8::1", id="IPv6"),
        pytest.param(["[2001:db8::1]:80"], "2001:db8::1", id="IPv6 in brackets"),
        pytest.param(["192.0.2.1, unknown"], None, id="unknown"),
        pytest.param(["10.1.1.1, unix:"], None, id="unix"),
        pytest.param(["192.0.2.1, nonsense, 10.1.1.1"], None, id="never past garbage"),
        pytest.param(["192.0.2.1,"], None, id="empty"),
        pytest.param([""], None, id="nothing"),
        pytest.param(['"6.6.6.6, 192.0.2.1'], "192.0.2.1", id="an open quote"),
    ],
)
def test_the_same_holds_for_a_list_of_addresses(values: list[str], client: str | None) -> None:
    found = read_client(headers("x-forwarded-for", *values), PROXY, TRUSTED, LISTED)
    assert found.address == (client and ipaddress.ip_address(client))


@pytest.mark.parametrize(
    ("peer", "client"),
    [(ipaddress.ip_address("192.0.2.9"), ipaddress.ip_address("192.0.2.9")), (UNIX, None), (None, None)],
    ids=["an address", "unix", "not known"],
)
def test_a_peer_that_is_not_trusted_is_not_listened_to(peer: Any, client: Any) -> None:
    said = headers(
        "Forwarded", "for=10.2.2.2;proto=https;host=a", X_Forwarded_For="10.2.2.2", X_Forwarded_Proto="https"
    )
    for names in (FORWARDED, LISTED):
        assert read_client(said, peer, TRUSTED, names) == Hop(client)


def test_a_trusted_unix_socket_has_no_address_of_its_own() -> None:
    trusted = parse_proxies(["unix"], "test()")
    assert read_client(headers("Forwarded"), UNIX, trusted, FORWARDED) == Hop()
    assert read_client(headers("Forwarded", "for=192.0.2.1"), UNIX, trusted, FORWARDED).address is not None


def test_scheme_and_host_are_those_of_the_element_with_the_client() -> None:
    said = headers(
        "Forwarded", 'for=192.0.2.1;proto=HTTPS;host="Example.com:8443", for=10.2.2.2;proto=http;host=inner'
    )
    assert read_client(said, PROXY, TRUSTED, FORWARDED)[1:] == ("https", "example.com:8443")
    assert read_scheme(said, TRUSTED, FORWARDED) == "https"
    assert read_scheme(headers("Forwarded"), TRUSTED, FORWARDED) is None


def test_what_an_unknown_client_has_asked_for_is_what_the_proxy_says() -> None:
    assert read_client(headers("Forwarded", "for=unknown;proto=https"), PROXY, TRUSTED, FORWARDED) == Hop(
        scheme="https"
    )


def test_of_the_other_headers_the_right_most_word_counts() -> None:
    said = headers(
        "X-Forwarded-For", "192.0.2.1", X_Forwarded_Proto="https, http", X_Forwarded_Host="evil, example.com"
    )
    assert read_client(said, PROXY, TRUSTED, LISTED)[1:] == ("http", "example.com")
    assert read_client(said, PROXY, TRUSTED, HeaderNames("X-Forwarded-For"))[1:] == (None, None)
    assert read_scheme(said, TRUSTED, HeaderNames("X-Forwarded-For", "X-Forwarded-Proto")) == "http"


def test_a_malformed_host_or_scheme_is_none() -> None:
    said = headers("X-Forwarded-For", "192.0.2.1", X_Forwarded_Proto="javascript", X_Forwarded_Host="a/b")
    assert read_client(said, PROXY, TRUSTED, LISTED)[1:] == (None, None)
    said = headers("Forwarded", 'for=192.0.2.1;proto=javascript;host="a/b"')
    assert read_client(said, PROXY, TRUSTED, FORWARDED)[1:] == (None, None)


@pytest.mark.parametrize("header", ["", "a b", "a:", "\u00e9", None, 5], ids=repr)
def test_what_is_no_header_is_refused(header: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"test\(\): header=.*; write the name of a header"):
        check_header(header, "test()", "header")


@given(TEXTS, st.ip_addresses())
def test_nothing_that_a_client_sends_changes_what_a_proxy_has_written_behind_it(text: str, address: Any) -> None:
    node = f"[{address}]" if address.version == 6 else str(address)
    for said, names in (
        (headers("Forwarded", f'{text}, for="{node}"'), FORWARDED),
        (headers("Forwarded", text, f'for="{node}"'), FORWARDED),
        (headers("X-Forwarded-For", f"{text}, {address}"), LISTED),
    ):
        if address in TRUSTED:
            continue
        assert read_client(said, PROXY, TRUSTED, names).address == getattr(address, "ipv4_mapped", None) or address


@given(TEXTS, TEXTS)
def test_reading_never_fails_and_finds_addresses_only(one: str, other: str) -> None:
    for names in (FORWARDED, LISTED):
        address = read_client(headers(names.header, one, other), PROXY, TRUSTED, names).address
        assert address is None or isinstance(address, (ipaddress.IPv4Address, ipaddress.IPv6Address))


@given(st.lists(st.text(alphabet='ab\\" ,;=', max_size=8), min_size=1, max_size=4))
def test_quoted_values_are_read_as_they_were_written(values: list[str]) -> None:
    def quote(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    elements = [f"x={quote(value)}" for value in values]
    read = [parse_element(text) for text in split_from_right(", ".join(elements))]
    assert read == [{"x": value} for value in reversed(values)]


@given(st.text(), st.text())
def test_parsers_take_any_text(one: str, other: str) -> None:
    list(split_from_right(one))
    parse_element(f"{one}={other}")
    assert parse_node(one) == parse_hop(one) or one.count(":") > 1
