"""Problem details are written as RFC 9457 has them."""

import json
import math
from typing import Any

import pytest
from aiohttp import web
from aiohttp.http_writer import _serialize_headers
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

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
    with pytest.raises(ConfigurationError, match=r"^problem\(\): secret is not JSON; pass texts") as refusal:
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


@pytest.mark.parametrize(
    "value",
    ["a\r\nSet-Cookie: b=c", "a\nb", "a\rb", "a\0b", "a\x7fb", "a\x1bb", "\ud800", 5, b"a"],
    ids=["two lines", "line feed", "carriage return", "nul", "delete", "escape", "surrogate", "number", "bytes"],
)
def test_a_header_that_http_does_not_allow_is_refused_without_being_shown(value: Any) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        problem(401, headers={"X-Hunter2": value})
    assert str(refusal.value) == (
        "problem(): the value of the header X-Hunter2 is none;"
        " pass a text without line breaks and other control characters"
    )


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "caf\xe9"])
def test_what_names_no_header_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^problem\(\): .* names no header; pass headers="):
        problem(401, headers={name: "a"})


def test_headers_may_come_several_times_and_hold_tabs() -> None:
    fields = CIMultiDict(
        [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Tab", "a\tb\xe9"), ("Content-Language", "fr")]
    )
    error = problem(401, headers=fields)
    assert error.headers.getall("Set-Cookie") == ["a=1", "b=2"]
    assert (error.headers["X-Tab"], error.headers["Content-Language"]) == ("a\tb\xe9", "fr")


@given(st.dictionaries(st.text(), st.text(st.characters(codec=None, categories=None))))
def test_headers_that_are_taken_can_be_sent_and_are_those_alone(headers: dict[str, str]) -> None:
    try:
        error = problem(
            400, headers={name: value for name, value in headers.items() if name.lower() != "content-type"}
        )
    except ConfigurationError:
        return
    head = _serialize_headers("HTTP/1.1 400 Bad Request", error.headers)
    assert head.count(b"\r\n") == len(error.headers) + 2
    assert head.count(b"\n") == head.count(b"\r") == head.count(b"\r\n")


OF_THE_FAILURE = {
    "Accept-Ranges": "bytes",
    "Access-Control-Allow-Origin": "*",
    "Allow": "GET",
    "Cache-Control": "no-store",
    "Link": "</docs>; rel=help",
    "Location": "/elsewhere",
    "Retry-After": "7",
    "Set-Cookie": "a=1",
    "Vary": "Cookie",
    "WWW-Authenticate": "Basic",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Content-Digest", "sha-256=:AAAA:"),
        ("Content-Disposition", "attachment"),
        ("Content-Encoding", "gzip"),
        ("Content-Language", "fr"),
        ("Content-Length", "7"),
        ("Content-Location", "/fr"),
        ("Content-MD5", "AAAA"),
        ("Content-Range", "bytes 0-1/7"),
        ("Digest", "sha-256=AAAA"),
        ("ETag", '"a"'),
        ("Last-Modified", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("Repr-Digest", "sha-256=:AAAA:"),
        ("Transfer-Encoding", "chunked"),
    ],
)
def test_what_described_the_body_that_was_goes_and_what_tells_of_the_failure_stays(name: str, value: str) -> None:
    error = web.HTTPForbidden(headers=OF_THE_FAILURE)
    error.headers.add(name, value)
    error.headers.add(name.lower(), value)
    turn_into_problem(error, {})
    assert dict(error.headers) == {**OF_THE_FAILURE, "Content-Type": "application/problem+json"}


def test_a_range_that_cannot_be_had_tells_still_how_long_the_whole_is() -> None:
    """RFC 9110, section 15.5.17."""
    error = web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": "bytes */7", "ETag": '"a"'})
    turn_into_problem(error, {})
    assert error.headers["Content-Range"] == "bytes */7"
    assert "ETag" not in error.headers


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "latin-1", "no-such", "idna", "hex", "a\0b", "undefined"])
@given(body=st.binary())
def test_whatever_a_body_holds_it_becomes_a_problem(charset: str, body: bytes) -> None:
    error = web.HTTPConflict()
    error.body = body
    error.headers["Content-Type"] = f"text/plain; charset={charset}"
    assert read(turn_into_problem(error, {}))["title"] == "Conflict"


def test_a_body_that_is_no_bytes_is_not_told() -> None:
    error = web.HTTPConflict()
    error.body = "told"
    assert "detail" not in read(turn_into_problem(error, {}))


def nest(depth: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(depth):
        nested = [nested]
    return nested


def test_a_member_that_is_nested_too_deep_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^problem\(\): deep is not JSON"):
        problem(400, deep=nest(10**5), flat=1)
