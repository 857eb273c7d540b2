"""The end of a request says what is known of it, and no more."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from aiohttp_route_middleware.support.telemetry.ends import count_body, is_closed_socket


def make_file(length: int | None, status: int = 200) -> web.FileResponse:
    response = web.FileResponse(Path(__file__), status=status)
    response.content_length = length
    return response


@pytest.mark.parametrize(
    ("method", "response", "written", "outcome", "counted"),
    [
        pytest.param("GET", None, 0, "aborted", 0, id="no answer"),
        pytest.param("GET", web.Response(), 5, "sent", 5, id="what has passed the writer"),
        pytest.param("GET", make_file(9), 5, "sent", 5, id="a file that has passed the writer"),
        pytest.param("GET", make_file(9), 0, "sent", 9, id="a file that the system has sent"),
        pytest.param("GET", make_file(None), 0, "sent", 0, id="a file of no length"),
        pytest.param("GET", make_file(9), 0, "aborted", None, id="a part of a file"),
        pytest.param("HEAD", make_file(9), 0, "sent", 0, id="the head of a file"),
        pytest.param("GET", make_file(9, 304), 0, "sent", 0, id="a file that the client has"),
    ],
)
def test_the_body_is_counted_by_who_has_written_it(
    method: str, response: Any, written: int, outcome: Any, counted: int | None
) -> None:
    assert count_body(make_mocked_request(method, "/"), response, written, outcome) == counted


def test_what_is_no_websocket_or_still_open_was_not_closed() -> None:
    assert not any(map(is_closed_socket, (None, web.Response(), web.WebSocketResponse())))
