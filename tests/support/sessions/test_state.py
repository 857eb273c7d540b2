"""What a keeper knows of a session: its text, its token, and whether there is anything to save."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import RouteMiddlewareError, SessionError
from aiohttp_route_middleware.support.sessions.state import EMPTY, SessionState, dump

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(), inside, max_size=4),
    max_leaves=10,
)


def test_a_new_session_is_empty_and_unread() -> None:
    state = SessionState()
    assert state.is_new
    assert not state.has_changed()
    assert [state.was_read, state.data, state.was_read] == [False, {}, True]
    assert not state.has_changed()


@given(data=st.dictionaries(st.text(), JSON, max_size=4))
def test_what_was_kept_counts_as_unchanged_when_it_is_read_again(data: dict[str, Any]) -> None:
    text = dump(data)
    state = SessionState(text, token="t")
    assert state.data == data
    assert not state.has_changed()
    assert state.serialise() == text


@given(data=st.dictionaries(st.text(), JSON, min_size=1, max_size=4), value=JSON)
def test_any_other_text_counts_as_changed(data: dict[str, Any], value: Any) -> None:
    state = SessionState(dump(data), token="t")
    key = next(iter(data))
    state.data[key] = value
    assert state.has_changed() == (dump(data) != dump({**data, key: value}))


def test_a_change_inside_a_nested_value_is_noticed() -> None:
    state = SessionState('{"cart":{"items":[1]}}', token="t")
    state.data["cart"]["items"].append(2)
    assert state.has_changed()
    state.data["cart"]["items"].pop()
    assert not state.has_changed()


def loop() -> list[Any]:
    inside: list[Any] = []
    inside.append(inside)
    return inside


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param(datetime(2025, 1, 1), "datetime", id="a date"),
        pytest.param({1, 2}, "set", id="a set"),
        pytest.param(b"bytes", "bytes", id="bytes"),
        pytest.param(float("nan"), "float", id="not a number"),
        pytest.param(float("inf"), "float", id="infinity"),
        pytest.param([{"deep": object()}], "list", id="inside of others"),
        pytest.param({(1, 2): 3}, "dict", id="a key that is none"),
        pytest.param(loop(), "list", id="itself"),
    ],
)
def test_what_is_not_json_is_told_by_its_key(value: Any, kind: str) -> None:
    state = SessionState('{"fine":1}', token="t")
    state.data["culprit"] = value
    with pytest.raises(SessionError, match=rf"^session\['culprit'\] is not JSON: it holds {kind}, .*; keep texts"):
        state.serialise()
    assert state.has_changed()
    assert issubclass(SessionError, RouteMiddlewareError)


def test_tokens_are_random_and_stay_until_rotated() -> None:
    state = SessionState()
    before = state.token
    assert state.token == before
    assert before != SessionState().token
    assert len(before) * 6 >= 256
    state.rotate()
    assert state.token != before


def test_rotating_keeps_what_it_holds_and_when_it_began() -> None:
    state = SessionState('{"a":1}', token="t", created=10, now=20)
    state.rotate()
    assert state.has_changed()
    assert (state.data, state.created, state.is_new, state.former) == ({"a": 1}, 10, False, "t")


def test_invalidating_forgets_everything_and_begins_anew() -> None:
    state = SessionState('{"a":1}', token="t", created=10, now=20)
    state.invalidate()
    assert state.has_changed()
    assert (state.data, state.created, state.is_new, state.former) == ({}, 20, True, "t")


def test_what_is_attached_makes_no_session_alone() -> None:
    state = SessionState()
    state.attach("pin", 1)
    assert state.serialise() == EMPTY
    assert state.data == {}
    assert not state.has_changed()
    state.data["a"] = 1
    assert json.loads(state.serialise()) == {"a": 1, "pin": 1}


def test_what_is_attached_outlives_what_is_invalidated() -> None:
    state = SessionState('{"a":1}', token="t")
    state.attach("pin", 1)
    state.attach("more", 2)
    state.invalidate()
    state.data["b"] = 2
    assert json.loads(state.serialise()) == {"b": 2, "pin": 1, "more": 2}


def test_what_was_saved_is_not_saved_again_and_its_cookie_stays_to_be_set() -> None:
    state = SessionState(now=20)
    state.data["a"] = 1
    token = state.token
    state.mark_saved(state.serialise(), set_cookie="s=v")
    assert not state.has_changed()
    assert (state.former, state.token, state.written) == (token, token, 20)
    state.mark_saved(state.serialise())
    assert state.set_cookie == "s=v"


def test_what_was_emptied_has_no_token_that_anybody_knows() -> None:
    state = SessionState('{"a":1}', token="t")
    state.invalidate()
    state.mark_saved(EMPTY)
    assert state.former == ""
    assert state.token != "t"


def test_a_session_without_a_token_can_have_been_kept() -> None:
    assert not SessionState('{"a":1}', is_new=False).is_new
