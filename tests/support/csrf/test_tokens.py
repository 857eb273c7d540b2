"""Tokens belong to one id, one session and one key, and never look the same twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.support.csrf.tokens import is_id, is_valid, make_id, make_token

KEY, OTHER = b"k" * 32, b"o" * 32
ID = make_id()


@pytest.mark.parametrize("session", [None, b"", b"session", b"\0\xff"])
def test_a_token_is_valid_for_what_it_was_made_for(session: bytes | None) -> None:
    assert is_valid(make_token(KEY, ID, session), [KEY], ID, session)


@pytest.mark.parametrize(
    ("keys", "identifier", "session"),
    [
        pytest.param([OTHER], ID, b"session", id="key"),
        pytest.param([], ID, b"session", id="no key"),
        pytest.param([KEY], make_id(), b"session", id="id"),
        pytest.param([KEY], ID, b"another", id="session"),
        pytest.param([KEY], ID, b"", id="empty session"),
        pytest.param([KEY], ID, None, id="no session"),
    ],
)
def test_a_token_is_worth_nothing_for_another(keys: list[bytes], identifier: str, session: bytes | None) -> None:
    assert not is_valid(make_token(KEY, ID, b"session"), keys, identifier, session)


def test_no_session_is_not_an_empty_one() -> None:
    assert not is_valid(make_token(KEY, ID, None), [KEY], ID, b"")


def test_a_token_made_with_any_of_the_keys_is_valid() -> None:
    assert is_valid(make_token(OTHER, ID, None), [KEY, OTHER], ID, None)


def test_a_token_is_masked_afresh_each_time() -> None:
    tokens = [make_token(KEY, ID, None) for _ in range(200)]
    assert len(set(tokens)) == 200
    assert all(len({token[place] for token in tokens}) > 10 for place in range(85))  # the last holds two bits


def test_ids_have_128_bits_and_are_known_by_their_looks() -> None:
    assert len({make_id() for _ in range(200)}) == 200
    assert is_id(make_id())
    assert not any(map(is_id, ("", ID[:-1], f"{ID}A", f"{ID}\n", "ü" * 22, "+" * 22)))


@given(st.text() | st.text("ABCDEFabcdef0123456789-_", min_size=86, max_size=86) | st.binary(min_size=64).map(repr))
def test_no_text_is_valid_or_makes_it_fail(token: str) -> None:
    assert not is_valid(token, [KEY], ID, None)


@given(st.integers(0, 85), st.sampled_from("ABYZabyz0189-_+/=é\n "))
def test_a_token_that_was_changed_is_not_valid(place: int, letter: str) -> None:
    token = make_token(KEY, ID, None)
    changed = token[:place] + letter + token[place + 1 :]
    # the last letter carries two bits of the HMAC, the others are not looked at
    assert changed == token or place == 85 or not is_valid(changed, [KEY], ID, None)


@pytest.mark.parametrize("size", [0, 1, 43, 85, 87, 88, 1_000_000])
def test_a_token_of_another_length_is_not_valid(size: int) -> None:
    assert not is_valid((make_token(KEY, ID, None) * (size // 86 + 1))[:size], [KEY], ID, None)
