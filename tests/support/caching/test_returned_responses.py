"""What links around write on a response that was returned is told apart from what is its own."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from aiohttp_route_middleware.support.caching.returned_responses import ReturnedResponse
from aiohttp_route_middleware.support.responses import apply_registered, on_response, open_register


async def compare(write: Any, **options: Any) -> tuple[web.Response, ReturnedResponse]:
    """Return a response on which somebody has written, and what was seen of that."""
    request = make_mocked_request("GET", "/")
    open_register(request)
    response = web.Response(**options)
    returned = ReturnedResponse(request, response)
    write(response)
    await apply_registered(request, response)
    return response, returned


def add(response: web.Response) -> None:
    response.headers.add("X-Mark", "theirs")


def replace(response: web.Response) -> None:
    response.headers["x-mark"] = "theirs"


def drop(response: web.Response) -> None:
    response.headers.popall("X-Mark", None)


@pytest.mark.parametrize("write", [add, replace, drop], ids=lambda write: str(write.__name__))
@pytest.mark.parametrize("own", [{}, {"X-Mark": "own"}], ids=["none", "one"])
async def test_what_was_written_around_is_taken_back(own: dict[str, str], write: Any) -> None:
    response, returned = await compare(write, headers={"X-Other": "1", **own})
    restored = returned.restore(response.headers)
    assert restored.getall("X-Mark", []) == [*own.values()]
    assert restored["X-Other"] == "1"
    assert not returned.is_replaced


async def test_what_an_inner_link_applies_later_is_the_responses_own() -> None:
    response, returned = await compare(replace, headers={"X-Mark": "own"})
    response.headers["X-Mark"] = "of an inner link"
    response.headers["X-More"] = "of another"
    restored = returned.restore(response.headers)
    assert (restored["X-Mark"], restored["X-More"]) == ("of an inner link", "of another")


async def test_what_the_server_writes_stays() -> None:
    def write(response: web.Response) -> None:
        response.headers.update({"Date": "now", "ETag": '"1"', "Vary": "Accept"})

    response, returned = await compare(write)
    assert {**returned.restore(response.headers)}.keys() >= {"Date", "ETag", "Vary"}


def write_another_body(response: web.Response) -> None:
    response.body = b"other"


def write_into_the_body(response: web.Response) -> None:
    body: Any = response.body
    body[0:1] = b"x"


def write_the_same(response: web.Response) -> None:
    response.body = b"te" + response.text.encode()[2:] if response.text else None
    response.set_status(response.status)


CHANGES = [
    pytest.param(write_another_body, b"text", True, id="a body"),
    pytest.param(write_into_the_body, bytearray(b"text"), True, id="into a body"),
    pytest.param(lambda response: response.set_status(503), b"text", True, id="a status"),
    pytest.param(lambda response: response.set_status(200, "Well"), b"text", True, id="a reason"),
    pytest.param(write_the_same, b"text", False, id="the same"),
    pytest.param(add, bytearray(b"text"), False, id="a header"),
]


@pytest.mark.parametrize(("write", "body", "is_replaced"), CHANGES)
async def test_another_body_status_or_reason_makes_another_response(write: Any, body: Any, is_replaced: bool) -> None:
    _, returned = await compare(write, body=body)
    assert returned.is_replaced is is_replaced


@pytest.mark.parametrize(
    ("before", "after", "is_replaced"),
    [
        pytest.param(["a"], [], False, id="before it returned"),
        pytest.param([], ["a"], True, id="after it returned"),
        pytest.param(["a"], ["a"], True, id="in the place of another"),
    ],
)
async def test_what_is_registered_after_the_return_makes_another_response(
    before: list[str], after: list[str], is_replaced: bool
) -> None:
    request, response = make_mocked_request("GET", "/"), web.Response()
    open_register(request)
    for name in before:
        on_response(request, name, lambda _, __: None)
    returned = ReturnedResponse(request, response)
    for name in after:
        on_response(request, name, lambda _, __: None)
    await apply_registered(request, response)
    assert returned.is_replaced is is_replaced
