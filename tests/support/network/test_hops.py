"""What proxies have written is read from the right, whole or not at all."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.support.network.hops import (
    elements_from_right,
    parse_element,
    parse_hop,
    parse_node,
    parse_scheme,
    read_last,
    split_from_right,
)


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


def test_the_fields_of_one_name_are_read_from_the_last_one_on() -> None:
    fields = ["a, b", 'c="x, y"', "", "d"]
    assert list(elements_from_right(fields)) == ["d", "", 'c="x, y"', "b", "a"]
    assert read_last(fields) == "d"
    assert read_last(fields[:1]) == "b"
    assert read_last([]) == ""
