"""What an independent judge of HTTP says of requests and responses: httplint, by the editor of the specifications."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession
from httplint import HttpRequestLinter, HttpResponseLinter, Note, levels

__all__ = ("Exchange", "Recorder", "describe", "is_bad", "lint")


@dataclass(frozen=True)
class Exchange:
    method: str
    url: str
    sent: Sequence[tuple[str, str]]
    status: int
    reason: str
    fields: Sequence[tuple[str, str]]
    body: bytes

    def __str__(self) -> str:
        return f"{self.method} {self.url} {self.status}"


class Recorder:
    """Asks, and writes down what was sent and what came back."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self.exchanges: list[Exchange] = []
        self._session = session
        self._url = url

    async def ask(self, method: str, path: str, **options: Any) -> str:
        async with self._session.request(method, self._url + path, allow_redirects=False, **options) as response:
            body = await response.read()
            fields = [(name.decode(), value.decode()) for name, value in response.raw_headers]
            sent = [*response.request_info.headers.items()]
            url, reason = str(response.url), response.reason or ""
            self.exchanges.append(Exchange(method, url, sent, response.status, reason, fields, body))
            return body.decode(errors="replace")

    @property
    def last(self) -> Exchange:
        return self.exchanges[-1]


def lint(exchange: Exchange) -> list[Note]:
    asked = HttpRequestLinter()
    asked.process_request_topline(exchange.method.encode(), exchange.url.encode(), b"HTTP/1.1")
    asked.process_headers([(name.encode(), value.encode()) for name, value in exchange.sent])
    asked.finish_content(complete=True)
    answered = HttpResponseLinter(start_time=time.time())
    answered.request = asked
    answered.is_head_response = exchange.method == "HEAD"
    answered.process_response_topline(b"HTTP/1.1", str(exchange.status).encode(), exchange.reason.encode())
    answered.process_headers([(name.encode(), value.encode()) for name, value in exchange.fields])
    answered.feed_content(exchange.body)
    answered.finish_content(complete=True)
    return [one for note in answered.notes for one in (note, *note.subnotes)]


def is_bad(note: Note) -> bool:
    return note.level in (levels.WARN, levels.BAD)


def describe(note: Note) -> str:
    return f"{type(note).__name__}: {note}"
