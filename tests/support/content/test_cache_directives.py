"""`Cache-Control`, read, written and combined."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiohttp_route_middleware.support.content.cache_directives import (
    combine,
    is_restriction,
    read_directives,
    read_seconds,
    restrict,
    write_directives,
)

TOKENS = st.text("abcdefghij-", min_size=1)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        pytest.param([], {}, id="nothing"),
        pytest.param(["no-store"], {"no-store": None}, id="one"),
        pytest.param(["Max-Age=60 ,\tPUBLIC"], {"max-age": "60", "public": None}, id="case and blanks"),
        pytest.param(["max-age=60", "private"], {"max-age": "60", "private": None}, id="two fields"),
        pytest.param(["max-age=60, max-age=5"], {"max-age": "60"}, id="of two the first"),
        pytest.param(['private="set-cookie, a", x'], {"private": "set-cookie, a", "x": None}, id="a comma in quotes"),
        pytest.param(['x="a\\"b"'], {"x": 'a"b'}, id="an escaped quote"),
        pytest.param(['x="open, no-store'], {"no-store": None}, id="a quote that is never closed"),
        pytest.param(["=60, no-store"], {"no-store": None}, id="no name"),
        pytest.param(["max age, no-store"], {"no-store": None}, id="no token"),
        pytest.param([", ,no-store,"], {"no-store": None}, id="empty members"),
    ],
)
def test_directives_are_read(fields: list[str], found: dict[str, str | None]) -> None:
    assert read_directives(fields) == found


@pytest.mark.parametrize(
    ("field", "seconds"),
    [
        ("public", None),
        ("max-age=0", 0),
        ('max-age="60"', 60),
        ("max-age=99999999999999999999", 2**31),
        ("max-age=4294967296", 2**31),
        ("max-age", 0),
        ("max-age=-1", 0),
        ("max-age=1.5", 0),
    ],
)
def test_seconds_that_cannot_be_read_are_none_left(field: str, seconds: int | None) -> None:
    assert read_seconds(read_directives([field]), "max-age") == seconds


def test_digits_of_other_scripts_are_none() -> None:
    assert read_seconds({"max-age": "\u0663"}, "max-age") == 0


@given(st.dictionaries(TOKENS, st.none() | st.text("ab\\\"', ")))
def test_what_is_written_is_read_again(directives: dict[str, str | None]) -> None:
    assert read_directives([write_directives(directives)]) == directives


@given(st.text('a=", \\'))
def test_any_text_is_read_without_an_error(text: str) -> None:
    read_directives([text])


@pytest.mark.parametrize(
    ("there", "added", "both"),
    [
        pytest.param("private", "public, max-age=60", "private, max-age=60", id="private stays"),
        pytest.param("private", "s-maxage=60, max-age=5, proxy-revalidate", "private, max-age=5", id="for no cache"),
        pytest.param("no-store", "public, max-age=60", "no-store", id="not to be stored stays so"),
        pytest.param("private", "no-store", "private, no-store", id="restrictions add up"),
        pytest.param("no-store, no-transform", "private", "private, no-store, no-transform", id="three of them"),
        pytest.param("no-cache", "max-age=60, immutable, stale-if-error=5", "no-cache, max-age=60", id="asked always"),
        pytest.param(
            "must-revalidate", "max-age=6, stale-while-revalidate=5", "must-revalidate, max-age=6", id="must"
        ),
        pytest.param("max-age=5", "max-age=60, public", "max-age=5, public", id="what was there first"),
        pytest.param("", "max-age=60", "max-age=60", id="nothing there"),
    ],
)
def test_restrictions_add_up(there: str, added: str, both: str) -> None:
    assert write_directives(combine(read_directives([there]), read_directives([added]))) == both


def test_freshness_is_no_restriction() -> None:
    assert is_restriction({})
    assert is_restriction({"private": None, "no-transform": None})
    assert not is_restriction({"private": None, "max-age": "5"})


def test_a_restriction_is_added_to_whatever_is_there() -> None:
    headers = CIMultiDict({"Cache-Control": "public, max-age=60"})
    restrict(headers, "private")
    assert headers["Cache-Control"] == "private, max-age=60"
    restrict(headers, "no-store")
    assert headers["Cache-Control"] == "private, no-store"
    restrict(headers, "no-cache")
    assert headers["Cache-Control"] == "private, no-store"  # nothing restricts more


def test_a_restriction_stands_alone_where_nothing_is_said() -> None:
    headers: CIMultiDict[str] = CIMultiDict()
    restrict(headers, "private")
    assert headers["Cache-Control"] == "private"
