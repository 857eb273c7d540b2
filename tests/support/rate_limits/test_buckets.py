"""A key stands for one caller in one bucket, and for no other."""

from hypothesis import assume, given
from hypothesis import strategies as st

from aiohttp_route_middleware.support.rate_limits.buckets import hash_key

BUCKETS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
CALLERS = st.text(st.characters(exclude_categories=()))  # lone surrogates, as headers may hold, among them


@given(BUCKETS, CALLERS, BUCKETS, CALLERS)
def test_keys_differ_where_buckets_or_callers_do(one: str, caller: str, other: str, second: str) -> None:
    assume((one, caller) != (other, second))
    assert hash_key(one, caller) != hash_key(other, second)


@given(BUCKETS, CALLERS)
def test_keys_are_short_and_plain(bucket: str, caller: str) -> None:
    key = hash_key(bucket, caller)
    assert len(key) == 40
    assert set(key) <= set("0123456789abcdef")
