"""Requests byte by byte, which no client library would send."""

from __future__ import annotations

import asyncio
from http.client import parse_headers
from io import BytesIO
from typing import Any, NamedTuple

from aiohttp.test_utils import TestClient

__all__ = ("Answer", "send")


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Any
    body: bytes


async def send(client: TestClient[Any, Any], *lines: str | bytes) -> Answer:
    """Send the lines of a request over a socket of its own, and read the answer to its end."""
    encoded = [line.encode() if isinstance(line, str) else line for line in (*lines, "Connection: close", "", "")]
    reader, writer = await asyncio.open_connection(client.host, client.port)
    try:
        writer.write(b"\r\n".join(encoded))
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
        await writer.wait_closed()
    first, _, fields = head.partition(b"\r\n")
    return Answer(int(first.split()[1]), parse_headers(BytesIO(fields + b"\r\n\r\n")), body)
