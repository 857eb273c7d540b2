"""The body of a request as an ASGI middleware passes it on: read from its messages, when a handler asks for more."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from aiohttp import StreamReader

from .messages import Receive

__all__ = ("PassedBody",)

_LIMIT = 2**16


class _NoConnection:
    """What a stream holds back when it is full: nobody, here, since nothing comes that was not asked for."""

    connected = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self, **_: Any) -> None:
        pass


class PassedBody(StreamReader):
    """A stream of aiohttp over `receive()`."""

    __slots__ = ("_receive",)

    def __init__(self, receive: Receive) -> None:
        super().__init__(cast(Any, _NoConnection()), _LIMIT, loop=asyncio.get_running_loop())
        self._receive = receive

    async def _wait(self, func_name: str) -> None:
        """Get more: aiohttp calls this whenever nothing is there to be read."""
        message = await self._receive()
        if message["type"] != "http.request":
            raise ConnectionResetError("the client has left before the body was there")
        self.feed_data(message.get("body", b""))
        if not message.get("more_body"):
            self.feed_eof()
