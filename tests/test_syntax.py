"""What the grammar of HTTP allows."""

import string

from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.syntax import is_token

TCHAR = set(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~")  # RFC 9110, section 5.6.2


@given(st.text() | st.text(sorted(TCHAR)))
def test_a_token_is_one_or_more_of_the_characters_that_rfc_9110_lists(text: str) -> None:
    assert is_token(text) is (text != "" and set(text) <= TCHAR)
