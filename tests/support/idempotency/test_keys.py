"""Which keys are read from `Idempotency-Key`, quoted and bare; http_sf says what a structured field is."""

from typing import Any

import http_sf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.support.idempotency.keys import LONGEST_KEY, read_idempotency_key

ASCII = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
UUID = "8e03978e-40d5-43e8-bc93-6894a57f9324"  # the example of the draft


@pytest.mark.parametrize(
    ("field", "key"),
    [
        pytest.param(f'"{UUID}"', UUID, id="the example of the draft"),
        pytest.param(UUID, UUID, id="bare"),
        pytest.param(f' "{UUID}" ', UUID, id="blanks around"),
        pytest.param(r'"a\"b\\c"', r'a"b\c', id="escaped"),
        pytest.param('"a b, c; d"', "a b, c; d", id="what only a string may hold"),
        pytest.param('"a";v=1;n="x";t=tok;b=?1;alone', "a", id="parameters mean nothing"),
        pytest.param("order:17/a+b==", "order:17/a+b==", id="bare with what base64 has"),
        pytest.param('"' + "x" * 255 + '"', "x" * 255, id="the longest"),
        pytest.param("x" * 255, "x" * 255, id="the longest, bare"),
        pytest.param("x" * 256, None, id="one too long, bare"),
        pytest.param('"' + "x" * 256 + '"', None, id="one too long"),
        pytest.param("", None, id="nothing"),
        pytest.param('""', None, id="an empty string"),
        pytest.param('"a', None, id="not closed"),
        pytest.param('a"', None, id="not opened"),
        pytest.param(r'"\a"', None, id="an escape that is none"),
        pytest.param('"a" "b"', None, id="two strings"),
        pytest.param('"a", "b"', None, id="two fields in one"),
        pytest.param("a, b", None, id="two fields in one, bare"),
        pytest.param("a,b", None, id="a comma, bare"),
        pytest.param("a b", None, id="a blank, bare"),
        pytest.param("a;b=c", None, id="parameters, bare"),
        pytest.param('"ä"', None, id="not ASCII"),
        pytest.param("\udcff", None, id="not UTF-8"),
        pytest.param('"a\tb"', None, id="a tab"),
    ],
)
def test_a_key_is_read_unquoted_or_not_at_all(field: str, key: str | None) -> None:
    assert read_idempotency_key([field], is_bare_allowed=True) == key


def test_a_bare_key_is_none_unless_it_is_allowed() -> None:
    assert read_idempotency_key([UUID], is_bare_allowed=False) is None
    assert read_idempotency_key([f'"{UUID}"'], is_bare_allowed=False) == UUID


@pytest.mark.parametrize("fields", [[], ["a", "a"]], ids=["none", "two"])
def test_there_is_one_key_in_a_request(fields: list[str]) -> None:
    assert read_idempotency_key(fields, is_bare_allowed=True) is None


@given(ASCII)
def test_what_is_written_as_a_structured_field_is_read_back(text: str) -> None:
    key = read_idempotency_key([http_sf.ser(text)], is_bare_allowed=False)
    assert key == (text if 0 < len(text) <= LONGEST_KEY else None)


@given(ASCII.map(lambda text: f'"{text}'))
def test_a_key_in_quotes_is_a_string_of_a_structured_field(field: str) -> None:
    key = read_idempotency_key([field], is_bare_allowed=True)
    if key is not None:
        item: Any = http_sf.parse(field.encode(), tltype="item")
        assert item[0] == key


@given(st.text())
def test_whatever_is_sent_makes_a_short_key_of_ascii_or_none(field: str) -> None:
    key = read_idempotency_key([field], is_bare_allowed=True)
    assert key is None or (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable())
