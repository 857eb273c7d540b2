"""Requests as aiohttp's server makes them: no mocks, whose attributes would be slow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from aiohttp import HttpVersion11, StreamReader, web
from aiohttp.http import StreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

PEER = ("10.0.0.1", 40000)
TARGET, TEMPLATE = "/posts/1?page=2", "/posts/{id}"
_HOST = {"Host": "example.com"}
_LOOP: Any = object()  # of bodies, which are there as a whole: nobody waits in it


class Sink(asyncio.Transport):
    """Takes what is written, and throws it away, or keeps it for a test."""

    def __init__(self, *, is_tls: bool = False, kept: list[bytes] | None = None) -> None:
        self.ssl_context = object() if is_tls else None
        super().__init__({"peername": PEER, "sockname": ("10.0.0.2", 443), "sslcontext": self.ssl_context})
        self._kept = kept

    def is_closing(self) -> bool:
        """Nobody goes."""
        return False

    def write(self, data: Any) -> None:
        """Take it."""
        if self._kept is not None:
            self._kept.append(bytes(data))


class RequestMaker:
    """Makes requests.

    Args:
        method: of all of them.
        headers: likewise; texts anew for each.
        state: what links before have set.
        is_tls: whether they have come by TLS.
        target: path and query.
        body: of each.
        fresh: headers that differ from one to the next.
        sink: takes what is written.

    Attributes:
        method: of all of them.
    """

    def __init__(
        self,
        method: str,
        headers: Mapping[str, str],
        state: Callable[[], dict[Any, Any]] = dict,
        *,
        is_tls: bool = False,
        target: str = TARGET,
        body: bytes = b"",
        fresh: Callable[[], Mapping[str, str]] | None = None,
        sink: Sink | None = None,
    ) -> None:
        length = {"Content-Length": str(len(body))} if body else {}
        self.method: str = method
        self._state, self._target, self._body, self._fresh = state, target, body, fresh
        self._raw = _encode({**_HOST, **length, **headers})
        transport = sink or Sink(is_tls=is_tls)
        self._protocol: Any = SimpleNamespace(
            transport=transport,
            ssl_context=transport.ssl_context,
            peername=PEER,
            sockname=transport.get_extra_info("sockname"),
            _paused=False,
            _reading_paused=False,
            resume_reading=_go_on,
            _current_request=None,
        )

    def __call__(self) -> web.Request:
        """Make one that no router has seen."""
        raw = self._raw if self._fresh is None else self._raw + _encode(self._fresh())
        headers = CIMultiDictProxy(CIMultiDict((name.decode(), value.decode()) for name, value in raw))
        message = RawRequestMessage(
            self.method, self._target, HttpVersion11, headers, raw, False, None, False, False, URL(self._target)
        )
        nothing: Any = None
        writer = StreamWriter(self._protocol, nothing)
        return web.Request(
            message,
            self._make_body(),
            self._protocol,
            writer,
            nothing,
            nothing,
            state=self._state(),
            client_max_size=1024**2,
        )

    def _make_body(self) -> StreamReader:
        if not self._body:
            return EMPTY_PAYLOAD
        reader = StreamReader(self._protocol, 65536, loop=_LOOP)
        reader.feed_data(self._body)
        reader.feed_eof()
        return reader


def _go_on(*, resume_parser: bool = True) -> None:
    """Nothing was paused."""


def _encode(headers: Mapping[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.encode(), value.encode()) for name, value in headers.items())
