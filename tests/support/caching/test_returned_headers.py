"""What links around write on a response that was returned is told apart from what is its own."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from aiohttp_route_middleware.support.caching.returned_headers import ReturnedHeaders

REQUEST = make_mocked_request("GET", "/")


def compare(headers: dict[str, str], write: Any) -> tuple[web.Response, ReturnedHeaders]:
    """Return a response on which somebody has written, and what was seen of that."""
    response = web.Response(headers=headers)
    returned = ReturnedHeaders(response)
    write(response.headers)
    returned.compare(REQUEST, response)
    return response, returned


def add(headers: Any) -> None:
    headers.add("X-Mark", "theirs")


def replace(headers: Any) -> None:
    headers["x-mark"] = "theirs"


def drop(headers: Any) -> None:
    headers.popall("X-Mark", None)


@pytest.mark.parametrize("write", [add, replace, drop], ids=lambda write: str(write.__name__))
@pytest.mark.parametrize("own", [{}, {"X-Mark": "own"}], ids=["none", "one"])
def test_what_was_written_around_is_taken_back(own: dict[str, str], write: Any) -> None:
    response, returned = compare({"X-Other": "1", **own}, write)
    restored = returned.restore(response.headers)
    assert restored.getall("X-Mark", []) == [*own.values()]
    assert restored["X-Other"] == "1"


def test_what_an_inner_link_applies_later_is_the_responses_own() -> None:
    response, returned = compare({"X-Mark": "own"}, replace)
    response.headers["X-Mark"] = "of an inner link"
    response.headers["X-More"] = "of another"
    restored = returned.restore(response.headers)
    assert (restored["X-Mark"], restored["X-More"]) == ("of an inner link", "of another")


def test_what_the_server_writes_stays() -> None:
    def write(headers: Any) -> None:
        headers.update({"Date": "now", "ETag": '"1"', "Vary": "Accept"})

    response, returned = compare({}, write)
    assert {**returned.restore(response.headers)}.keys() >= {"Date", "ETag", "Vary"}
