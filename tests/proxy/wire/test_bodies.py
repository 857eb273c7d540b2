"""What is sent as the body of an outgoing request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol

from aiohttp_route_middleware import ConfigurationError
from aiohttp_route_middleware.proxy.message.framing import Framing
from aiohttp_route_middleware.proxy.wire.bodies import Body, GivenBody, IncomingBody, NoBody, StreamedBody


async def read(body: Body) -> list[bytes]:
    return [piece async for piece in body.read_pieces()]


def make_content() -> StreamReader:
    loop = asyncio.get_running_loop()
    return StreamReader(BaseProtocol(loop), 2**16, loop=loop)


async def test_there_may_be_none() -> None:
    assert b"".join(await read(NoBody())) == b""
    assert (NoBody().read_whole(), NoBody().framing) == (b"", "")


async def test_bytes_can_be_read_as_pieces_too() -> None:
    assert await read(GivenBody(b"abc")) == [b"abc"]


class Pieces:
    """What yields bytes, and is no generator."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    def __init__(self) -> None:
        self.left = [b"a", b"", b"b"]

    async def __anext__(self) -> bytes:
        if not self.left:
            raise StopAsyncIteration
        return self.left.pop(0)


async def test_whatever_yields_bytes_is_a_body() -> None:
    body: Body = StreamedBody(Pieces())
    assert body.read_whole() is None
    assert await read(body) == [b"a", b"b"]
    assert body.is_consumed


async def test_what_yields_no_bytes_is_refused() -> None:
    async def text() -> AsyncIterator[Any]:
        yield "abc"

    with pytest.raises(ConfigurationError, match="has yielded"):
        await read(StreamedBody(text()))


@pytest.mark.parametrize(
    ("framing", "whole"),
    [(Framing(3), b"abc"), (Framing(None, is_chunked=True), b"3\r\nabc\r\n0\r\n\r\n")],
    ids=["with a length", "in chunks"],
)
async def test_a_body_that_has_arrived_is_kept_as_it_is_sent(framing: Framing, whole: bytes) -> None:
    content = make_content()
    content.feed_data(b"abc")
    body = IncomingBody(content, framing)
    assert body.read_whole() is None
    content.feed_eof()
    assert body.read_whole() == body.read_whole() == whole
    assert not body.is_consumed


async def test_an_empty_body_in_chunks_has_the_last_one_only() -> None:
    content = make_content()
    content.feed_eof()
    assert IncomingBody(content, Framing(None, is_chunked=True)).read_whole() == b"0\r\n\r\n"


async def test_what_has_ended_with_an_error_is_not_whole() -> None:
    content = make_content()
    content.set_exception(ValueError("malformed"))
    content.feed_eof()
    assert IncomingBody(content, Framing(3)).read_whole() is None


async def test_what_is_malformed_in_the_next_request_says_nothing_of_a_body_that_is_whole() -> None:
    class Parser:
        def feed_data(self, data: bytes) -> None:
            raise ValueError("malformed")

    content = make_content()
    protocol: Any = content._protocol
    protocol._parser = Parser()
    content.feed_data(b"abc")
    pieces = IncomingBody(content, Framing(3)).read_pieces()
    assert await anext(pieces) == b"abc"
    content.feed_eof()
    with pytest.raises(ValueError, match="malformed"):
        protocol._parser.feed_data(b"x")
    assert content.exception() is None
    assert [piece async for piece in pieces] == []
    assert isinstance(protocol._parser, Parser)
