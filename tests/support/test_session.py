"""What a session is as an object: a mapping of JSON, which knows what has changed."""

import json
import logging
from datetime import datetime
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError, RouteMiddlewareError, SessionError
from aiohttp_route_middleware.support.session import (
    EMPTY,
    SESSION,
    Session,
    dump,
    label_session,
    session_key,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(), inside, max_size=4),
    max_leaves=10,
)


def test_a_new_session_is_empty_and_unread() -> None:
    session = Session()
    assert session.is_new
    assert not session.has_changed()
    assert [session.was_read, dict(session), session.was_read] == [False, {}, True]
    assert not session.has_changed()


def test_it_is_a_mapping() -> None:
    session = Session('{"a":1,"b":2}', token="t")
    del session["a"]
    session.update(c=3)
    assert (len(session), list(session), "b" in session, session.pop("c")) == (2, ["b", "c"], True, 3)
    with pytest.raises(KeyError):
        session["a"]


@given(data=st.dictionaries(st.text(), JSON, max_size=4))
def test_what_was_kept_counts_as_unchanged_when_it_is_read_again(data: dict[str, Any]) -> None:
    text = dump(data)
    session = Session(text, token="t")
    assert dict(session) == data
    assert not session.has_changed()
    assert session.serialise() == text


@given(data=st.dictionaries(st.text(), JSON, min_size=1, max_size=4), value=JSON)
def test_any_other_text_counts_as_changed(data: dict[str, Any], value: Any) -> None:
    session = Session(dump(data), token="t")
    key = next(iter(data))
    session[key] = value
    assert session.has_changed() == (dump(data) != dump({**data, key: value}))


def test_a_change_inside_a_nested_value_is_noticed() -> None:
    session = Session('{"cart":{"items":[1]}}', token="t")
    session["cart"]["items"].append(2)
    assert session.has_changed()
    session["cart"]["items"].pop()
    assert not session.has_changed()


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
    session = Session('{"fine":1}', token="t")
    session["culprit"] = value
    with pytest.raises(SessionError, match=rf"^session\['culprit'\] is not JSON: it holds {kind}, .*; keep texts"):
        session.serialise()
    assert session.has_changed()
    assert issubclass(SessionError, RouteMiddlewareError)


@pytest.mark.parametrize("key", [1, None, ("a",), b"a"])
def test_keys_are_texts(key: Any) -> None:
    session = Session()
    with pytest.raises(TypeError, match="keys are texts; write session"):
        session[key] = 1
    assert not session.has_changed()


def test_neither_what_it_holds_nor_its_secret_is_shown() -> None:
    session = Session('{"password":"hidden"}', token="secret-token")
    assert "hidden" not in repr(session)
    assert "secret-token" not in repr(session)
    assert "secret-token" not in session.id
    assert not session.was_read
    assert repr(Session()) == "<Session new>"


def test_ids_are_random_and_stay_until_rotated() -> None:
    session = Session()
    assert session.id == session.id
    assert session.id != Session().id
    before, token = session.id, session.token
    assert len(token) * 6 >= 256
    session.rotate()
    assert session.id != before
    assert session.token != token


def test_rotating_keeps_what_it_holds_and_when_it_began() -> None:
    session = Session('{"a":1}', token="t", created=10, now=20)
    session.rotate()
    assert session.has_changed()
    assert (dict(session), session.created, session.is_new, session.former) == ({"a": 1}, 10, False, "t")


def test_invalidating_forgets_everything_and_begins_anew() -> None:
    session = Session('{"a":1}', token="t", created=10, now=20)
    session.invalidate()
    assert session.has_changed()
    assert (dict(session), session.created, session.is_new, session.former) == ({}, 20, True, "t")


def test_what_is_attached_makes_no_session_alone() -> None:
    session = Session()
    session.attach("pin", 1)
    assert session.serialise() == EMPTY
    assert dict(session) == {}
    assert not session.has_changed()
    session["a"] = 1
    assert json.loads(session.serialise()) == {"a": 1, "pin": 1}


def test_what_is_attached_outlives_what_is_invalidated() -> None:
    session = Session('{"a":1}', token="t")
    session.attach("pin", 1)
    session.invalidate()
    session["b"] = 2
    assert json.loads(session.serialise()) == {"b": 2, "pin": 1}


def test_each_name_has_a_key_of_its_own() -> None:
    assert session_key() is session_key("session") is SESSION
    assert session_key("admin") is session_key("admin")
    assert session_key("admin") is not SESSION
    assert isinstance(SESSION, web.RequestKey)
    assert "SESSION[admin]" in repr(session_key("admin"))
    assert label_session("session") == "sessions"
    assert label_session("admin") == "sessions:admin"


@pytest.mark.parametrize("name", ["", "a b", "a;b", "ä", "x" * 65, None, 1])
def test_a_name_that_is_none_is_refused(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="use letters, digits, - and _"):
        session_key(name)


def test_it_logs_nothing_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Session().rotate()
    assert caplog.text == ""
