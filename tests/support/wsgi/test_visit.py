"""Both ends of a request to a WSGI application, without a thread: what is held back, what ends it, what fails."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from aiohttp_route_middleware.support.wsgi.visit import Pieces, Start, Visit, staying

HEAD: tuple[Any, Any] = ("200 OK", [("Content-Type", "text/plain")])
OTHER: tuple[Any, Any] = ("500 Sorry", [])


class Sent:
    """A server's `start_response()`, which writes down what it is given."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def __call__(self, *head: Any) -> Any:
        self.sent.append(head)
        return self.sent.append


class Body:
    """Pieces that are closed."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)

    def close(self) -> None:
        self.is_closed = True


async def receive_nothing() -> Any:
    raise NotImplementedError


async def send_nothing(message: Any) -> None: ...


def make_visit() -> Visit:
    return Visit(receive_nothing, send_nothing)


def error_info() -> Any:
    try:
        raise KeyError("late")
    except KeyError:
        return sys.exc_info()


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_what_would_end_the_server_ends_the_request(error: BaseException) -> None:
    with pytest.raises(RuntimeError, match=f"has raised {type(error).__name__}"), staying():
        raise error


def test_an_ordinary_error_stays_what_it_is() -> None:
    with pytest.raises(KeyError), staying():
        raise KeyError("boom")


async def test_a_message_is_passed_on_and_a_client_that_left_raises() -> None:
    messages = [{"type": "http.request"}, {"type": "http.disconnect"}]

    async def receive() -> Any:
        return messages.pop(0)

    visit = Visit(receive, send_nothing)
    assert await visit.receive() == {"type": "http.request"}
    with pytest.raises(ConnectionResetError, match="has not come to its end"):
        await visit.receive()


async def test_what_cannot_be_sent_ends_the_visit_and_the_rest_is_forgotten() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)
        raise ValueError("a wrong header")

    visit = Visit(receive_nothing, send)
    await visit.send({"type": "http.response.start"})
    await visit.send({"type": "http.response.body"})
    assert sent == [{"type": "http.response.start"}]
    assert repr(visit.error) == "ValueError('a wrong header')"


def test_the_head_waits_for_the_first_piece() -> None:
    server = Sent()
    start = Start(server)
    write = start(*HEAD)
    write(b"")
    assert server.sent == []
    write(b"piece")
    write(b"another")
    assert server.sent == [HEAD, b"piece", b"another"]


def test_an_error_replaces_a_head_that_was_not_sent() -> None:
    server = Sent()
    start = Start(server)
    start(*HEAD)
    start(*OTHER, error_info())
    start.begin()
    assert server.sent == [OTHER]


def test_an_error_after_the_head_is_raised() -> None:
    start = Start(Sent())
    start(*HEAD)
    start.begin()
    with pytest.raises(KeyError, match="late"):
        start(*OTHER, error_info())


@pytest.mark.parametrize("is_sent", [True, False])
def test_a_second_call_without_an_error_is_one(is_sent: bool) -> None:
    start = Start(Sent())
    start(*HEAD)
    if is_sent:
        start.begin()
    with pytest.raises(RuntimeError, match="called again without exc_info"):
        start(*OTHER)


def test_a_body_without_a_head_is_an_error() -> None:
    with pytest.raises(RuntimeError, match=r"has not called start_response\(\)"):
        Start(Sent()).begin()


@pytest.mark.parametrize(
    ("pieces", "taken"),
    [
        pytest.param((), [], id="none"),
        pytest.param((b"",), [], id="an empty one"),
        pytest.param((b"", b"a", b"", b"b"), [b"a", b"b"], id="empty ones between"),
    ],
)
def test_pieces_that_are_empty_are_left_out_and_the_head_is_sent_once(pieces: Any, taken: list[bytes]) -> None:
    server = Sent()
    start = Start(server)
    start(*HEAD)
    assert [*Pieces(pieces, make_visit(), start)] == taken
    assert server.sent == [HEAD]


def test_when_it_is_over_nothing_more_is_asked_for() -> None:
    visit, start = make_visit(), Start(Sent())
    start(*HEAD)
    pieces = iter(Pieces((b"a", b"b"), visit, start))
    assert next(pieces) == b"a"
    visit.error = ConnectionResetError()
    assert [*pieces] == []


def test_pieces_are_closed_if_they_can_be() -> None:
    body = Body(b"a")
    for pieces in (body, [b"a"]):
        Pieces(pieces, make_visit(), Start(Sent())).close()
    assert body.is_closed
