"""What the grammar of HTTP allows."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.syntax import is_field_value, is_token, quote, unquote

TCHAR = set(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~")  # RFC 9110, section 5.6.2


@given(st.text() | st.text(sorted(TCHAR)))
def test_a_token_is_one_or_more_of_the_characters_that_rfc_9110_lists(text: str) -> None:
    assert is_token(text) is (text != "" and set(text) <= TCHAR)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [("", '""'), ("api", '"api"'), ('the "api"', r'"the \"api\""'), ("a\\b", r'"a\\b"'), ('\\"', r'"\\\""')],
    ids=["empty", "word", "quotes", "backslash", "both"],
)
def test_a_text_is_quoted_and_read_again(text: str, quoted: str) -> None:
    assert quote(text) == quoted
    assert unquote(quoted) == text


@pytest.mark.parametrize(("quoted", "text"), [(r'"\a\\b"', r"a\b"), ('"\\\n"', "\n")], ids=["letters", "a line break"])
def test_a_backslash_stands_before_what_is_meant(quoted: str, text: str) -> None:
    assert unquote(quoted) == text


@given(st.text())
def test_what_is_quoted_is_read_as_it_was(text: str) -> None:
    assert unquote(quote(text)) == text
    assert '"' not in quote(text)[1:-1].replace(r"\\", "").replace(r"\"", "")  # nothing ends it before its end


@given(st.text() | st.text("ab\t \x00\n\r\x7f\ud800\u00e9"))
def test_a_field_value_has_no_controls_but_tabs_and_can_be_encoded(text: str) -> None:
    is_encodable = not any(0xD800 <= ord(letter) <= 0xDFFF for letter in text)
    has_controls = any(letter != "\t" and (ord(letter) < 0x20 or ord(letter) == 0x7F) for letter in text)
    assert is_field_value(text) is (is_encodable and not has_controls)
