"""What a handler has returned stays known, whatever links around make of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web

from aiohttp_route_middleware.support.idempotency.returned import Returned

NOBODY = cast(web.Request, None)


def change_status(response: Any) -> None:
    response.set_status(503)


def change_body(response: Any) -> None:
    response.body = b"other"


def change_reason(response: Any) -> None:
    response.set_status(200, "Well")


def compress(response: Any) -> None:
    response.enable_compression()


def leave(response: Any) -> None:
    response.headers["X-Around"] = "1"


@pytest.mark.parametrize(
    ("change", "is_sent"),
    [(leave, True), (change_status, False), (change_body, False), (change_reason, False), (compress, False)],
)
def test_a_response_that_is_changed_in_place_is_another_one(change: Callable[[Any], None], is_sent: bool) -> None:
    response = web.Response(body=b"body", headers={"X-Own": "1"})
    returned = Returned(response)
    change(response)
    returned.compare(NOBODY, response)
    assert returned.is_sent is is_sent
    assert (returned.status, returned.reason, returned.body) == (200, "OK", b"body")
    assert "X-Around" not in returned.choose_headers(response.headers)


@pytest.mark.parametrize(
    ("response", "body"),
    [
        pytest.param(web.Response(body=b"bytes"), b"bytes", id="bytes"),
        pytest.param(web.Response(body=bytearray(b"array")), b"array", id="bytearray"),
        pytest.param(web.Response(text="text"), b"text", id="text"),
        pytest.param(web.Response(status=204), b"", id="nothing"),
        pytest.param(web.HTTPConflict(text="no"), b"no", id="an exception"),
        pytest.param(web.StreamResponse(), None, id="a stream"),
        pytest.param(web.FileResponse(Path(__file__)), None, id="a file"),
    ],
)
def test_a_body_is_known_if_it_is_there_as_bytes(response: web.StreamResponse, body: bytes | None) -> None:
    returned = Returned(response)
    returned.compare(NOBODY, response)
    assert returned.is_sent
    assert returned.body == body


@pytest.mark.parametrize(("status", "is_sent"), [(206, True), (304, True), (416, True), (503, False)])
def test_aiohttp_chooses_the_status_of_a_file(status: int, is_sent: bool) -> None:
    response = web.FileResponse(Path(__file__))
    returned = Returned(response)
    response.set_status(status)
    returned.compare(NOBODY, response)
    assert returned.is_sent is is_sent


@pytest.mark.parametrize("is_other", [False, True], ids=["the same response", "another response"])
def test_what_inner_links_write_is_its_own_and_what_links_around_have_written_is_not(is_other: bool) -> None:
    response = web.Response(headers={"X-Own": "1", "X-Both": "own", "X-Gone": "1"})
    returned = Returned(response)
    sent = web.Response(headers=response.headers) if is_other else response
    sent.headers.update({"X-Around": "1", "X-Both": "around", "X-Over": "around"})
    del sent.headers["X-Gone"]
    returned.compare(NOBODY, sent)
    sent.headers.add("X-Inner", "1")
    sent.headers.add("X-Inner", "2")
    sent.headers["X-Over"] = "inner"
    headers = [field for field in returned.choose_headers(sent.headers).items() if field[0].startswith("X-")]
    assert sorted(headers) == [
        ("X-Both", "own"),
        ("X-Gone", "1"),
        ("X-Inner", "1"),
        ("X-Inner", "2"),
        ("X-Over", "inner"),
        ("X-Own", "1"),
    ]


def test_what_aiohttp_writes_about_the_content_is_its_own_on_the_same_response_only() -> None:
    response = web.Response()
    returned, other = Returned(response), web.Response(headers={"Content-Encoding": "gzip"})
    returned.compare(NOBODY, other)
    assert "Content-Encoding" not in returned.choose_headers(other.headers)
    response.headers["Content-Encoding"] = "gzip"
    returned.compare(NOBODY, response)
    assert returned.choose_headers(response.headers)["Content-Encoding"] == "gzip"
