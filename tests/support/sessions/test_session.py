"""A session as a handler sees it, and nothing of what its keeper knows."""

import json
import logging
from typing import Any

import pytest
from aiohttp import web

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.sessions.session import (
    SESSION,
    Session,
    find_session_key,
    label_session,
    session_key,
    state_of,
)
from aiohttp_route_middleware.support.sessions.state import SessionState

MAPPING = {"clear", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values"}


def make(text: str, **options: Any) -> Session:
    return Session(SessionState(text, token="t", **options))


def test_a_handler_sees_a_mapping_and_five_things_besides() -> None:
    face = {name for name in dir(Session()) if not name.startswith("_")}
    assert face - MAPPING == {"id", "is_new", "created", "rotate", "invalidate"}


@pytest.mark.parametrize("name", ["id", "is_new", "created", "token", "user"])
def test_nothing_but_a_key_can_be_set(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(Session(), name, "alice")


def test_it_is_a_mapping() -> None:
    session = make('{"a":1,"b":2}')
    del session["a"]
    session.update(c=3)
    assert (len(session), list(session), "b" in session, session.pop("c")) == (2, ["b", "c"], True, 3)
    with pytest.raises(KeyError):
        session["a"]
    assert json.loads(state_of(session).serialise()) == {"b": 2}


@pytest.mark.parametrize("key", [1, None, ("a",), b"a"])
def test_keys_are_texts(key: Any) -> None:
    session = Session()
    with pytest.raises(TypeError, match="keys are texts; write session"):
        session[key] = 1
    assert not state_of(session).has_changed()


def test_neither_what_it_holds_nor_its_secret_is_shown() -> None:
    session = Session(SessionState('{"password":"hidden"}', token="secret-token"))
    assert "hidden" not in repr(session)
    assert "secret-token" not in repr(session)
    assert not state_of(session).was_read
    assert "secret-token" not in session.id
    assert repr(Session()) == "<Session new>"


def test_ids_stay_until_rotated() -> None:
    session = Session()
    before = session.id
    assert session.id == before
    assert before != Session().id
    session.rotate()
    assert session.id != before


def test_rotating_keeps_what_it_holds_and_invalidating_begins_anew() -> None:
    session = make('{"a":1}', created=10, now=20)
    session.rotate()
    assert (dict(session), session.created, session.is_new) == ({"a": 1}, 10, False)
    session.invalidate()
    assert (dict(session), session.created, session.is_new) == ({}, 20, True)


def test_each_name_has_a_key_of_its_own() -> None:
    assert session_key() is session_key("session") is SESSION
    assert session_key("admin") is session_key("admin") is find_session_key("sessions()", "admin")
    assert session_key("admin") is not SESSION
    assert isinstance(SESSION, web.RequestKey)
    assert "SESSION[admin]" in repr(session_key("admin"))


@pytest.mark.parametrize("name", ["", "a b", "a;b", "ä", "x" * 65, None, 1])
def test_a_name_that_is_none_is_refused_by_whom_it_was_given(name: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^session_key\(\): name=.*; use letters, digits, - and _"):
        session_key(name)
    with pytest.raises(ConfigurationError, match=r"^session_fixing\(\): name="):
        find_session_key("session_fixing()", name)


@pytest.mark.parametrize(
    ("arguments", "label"),
    [
        (("sessions()", "session"), "sessions"),
        (("sessions()", "admin"), "sessions(admin)"),
        (("session_storages()", "session", "RedisStorage"), "session_storages(RedisStorage)"),
        (("session_storages()", "admin", "RedisStorage"), "session_storages(RedisStorage, admin)"),
    ],
    ids=["the default", "another name", "a detail", "both"],
)
def test_a_link_is_called_by_what_tells_it_from_others(arguments: tuple[str, ...], label: str) -> None:
    assert label_session(*arguments) == label


def test_it_logs_nothing_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Session().rotate()
    assert caplog.text == ""


@pytest.mark.parametrize("name", ["id", "is_new", "created"])
def test_who_asks_what_is_known_of_it_has_looked_at_it(name: str) -> None:
    session = make('{"a":1}')
    getattr(session, name)
    assert state_of(session).was_read
    assert not state_of(session).has_changed()
