"""Header fields, as ASGI and as aiohttp has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiohttp_route_middleware.support.asgi.messages import read_fields, write_fields

VALUES = st.text(st.characters(min_codepoint=33, exclude_characters="\x7f", exclude_categories=["Cs"]))
NAMES = st.from_regex(r"[a-z0-9!#$%&'*+.^_`|~-]{1,20}", fullmatch=True).filter(
    lambda name: name != "transfer-encoding"
)


@given(st.lists(st.tuples(NAMES, VALUES)))
def test_fields_stay_what_they_are_there_and_back(fields: list[tuple[str, str]]) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in fields]
    assert write_fields(read_fields(encoded)) == encoded


@given(st.lists(st.tuples(st.binary(), st.binary()), max_size=4))
def test_whatever_is_read_is_something_that_http_allows(fields: list[tuple[bytes, bytes]]) -> None:
    try:
        read = read_fields(fields)
    except ValueError:
        return
    assert not {"\r", "\n", "\0"} & set("".join(f"{name}{value}" for name, value in read.items()))


def test_several_fields_of_one_name_stay_apart_in_their_order() -> None:
    read = read_fields([(b"set-cookie", b"a=1"), (b"vary", b"x"), (b"Set-Cookie", b"b=2")])
    assert read.getall("Set-Cookie") == ["a=1", "b=2"]
    assert write_fields(read) == [(b"set-cookie", b"a=1"), (b"vary", b"x"), (b"set-cookie", b"b=2")]


@pytest.mark.parametrize(
    ("value", "read"),
    [
        pytest.param("é".encode(), "é", id="UTF-8"),
        pytest.param("é".encode("latin-1"), "é", id="Latin-1"),
        pytest.param(b" padded\t", "padded", id="space around it"),
    ],
)
def test_a_value_is_text_in_utf8_or_else_latin_1(value: bytes, read: str) -> None:
    assert read_fields([(b"x", value)]) == CIMultiDict({"x": read})


def test_transfer_encoding_is_left_to_the_server() -> None:
    assert not read_fields([(b"Transfer-Encoding", b"chunked")])


@pytest.mark.parametrize("field", [(b"x", b"a\r\nb: c"), (b"x", b"\0"), (b"x y", b""), (b"", b""), (b"x:", b"a")])
def test_what_http_does_not_allow_is_refused_without_its_value(field: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError, match=r"HTTP does not allow the header '[^']*', or its value$"):
        read_fields([field])
