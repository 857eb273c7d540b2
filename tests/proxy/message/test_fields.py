"""What speaks of one connection goes no further; all else does, as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiohttp_route_middleware.proxy.message.fields import drop_connection_fields

Fields = list[tuple[str, str]]
FIXED = ["Connection", "Proxy-Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade"]
FIXED += ["HTTP2-Settings", "Proxy-Authorization", "Proxy-Authenticate", "Proxy-Authentication-Info"]


def kept(*fields: tuple[str, str]) -> Fields:
    headers = CIMultiDict(fields)
    drop_connection_fields(headers)
    return list(headers.items())


@pytest.mark.parametrize("name", FIXED)
def test_a_field_of_the_connection_is_dropped_from_each_line_in_any_case(name: str) -> None:
    assert kept((name, "x"), ("A", "1"), (name.lower(), "y"), (name.upper(), "z")) == [("A", "1")]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["close, X-One, x-two"], id="one line"),
        pytest.param(["X-ONE", "x-Two"], id="two lines"),
        pytest.param([",,x-one\t ,\tX-Two ,"], id="white space and empty elements"),
        pytest.param(["x one, @, x-one:, x-one, x-one, x-two"], id="malformed names name nothing"),
    ],
)
def test_what_connection_names_is_dropped(lines: list[str]) -> None:
    fields = [("Connection", line) for line in lines]
    assert kept(("X-One", "1"), *fields, ("X-Two", "2"), ("x-one", "3"), ("X-Three", "4")) == [("X-Three", "4")]


def test_a_malformed_name_names_no_field() -> None:
    fields = [("Cookie", "a"), ("X-One", "1")]
    assert kept(("Connection", "coo\u212aie, x-one x-one, x-one;q=1, 'x-one'"), *fields) == fields


@pytest.mark.parametrize("value", ["close", "keep-alive", "Keep-Alive", "Close", "", ",", "upgrade"])
def test_a_connection_that_names_no_field_drops_nothing_else(value: str) -> None:
    assert kept(("A", "1"), ("Connection", value)) == [("A", "1")]


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "X-Forwarded-For", "Set-Cookie"])
def test_a_sender_may_drop_fields_of_their_own(name: str) -> None:
    assert kept((name, "x"), ("Connection", f"close, {name}")) == []


def test_neither_host_nor_length_can_be_dropped() -> None:
    fields = [("Host", "a"), ("Content-Length", "5")]
    assert kept(*fields, ("Connection", "content-length, HOST, Content-Length")) == fields


def test_what_remains_keeps_order_duplicates_and_case() -> None:
    fields = [("sEt-Cookie", "a=1"), ("X-B", "2"), ("Set-Cookie", "b=2"), ("x-b", "1"), ("Set-Cookie", "a=1")]
    assert kept(fields[0], ("TE", "trailers"), *fields[1:3], ("Connection", "x-c"), ("X-C", ""), *fields[3:]) == fields


def test_without_any_of_them_nothing_changes() -> None:
    assert kept(("A", "1")) == [("A", "1")]


NAMES = st.sampled_from(["Host", "content-length", "X-A", "x-b", "Cookie", "Upgrade", "te"])


@given(st.lists(st.tuples(NAMES, st.just("1"))), st.lists(NAMES | st.text(max_size=5)))
def test_exactly_what_is_named_and_what_is_of_each_connection_goes(fields: Fields, named: list[str]) -> None:
    listed = {one.strip(" \t").lower() for text in named for one in text.split(",") if one.isascii()}
    gone = (listed - {"host", "content-length"}) | {"upgrade", "te"}
    remaining = [field for field in fields if field[0].lower() not in gone]
    assert kept(*fields, *(("Connection", text) for text in named)) == remaining
