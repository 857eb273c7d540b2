"""Problem details are written as RFC 9457 has them."""

import json
import math
from typing import Any

import pytest
from aiohttp import web

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.content.problems import problem, turn_into_problem, write_problem


def read(error: web.HTTPException) -> dict[str, Any]:
    assert error.content_type == "application/problem+json"
    assert isinstance(error.body, bytes)
    told: dict[str, Any] = json.loads(error.body)
    assert told["status"] == error.status
    return told


def test_a_problem_tells_its_status_and_phrase_by_itself() -> None:
    assert read(problem(404)) == {"type": "about:blank", "title": "Not Found", "status": 404}


def test_a_problem_may_have_members_of_its_own() -> None:
    """The example of RFC 9457, section 3."""
    error = problem(
        403,
        type="https://example.com/probs/out-of-credit",
        title="You do not have enough credit.",
        detail="Your current balance is 30, but that costs 50.",
        instance="/account/12345/msgs/abc",
        balance=30,
        accounts=["/account/12345", "/account/67890"],
        headers={"Retry-After": "5"},
    )
    assert list(read(error)) == ["type", "title", "status", "detail", "instance", "balance", "accounts"]
    assert error.headers["Retry-After"] == "5"
    assert isinstance(error, web.HTTPClientError)


@pytest.mark.parametrize("status", [400, 404, 405, 413, 418, 429, 451, 500, 503, 599])
def test_every_status_of_an_error_may_be_a_problem(status: int) -> None:
    assert read(problem(status))["title"]


@pytest.mark.parametrize("status", [200, 302, 399, 600, True, "404", 404.0])
def test_what_is_no_status_of_an_error_is_refused(status: Any) -> None:
    with pytest.raises(ConfigurationError, match="pass the status of an error, 400 to 599"):
        problem(status)


@pytest.mark.parametrize("value", [math.nan, object(), b"hunter2"], ids=["nan", "object", "bytes"])
def test_a_member_that_is_not_json_is_refused_without_being_shown(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="a member of status, secret is not JSON") as refusal:
        write_problem({"status": 400, "secret": value})
    assert "hunter2" not in str(refusal.value)


SAID = [
    ("nothing", web.HTTPForbidden(), None, "Forbidden"),
    ("the same", web.HTTPForbidden(text="403: Forbidden"), None, "Forbidden"),
    ("an empty text", web.HTTPForbidden(text=""), None, "Forbidden"),
    ("a text", web.HTTPForbidden(text="not you"), "not you", "Forbidden"),
    ("a reason", web.HTTPForbidden(reason="Not you"), None, "Not you"),
    ("a reason and a text", web.HTTPForbidden(reason="Not you", text="Go."), "Go.", "Not you"),
]


@pytest.mark.parametrize(("error", "detail", "title"), [case[1:] for case in SAID], ids=[case[0] for case in SAID])
def test_what_an_exception_has_said_is_the_detail(error: web.HTTPException, detail: str | None, title: str) -> None:
    told = read(turn_into_problem(error, {}))
    assert (told.get("detail"), told["title"]) == (detail, title)


def test_headers_of_the_body_that_was_are_gone_and_others_stay() -> None:
    error = web.HTTPForbidden(headers={"Content-Encoding": "gzip", "Set-Cookie": "a=1"})
    turn_into_problem(error, {"type": "https://example.com/forbidden"})
    assert "Content-Encoding" not in error.headers
    assert error.headers["Set-Cookie"] == "a=1"
    assert read(error)["type"] == "https://example.com/forbidden"
