"""Ids are read from what others have sent only if they are harmless."""

import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiohttp_route_middleware.support.telemetry.request_ids import (
    RequestIdFilter,
    current_request_id,
    make_id,
    read_id,
    read_trace_id,
)

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACED = [
    f"00-{TRACE_ID}-00f067aa0ba902b7-01",
    f"00-{TRACE_ID}-00f067aa0ba902b7-00",
    f" 00-{TRACE_ID}-00f067aa0ba902b7-01\t",
    f"cc-{TRACE_ID}-00f067aa0ba902b7-01-what-the-future-will-be-like",
]
UNTRACED = {
    "nothing": "",
    "upper case": f"00-{TRACE_ID.upper()}-00f067aa0ba902b7-01",
    "no version": f"ff-{TRACE_ID}-00f067aa0ba902b7-01",
    "zeros for a trace": f"00-{'0' * 32}-00f067aa0ba902b7-01",
    "zeros for a parent": f"00-{TRACE_ID}-{'0' * 16}-01",
    "a field too many": f"00-{TRACE_ID}-00f067aa0ba902b7-01-00",
    "a later version without a dash": f"cc-{TRACE_ID}-00f067aa0ba902b7-01.what",
    "too short": f"00-{TRACE_ID[1:]}-00f067aa0ba902b7-01",
    "a line break": f"00-{TRACE_ID}-00f067aa0ba902b7-01\n",
}


@given(st.text() | st.from_regex(r"[A-Za-z0-9_.=-]{1,200}", fullmatch=True))
def test_an_id_is_1_to_128_harmless_characters(text: str) -> None:
    is_harmless = bool(re.fullmatch(r"[A-Za-z0-9_.=-]{1,128}", text))
    assert read_id(CIMultiDict({"X-Request-ID": text}), "X-Request-ID") == (text if is_harmless else None)


@pytest.mark.parametrize("headers", [[], [("X-Request-ID", "a"), ("x-request-id", "b")]], ids=["none", "two"])
def test_what_is_not_sent_exactly_once_is_no_id(headers: list[tuple[str, str]]) -> None:
    assert read_id(CIMultiDict(headers), "X-Request-ID") is None


@pytest.mark.parametrize("field", TRACED)
def test_the_trace_id_is_read(field: str) -> None:
    assert read_trace_id(CIMultiDict({"traceparent": field})) == TRACE_ID


@pytest.mark.parametrize("field", UNTRACED.values(), ids=UNTRACED)
def test_a_traceparent_that_is_not_valid_is_passed_over(field: str) -> None:
    assert read_trace_id(CIMultiDict({"traceparent": field})) is None


def test_two_traceparents_are_none() -> None:
    assert read_trace_id(CIMultiDict([("traceparent", TRACED[0]), ("traceparent", TRACED[1])])) is None


def test_ids_that_are_made_are_harmless_and_differ() -> None:
    ids = {make_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)


@pytest.mark.parametrize(("current", "shown"), [("", "-"), ("a-1", "a-1")], ids=["outside of any request", "inside"])
def test_each_record_has_the_id(current: str, shown: str) -> None:
    record = logging.makeLogRecord({})
    token = current_request_id.set(current)
    assert RequestIdFilter().filter(record)
    current_request_id.reset(token)
    assert vars(record)["request_id"] == shown


def test_a_record_of_the_access_log_has_the_id_of_which_it_tells() -> None:
    record = logging.makeLogRecord({"access": {"request_id": "a-1"}})
    RequestIdFilter().filter(record)
    assert vars(record)["request_id"] == "a-1"
