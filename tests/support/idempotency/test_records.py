"""What a store holds under a key comes back as it was, or is no record."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.support.content.stored_responses import StoredResponse, dump_response
from aiohttp_route_middleware.support.idempotency.records import (
    Done,
    Running,
    UnreadableRecordError,
    name_record,
    read_record,
    write_done,
    write_running,
)

PRINT = bytes(range(32))
RESPONSE = StoredResponse(status=201, reason="Created", headers=(("A", "b"),), body=b"text")
DUMPED = dump_response(RESPONSE)
TEXTS = st.tuples(st.text(), st.text(), st.text())


def test_the_key_of_the_store_shows_nothing() -> None:
    assert re.fullmatch("idempotency:[0-9a-f]{64}", name_record("ann", "route POST /", "key-1"))


@given(TEXTS, TEXTS)
def test_another_caller_route_or_key_has_another_record(one: Any, other: Any) -> None:
    assert (name_record(*one) == name_record(*other)) is (one == other)


def test_a_key_that_is_not_unicode_has_a_record() -> None:
    assert name_record("\udcff", "", "") != name_record("\udcfe", "", "")


def test_what_is_running_is_read_back_and_is_like_no_other() -> None:
    assert read_record(write_running(PRINT), limit=10) == Running(PRINT)
    assert write_running(PRINT) != write_running(PRINT)


@pytest.mark.parametrize("was_raised", [False, True])
def test_a_response_is_read_back(was_raised: bool) -> None:
    record = read_record(write_done(PRINT, DUMPED, was_raised=was_raised), limit=10)
    assert record == Done(PRINT, RESPONSE, was_raised=was_raised)


def test_it_is_read_back_that_there_is_no_response() -> None:
    assert read_record(write_done(PRINT, None, was_raised=True), limit=10) == Done(PRINT, None)


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(write_running(PRINT)[:-1], id="running, cut off"),
        pytest.param(write_running(PRINT) + b"x", id="running, and more"),
        pytest.param(write_done(PRINT, None, was_raised=False)[:-1], id="done, cut off"),
        pytest.param(write_done(PRINT, None, was_raised=False) + b"x", id="not kept, and more"),
        pytest.param(write_done(PRINT, b"x", was_raised=False), id="no response"),
        pytest.param(write_done(PRINT, DUMPED, was_raised=False) + b"x", id="a response, and more"),
        pytest.param(b"arm-done-2\n" + PRINT + b"-", id="another version"),
        pytest.param(b"arm-done-1\n" + PRINT + b"?", id="another kind"),
    ],
)
def test_anything_else_is_no_record(stored: bytes) -> None:
    with pytest.raises(UnreadableRecordError):
        read_record(stored, limit=10)


@given(st.binary())
def test_garbage_is_no_record(garbage: bytes) -> None:
    for stored in (garbage, b"arm-done-1\n" + PRINT + b"=" + garbage):
        with pytest.raises(UnreadableRecordError):
            read_record(stored, limit=10)


def test_a_response_over_the_limit_is_not_read() -> None:
    with pytest.raises(UnreadableRecordError):
        read_record(write_done(PRINT, DUMPED, was_raised=False), limit=3)
