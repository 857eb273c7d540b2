"""Origins are read as RFC 6454 says, and what is not exactly one is none."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.network.origins import NULL, Origin, is_host_of, parse_origin, read_origins


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("https://example.com", "https://example.com", id="default port"),
        pytest.param("https://example.com:443", "https://example.com", id="default port, written"),
        pytest.param("http://example.com:80", "http://example.com", id="default port of http"),
        pytest.param("http://example.com:443", "http://example.com:443", id="default port of another scheme"),
        pytest.param("https://example.com:08443", "https://example.com:8443", id="leading zero"),
        pytest.param("HTTPS://Example.COM", "https://example.com", id="case"),
        pytest.param("https://xn--bcher-kva.example", "https://xn--bcher-kva.example", id="punycode"),
        pytest.param("https://example.com.", "https://example.com.", id="trailing dot stays"),
        pytest.param("http://127.0.0.1:8080", "http://127.0.0.1:8080", id="IPv4"),
        pytest.param("http://[::1]:8080", "http://[::1]:8080", id="IPv6"),
        pytest.param("http://[0:0:0:0:0:0:0:1]", "http://[::1]", id="IPv6, long"),
        pytest.param("http://[2001:DB8::A]", "http://[2001:db8::a]", id="IPv6, case"),
        pytest.param("http://[::FFFF:192.0.2.1]", "http://[::ffff:c000:201]", id="IPv6, mapped"),
        pytest.param("chrome-extension://abcdefgh", "chrome-extension://abcdefgh", id="extension"),
        pytest.param("app://host:7", "app://host:7", id="unknown scheme with a port"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(text: str, written: str) -> None:
    origin = parse_origin(text)
    assert str(origin) == written
    assert parse_origin(written) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        NULL,
        "*",
        "example.com",
        "https:example.com",
        "https://",
        "https://:443",
        "file://",
        "https://example.com/",
        "https://example.com/path",
        "https://example.com?",
        "https://example.com#",
        "https://user@example.com",
        "https://example.com:",
        "https://example.com:x",
        "https://example.com:65536",
        "https://example.com:123456",
        "https://example.com:٣",
        "https://exa mple.com",
        "https://example.com https://other.example",
        "https://example.com, https://other.example",
        "https://example.com\n",
        " https://example.com",
        "https://bücher.example",
        "https://*.example.com",
        "http://[::1",
        "http://[::1]x",
        "http://[:::1]",
        "http://[1.2.3.4]",
        "http://[fe80::1%eth0]",
        "http://" + "a" * 600,
        "1http://example.com",
    ],
)
def test_what_is_not_exactly_one_origin_is_none(text: str) -> None:
    assert parse_origin(text) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("http://example.com", "https://example.com", id="scheme"),
        pytest.param("http://example.com", "http://www.example.com", id="host"),
        pytest.param("http://example.com", "http://example.com.", id="dot"),
        pytest.param("http://example.com", "http://example.com:8080", id="port"),
        pytest.param("http://example.com:443", "https://example.com", id="port of the other scheme"),
    ],
)
def test_origins_differ_by_scheme_host_or_port(one: str, other: str) -> None:
    assert parse_origin(one) != parse_origin(other)


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        pytest.param("https://example.com", "example.com", True, id="equal"),
        pytest.param("https://example.com", "EXAMPLE.com", True, id="case"),
        pytest.param("https://example.com", "example.com:443", True, id="default port"),
        pytest.param("https://example.com", "example.com:", True, id="empty port"),
        pytest.param("http://example.com", "example.com:443", False, id="port of the other scheme"),
        pytest.param("https://example.com:8443", "example.com:8443", True, id="port"),
        pytest.param("https://example.com:8443", "example.com", False, id="without the port"),
        pytest.param("http://[::1]:8080", "[0::1]:8080", True, id="IPv6"),
        pytest.param("https://example.com", "", False, id="no host"),
        pytest.param("https://example.com", "evil@example.com", False, id="user"),
        pytest.param("https://example.com", "example.com/", False, id="path"),
        pytest.param("https://example.com", "example.com.", False, id="dot"),
        pytest.param("https://example.com", "evil-example.com", False, id="suffix"),
    ],
)
def test_host_names_an_origin(origin: str, host: str, same: bool) -> None:
    parsed = parse_origin(origin)
    assert parsed is not None
    assert is_host_of(parsed, host) is same


@given(st.text())
def test_no_text_makes_the_parser_fail(text: str) -> None:
    for one in (text, f"http://{text}", f"http://[{text}]", f"http://a:{text}"):
        origin = parse_origin(one)
        assert origin is None or parse_origin(str(origin)) == origin


@given(st.ip_addresses(v=6), st.integers(0, 65535))
def test_each_ipv6_address_is_one_origin_however_it_is_written(address: Any, port: int) -> None:
    origin = parse_origin(f"http://[{address.exploded}]:{port}")
    assert origin is not None
    assert origin == parse_origin(f"http://[{address}]:{port}") == parse_origin(str(origin))


def test_origins_of_an_option_are_read() -> None:
    assert read_origins("x()", "origins", ["https://A.example:443"]) == {Origin("https", "a.example", 443)}


@pytest.mark.parametrize(
    ("origins", "message"),
    [
        ("https://a.example", "x(): origins='https://a.example'; pass a list: origins=['https://app.example']"),
        (7, "x(): origins=7; pass a list"),
        (["https://a.example/"], "x(): origins has 'https://a.example/', which is not an origin; leave out what"),
        (["https://a.example/path"], "x(): origins has 'https://a.example/path', which is not an origin; leave out"),
        (["https://a.example?q"], "x(): origins has 'https://a.example?q', which is not an origin; leave out"),
        (["https://a.example#f"], "x(): origins has 'https://a.example#f', which is not an origin; leave out"),
        (["a.example"], "x(): origins has 'a.example', which is not an origin; write scheme://host"),
        (["https://a.example "], "x(): origins has 'https://a.example ', which is not an origin; write scheme://host"),
        (["https://a.example:99999"], "x(): origins has 'https://a.example:99999', which is not an origin; write"),
        (["https://a.example,https://b.example"], "x(): origins has 'https://a.example,https://b.example', which is"),
        (["https://*.example"], "x(): origins has 'https://*.example', which is not an origin; list each of them"),
        (
            ["https://\u00e4.example"],
            "x(): origins has 'https://\u00e4.example', which is not an origin; write the name as",
        ),
        ([""], "x(): origins has '', which is not an origin; write scheme://host"),
        (
            ["wss://a.example"],
            "x(): origins has 'wss://a.example', which no page has as its origin; write that of the",
        ),
        (["null"], "x(): origins has 'null', which is not an origin"),
        ([b"https://a.example"], "x(): origins has b'https://a.example', which is not an origin"),
    ],
)
def test_origins_of_an_option_are_refused_with_the_cure(origins: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_origins("x()", "origins", origins)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("origin", "page"),
    [("ws://a.example", "http://a.example"), ("wss://a.example:8443", "https://a.example:8443")],
)
def test_who_names_the_socket_is_told_of_the_page(origin: str, page: str) -> None:
    with pytest.raises(ConfigurationError, match=f"write that of the page: {page}$"):
        read_origins("x()", "origins", [origin])
