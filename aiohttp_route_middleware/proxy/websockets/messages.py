"""The messages of a WebSocket, shown to functions of the application on their way.

Only where that is asked for: without it nobody reads what goes through a tunnel. Here both connections are read and
written by aiohttp's own reader and writer, message by message.

Rules kept here:
- No extension is agreed on, as none is known here; masks are made anew (RFC 6455, section 5.3), fragments are joined.
- Pings and pongs go to the other side, in their order with the messages; so does a Close, with its code and reason,
  and the other side answers it (section 7.1.2).
- 1005 is a Close without a code, and is passed on as such. 1006 is no Close at all: who has seen none from one side
  gets none (section 7.1.5).
- Of what fails here both sides are told by the same code: 1009 for a message that is too large, 1011 for a function
  that has failed, 1001 when the server stops, and the code of aiohttp's reader for what is no WebSocket.
- A message is read only when the one before was sent.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from secrets import SystemRandom
from typing import Any, TypeAlias, cast

from aiohttp import EofStream, WebSocketError, WSCloseCode, WSMsgType
from aiohttp._websocket.reader import WebSocketDataQueue
from aiohttp.http_websocket import WebSocketReader, WebSocketWriter, WSMessage

from ...errors import ConfigurationError
from ...option_checks import check_call, check_count, refuse_returned
from ..exchange import Exchange
from ..wire.attempt import Answer
from .piping import Source, drain
from .tunnel import EndTunnel, TunnelResponse

__all__ = ("MessageHook", "MessageRelay", "RelayResponse", "relay_messages")

SocketMessage: TypeAlias = str | bytes
MessageHook: TypeAlias = Callable[[Exchange, SocketMessage], "SocketMessage | Awaitable[SocketMessage | None] | None"]

_BATTERY = "relay_messages()"
_FUNCTION = "exchange, message"
_CURE = "return a str, bytes, or None to drop the message"
_LARGEST = 4 * 2**20  # bytes
_QUEUED = 2**16  # bytes, of what was read and not yet sent, beside the message that is on its way
_ANSWER_TIME = 10.0  # seconds, for the answer to a Close
_GONE = 0  # no code: a side has ended without a Close
_RANDOM = SystemRandom()  # masks must not be foreseen (RFC 6455, section 10.3)
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class MessageRelay:
    """What sees the messages; made by `relay_messages()`.

    Args:
        from_client: sees those of clients.
        from_target: sees those of targets.
        max_message: bytes.
    """

    from_client: MessageHook | None
    from_target: MessageHook | None
    max_message: int


def relay_messages(
    *,
    from_client: MessageHook | None = None,
    from_target: MessageHook | None = None,
    max_message: int = _LARGEST,
) -> MessageRelay:
    """Show the messages of WebSockets to functions, which may change them or drop them.

    Args:
        from_client: called with the exchange and each message of the client: a `str`, or `bytes` if it is binary;
            returns what is passed on in its place, `None` for nothing; async or plain. The next message waits for it.
            What it raises is logged, and closes both sides with 1011. By default messages pass as they are.
        from_target: likewise, for what the target sends.
        max_message: bytes that a message may have, either way; default 4 MiB. A larger one closes both with 1009.

    Raises:
        ConfigurationError: an option is wrong, or there is no function.

    Source:
        RFC 6455.

    Example:
        proxy(upstream, messages=relay_messages(from_client=check_order))
    """
    if from_client is None and from_target is None:
        cure = "pass from_client= or from_target=, or leave out messages="
        raise ConfigurationError(_BATTERY, "there is no function to show messages to", cure=cure)
    for option, function in (("from_client", from_client), ("from_target", from_target)):
        if function is not None:
            check_call(_BATTERY, option, function, takes=_FUNCTION, is_awaited=True)
    check_count(_BATTERY, "max_message", max_message, unit="bytes", at_most=sys.maxsize - 1)
    return MessageRelay(from_client, from_target, max_message)


class RelayResponse(TunnelResponse):
    """The handshake of a target; when it is sent, messages are passed on one by one.

    Args:
        answer: of the target, with status 101.
        end: as of a tunnel.
        patience: likewise.
        exchange: shown to the functions.
        relay: the functions.
    """

    def __init__(
        self, answer: Answer, end: EndTunnel, patience: float, exchange: Exchange, relay: MessageRelay
    ) -> None:
        super().__init__(answer, end, patience)
        self._exchange = exchange
        self._relay = relay

    async def carry(self, client: Any, target: Any) -> None:
        """Pass on messages until one side has ended, tell the other, and wait a while for both."""
        down = _Side(target, self._relay.max_message, self.patience, is_masking=True)
        up = _Side(client, self._relay.max_message, self.patience, is_masking=False)
        tasks = {
            asyncio.create_task(self._pass_on(down, up, "from_target", self._relay.from_target)),
            asyncio.create_task(self._pass_on(up, down, "from_client", self._relay.from_client)),
        }
        target.set_parser(down, None)
        client.set_parser(up)
        try:
            code = await self._wait_for_end(tasks)
        finally:
            self.note_counts(up.count, down.count)
            for task in tasks:
                task.cancel()
        for side in (down, up):
            await side.close(code)
        await self.let_end(down, up)

    async def _wait_for_end(self, tasks: set[asyncio.Task[int | None]]) -> int:
        """Return the code for those who were not told yet."""
        ends: set[asyncio.Future[Any]] = {*tasks, self.stopped}
        done, left = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if all(one.result() is None for one in done) and not self.stopped.done():
            await asyncio.wait(left, timeout=_ANSWER_TIME, return_when=asyncio.FIRST_COMPLETED)
        if self.stopped.done():
            return WSCloseCode.GOING_AWAY
        return max(task.result() or _GONE for task in tasks if task.done())

    async def _pass_on(self, source: _Side, sink: _Side, option: str, hook: MessageHook | None) -> int | None:
        """Pass on until one side ends.

        Returns:
            `None` if the other direction has to end by itself: it has a Close to answer, or something left from a
            side that takes nothing more. Else the code for who was not told.
        """
        try:
            while True:
                message = await source.read()
                if message.type is WSMsgType.CLOSE:
                    await sink.send_close(message.data, cast(str, message.extra))
                    return None
                payload: Any = message.data
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    payload = payload if hook is None else await self._show(option, hook, payload)
                    if payload is None:
                        continue
                source.count += await sink.send(message.type, payload)
        except WebSocketError as error:
            return error.code
        except _HookFailed:
            return WSCloseCode.INTERNAL_ERROR
        except EofStream:
            return _GONE
        except ConnectionError:
            return None

    async def _show(self, option: str, hook: MessageHook, message: SocketMessage) -> str | bytes | None:
        try:
            result = hook(self._exchange, message)
            shown = await result if inspect.isawaitable(result) else result
            if shown is None or isinstance(shown, bytes):
                return shown
            if isinstance(shown, str):
                shown.encode()  # a half of a surrogate pair is no text
                return shown
            raise refuse_returned(_BATTERY, option, shown, _CURE)
        except Exception as error:
            _logger.exception("%s: %s has failed; the WebSocket is closed", _BATTERY, option)
            raise _HookFailed from error


class _HookFailed(Exception):  # noqa: N818  # no error: it never leaves this room
    """A function of the application has failed, and that was logged."""


class _Side(Source):
    """One connection, read and written message by message.

    Args:
        protocol: what aiohttp has put on it.
        max_message: bytes.
        patience: seconds in which it may take nothing.
        is_masking: whether what is sent there is masked, as to a server.

    Attributes:
        count: bytes of its messages that were passed on.
    """

    def __init__(self, protocol: Any, max_message: int, patience: float, *, is_masking: bool) -> None:
        self._patience = patience
        self._queue = WebSocketDataQueue(protocol, _QUEUED, loop=asyncio.get_running_loop())
        # of aiohttp's reader, a message has to be smaller than its limit
        self._reader = WebSocketReader(self._queue, max_message + 1, compress=False, decode_text=True)
        # waiting is done here: what is said at the end must not wait
        self._writer = WebSocketWriter(
            protocol, protocol.transport, use_mask=is_masking, limit=sys.maxsize, random=_RANDOM
        )
        self._is_over = False  # what comes is for nobody
        self._is_told = False  # a Close was sent
        self.count: int = 0
        super().__init__(protocol)

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Read what has come; called by aiohttp."""
        if not self._is_over:
            self._is_over = self._reader.feed_data(data)[0]
        return False, b""

    def feed_eof(self) -> None:
        """Note the end; called by aiohttp."""
        super().feed_eof()
        self._reader.feed_eof()

    async def read(self) -> WSMessage:
        """Return the next message.

        Raises:
            EofStream: the connection has ended.
            WebSocketError: what has come is no WebSocket, or too large.
        """
        message = cast(WSMessage, await self._queue.read())
        if message.type is WSMsgType.CLOSE and message.data == WSCloseCode.ABNORMAL_CLOSURE:
            raise WebSocketError(WSCloseCode.PROTOCOL_ERROR, "1006 is never sent")  # RFC 6455, section 7.4.1
        return message

    async def send(self, kind: WSMsgType, payload: str | bytes) -> int:
        """Send a message; return how many bytes that were.

        Raises:
            ConnectionError: the connection has ended.
        """
        if isinstance(payload, str):
            kind, content = WSMsgType.TEXT, payload.encode()
        else:
            kind, content = (WSMsgType.BINARY if kind is WSMsgType.TEXT else kind), payload
        await self._write(kind, content)
        if self._protocol._paused:
            await drain(self._protocol, self._transport, self._patience)
        return len(content) if kind in (WSMsgType.TEXT, WSMsgType.BINARY) else 0

    async def send_close(self, code: int, reason: str = "") -> None:
        """Send a Close; without a code, if that is 0.

        Raises:
            ConnectionError: the connection has ended.
        """
        self._is_told = True
        await self._write(WSMsgType.CLOSE, code.to_bytes(2, "big") + reason.encode() if code else b"")

    async def close(self, code: int) -> None:
        """Tell it why, if there is a code and it was not told yet, and read nothing more."""
        self._is_over = True
        if code != _GONE and not self._is_told:
            with suppress(ConnectionError):
                await self.send_close(code)
        if self._protocol._reading_paused:
            self._protocol.resume_reading()

    async def _write(self, kind: WSMsgType, content: bytes) -> None:
        if self._transport is None:
            raise ConnectionResetError("the connection has ended")
        await self._writer.send_frame(content, kind)
