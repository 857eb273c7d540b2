"""What proxies have written is read from the right, and nothing beyond garbage is believed."""

import ipaddress
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from aiohttp_route_middleware.support.network.addresses import UNIX
from aiohttp_route_middleware.support.network.forwarded import (
    FORWARDED_HOST,
    FORWARDED_SCHEME,
    find_public_host,
    is_https,
    read_client,
    read_forwarded_scheme,
    read_found_scheme,
    read_scheme,
    set_forwarded_scheme,
)
from aiohttp_route_middleware.support.network.hops import Hop
from aiohttp_route_middleware.support.network.networks import read_proxies
from aiohttp_route_middleware.support.network.proxy_headers import (
    HeaderNames,
    read_header_names,
    read_scheme_header_name,
)

USER = web.RequestKey("USER", str)
TRUSTED = read_proxies("test()", ["10.0.0.0/8", "fd00::/8"])
PROXY = ipaddress.ip_address("10.0.0.1")
FORWARDED = read_header_names("test()", "forwarded", None, None)
LISTED = HeaderNames("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host")
TEXTS = st.text(alphabet='for=;,"\\ [:]1.a_-%\t', max_size=60)


def headers(name: str, *values: str, **others: str) -> CIMultiDictProxy[str]:
    pairs = [(name, value) for value in values] + [(key.replace("_", "-"), value) for key, value in others.items()]
    return CIMultiDictProxy(CIMultiDict(pairs))


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
        pytest.param(["10.2.2.2, 10.9.9.9"], "10.2.2.2", id="all trusted"),
        pytest.param(["10.9.9.9"], "10.9.9.9", id="one, and trusted"),
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
    trusted = read_proxies("test()", ["unix"])
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
    assert read_scheme(said, TRUSTED, read_scheme_header_name("test()", "header", "x-forwarded-proto")) == "http"


def test_a_malformed_host_or_scheme_is_none() -> None:
    said = headers("X-Forwarded-For", "192.0.2.1", X_Forwarded_Proto="javascript", X_Forwarded_Host="a/b")
    assert read_client(said, PROXY, TRUSTED, LISTED)[1:] == (None, None)
    said = headers("Forwarded", 'for=192.0.2.1;proto=javascript;host="a/b"')
    assert read_client(said, PROXY, TRUSTED, FORWARDED)[1:] == (None, None)


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


@pytest.mark.parametrize(("told", "is_secure"), [("https", True), ("http", False), (None, False)], ids=str)
@pytest.mark.parametrize("others", [{}, {USER: "alice"}], ids=["nothing set", "something set"])
def test_the_scheme_that_was_found_out_counts(told: Any, is_secure: bool, others: Any) -> None:
    request = make_mocked_request("GET", "/")
    request.update(others)
    if told:
        request[FORWARDED_SCHEME] = told
    assert read_forwarded_scheme(request) == told
    assert is_https(request) is is_secure


@pytest.mark.parametrize("scheme", ["https", "http", None], ids=str)
def test_a_scheme_that_was_set_on_a_clone_is_found_by_the_request_itself(scheme: str | None) -> None:
    request = make_mocked_request("GET", "/")
    assert read_found_scheme(request) is None
    set_forwarded_scheme(clone := request.clone(), scheme)
    assert (read_forwarded_scheme(clone), read_forwarded_scheme(request)) == (scheme, None)
    assert read_found_scheme(request) == scheme


@pytest.mark.parametrize(
    ("target", "hosts", "host"),
    [
        pytest.param("/", ["Shop.Example:8080"], "shop.example:8080", id="the header"),
        pytest.param("http://shop.example/x", ["other.example"], "shop.example", id="an absolute target wins"),
        pytest.param("http://shop.example:81", ["shop.example"], "shop.example:81", id="with its port"),
        pytest.param("http://shop.example/x", ["a/b"], None, id="malformed beside an absolute target"),
        pytest.param("http://user@shop.example/x", ["shop.example"], None, id="with a user"),
        pytest.param("/", ["a/b"], None, id="malformed"),
        pytest.param("/", [], None, id="none"),
        pytest.param("/", ["a", "b"], None, id="two"),
    ],
)
def test_the_public_host_is_whom_the_client_has_asked_for(target: str, hosts: list[str], host: str | None) -> None:
    sent = CIMultiDict([("Host", one) for one in hosts])
    assert find_public_host(make_mocked_request("GET", target, sent)) == host


@pytest.mark.parametrize(("found", "host"), [("www.example", "www.example"), (None, "shop.example")])
def test_what_a_trusted_proxy_has_said_is_the_public_host(found: str | None, host: str) -> None:
    request = make_mocked_request("GET", "http://shop.example/", CIMultiDict(Host="other.example"))
    request[FORWARDED_HOST] = found
    assert find_public_host(request) == host
