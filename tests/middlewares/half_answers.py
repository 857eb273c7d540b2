"""Handlers that begin an answer and then fail, and what a client gets of it, byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

__all__ = ("Begin", "begin_head_alone", "begin_in_chunks", "each_error", "each_half", "is_broken", "receive")

Begin: TypeAlias = Callable[[web.Request], Awaitable[object]]


async def begin_in_chunks(request: web.Request) -> None:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"begun")


async def begin_with_length(request: web.Request) -> None:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"begun")


async def begin_head_alone(request: web.Request) -> None:
    await web.StreamResponse().prepare(request)


async def prepare_text(request: web.Request) -> None:
    """Its head is written, and waits for the body."""
    await web.Response(text="begun", headers={"X-Begun": "yes"}).prepare(request)


async def prepare_pieces(request: web.Request) -> None:
    """The writer would send in chunks whatever came in its place."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"begun"

    await web.Response(body=pieces()).prepare(request)


_HALVES = [
    pytest.param(begin_in_chunks, "1.1", id="in chunks"),
    pytest.param(begin_with_length, "1.1", id="of a known length"),
    pytest.param(begin_head_alone, "1.1", id="a head alone"),
    pytest.param(prepare_text, "1.1", id="a text that waits"),
    pytest.param(prepare_pieces, "1.1", id="pieces that wait"),
    pytest.param(begin_with_length, "1.0", id="of a known length to HTTP/1.0"),
    pytest.param(begin_in_chunks, "1.0", id="up to the end of the connection"),
]
each_half = pytest.mark.parametrize(("begin", "version"), _HALVES)
each_error = pytest.mark.parametrize(
    "error", [KeyError, web.HTTPForbidden, lambda: web.HTTPSeeOther("/")], ids=["any", "a refusal", "a redirect"]
)


async def receive(client: TestClient[Any, Any], version: str = "1.1", method: str = "GET") -> bytes | None:
    """Send a request on a connection of its own, and return all that comes; `None` if it was reset."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    try:
        writer.write(f"{method} / HTTP/{version}\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        return await reader.read()
    except ConnectionResetError:
        return None
    finally:
        writer.transport.abort()


def is_broken(received: bytes | None) -> bool:
    """Whether a client cannot take this for a whole answer, nor for two (RFC 9112, section 8)."""
    if not received:
        return True
    if received.count(b"HTTP/1.") != 1:
        return False
    head, _, body = received.partition(b"\r\n\r\n")
    if b"chunked" in head:
        return not body.endswith(b"0\r\n\r\n")
    return b"Content-Length: 1000" in head and len(body) < 1000
