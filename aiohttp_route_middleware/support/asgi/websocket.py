"""A WebSocket, as ASGI messages (ASGI HTTP & WebSocket, "WebSocket").

Rules kept here: what an application does not accept is refused with 403, or with a response of its own; who has left
before that has code 1006, who has closed without a code 1005 (RFC 6455, section 7.1.5); an application that fails is
closed with 1011, one that ends with 1000, and so is one that closes it as nobody may.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field

from aiohttp import WebSocketError, WSCloseCode, WSMessage, WSMsgType, hdrs, web

from ..departure import Departure
from ..sending import cut_off, has_gone
from .answer import Answer
from .closing import ABNORMAL, NO_CODE, read_close
from .messages import AsgiApplication, Message, Scope, read_fields

__all__ = ("Socket", "SocketOptions", "serve_socket")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SocketOptions:
    """How the WebSockets of an application are kept.

    Args:
        heartbeat: seconds between pings; `None` for none.
        max_message: bytes; a longer message closes the WebSocket with 1009.
        open_sockets: those that are open now.
    """

    heartbeat: float | None = None
    max_message: int = 4 * 1024**2
    open_sockets: set[web.WebSocketResponse] = field(default_factory=set)

    async def close_all(self, _: object = None) -> None:
        """Close what is open: the server stops, and may come again."""
        for response in tuple(self.open_sockets):
            await response.close(code=WSCloseCode.SERVICE_RESTART)


class Socket:
    """One WebSocket, from its handshake on."""

    def __init__(self, request: web.Request, options: SocketOptions) -> None:
        self.response: web.WebSocketResponse | None = None
        self.denial: Answer | None = None
        self.is_refused: bool = False
        self._request = request
        self._options = options
        self._is_told = False
        self._answered = asyncio.Event()  # or the client has left
        self._end: Message | None = None

    async def receive(self) -> Message:
        """Return the next message."""
        if not self._is_told:
            self._is_told = True
            return {"type": "websocket.connect"}
        if not self._answered.is_set():
            Departure(self._request, self._answered.set)
            await self._answered.wait()
        if self._end is None and self.response is not None:
            return self._translate(await self.response.receive())
        return self._end or _disconnect(WSCloseCode.ABNORMAL_CLOSURE)

    async def send(self, message: Message) -> None:
        """Take the next message.

        Raises:
            RuntimeError: it is not the turn of that message.
            ValueError: HTTP allows no such header, or WebSockets no such code.
            OSError: the client has left.
        """
        if self.denial is not None:
            await self.denial.send(message)
        elif self.response is not None:
            await self._send_on(self.response, message)
        elif self.is_refused:
            raise RuntimeError(f"{message['type']} was sent after the WebSocket was refused")
        else:
            await self._answer(message)

    async def close(self, code: int, reason: str = "") -> None:
        """Close the WebSocket, unless it is closed; what cannot be told is told by cutting the connection."""
        if self.response is not None and not self.response.closed:
            self._end = _disconnect(code, reason)
            if code in ABNORMAL:
                cut_off(self._request)
            await self.response.close(code=code, message=reason.encode())

    async def _answer(self, message: Message) -> None:
        if message["type"] == "websocket.accept":
            await self._accept(message)
        elif message["type"] == "websocket.close":
            self.is_refused = True
        else:
            self.denial = Answer(self._request, self._answered, "websocket.http.response")
            await self.denial.send(message)
        self._answered.set()

    async def _accept(self, message: Message) -> None:
        chosen, options = message.get("subprotocol"), self._options
        response = web.WebSocketResponse(
            protocols=() if chosen is None else (chosen,),
            heartbeat=options.heartbeat,
            max_msg_size=options.max_message,
        )
        headers = read_fields(message.get("headers", ()))
        headers.popall(hdrs.SEC_WEBSOCKET_PROTOCOL, None)  # is what `subprotocol` says
        response.headers.extend(headers)
        await response.prepare(self._request)
        self.response = response
        options.open_sockets.add(response)

    async def _send_on(self, response: web.WebSocketResponse, message: Message) -> None:
        if message["type"] == "websocket.close":
            await self.close(*read_close(message))
        elif message["type"] != "websocket.send":
            raise RuntimeError(f"{message['type']} was sent instead of websocket.send")
        elif message.get("bytes") is not None:
            await response.send_bytes(message["bytes"])
        else:
            await response.send_str(message["text"])

    def _translate(self, message: WSMessage) -> Message:
        if message.type is WSMsgType.TEXT:
            return {"type": "websocket.receive", "text": message.data}
        if message.type is WSMsgType.BINARY:
            return {"type": "websocket.receive", "bytes": message.data}
        if self._end is None:
            self._end = self._read_end(message)
        return self._end

    def _read_end(self, message: WSMessage) -> Message:
        if message.type is WSMsgType.CLOSE:
            return _disconnect(message.data or NO_CODE, message.extra or "")
        if isinstance(message.data, WebSocketError):
            return _disconnect(message.data.code)
        is_ours = message.type is WSMsgType.CLOSING  # the server stops
        return _disconnect(WSCloseCode.SERVICE_RESTART if is_ours else WSCloseCode.ABNORMAL_CLOSURE)


async def serve_socket(
    application: AsgiApplication, request: web.Request, scope: Scope, options: SocketOptions
) -> web.StreamResponse:
    """Have an application answer the request for a WebSocket, and return when the WebSocket is closed."""
    if not web.WebSocketResponse(protocols=scope["subprotocols"]).can_prepare(request):
        raise web.HTTPBadRequest(text="This is no handshake of a WebSocket.", headers={"Sec-WebSocket-Version": "13"})
    socket = Socket(request, options)
    try:
        await application(scope, socket.receive, socket.send)
    except Exception as error:
        return await _fail(request, socket, error)
    finally:
        if socket.response is not None:
            options.open_sockets.discard(socket.response)
    return await settle_socket(request, socket)


async def settle_socket(request: web.Request, socket: Socket) -> web.StreamResponse:
    """Return what a WebSocket has come to, after its application has returned."""
    if socket.response is not None:
        await socket.close(WSCloseCode.OK)
        return socket.response
    if socket.denial is not None and socket.denial.response is not None and socket.denial.is_complete:
        return socket.denial.response
    if socket.is_refused or has_gone(request):
        return web.Response(status=403)
    raise RuntimeError("the ASGI application has neither accepted nor refused a WebSocket")


async def _fail(request: web.Request, socket: Socket, error: Exception) -> web.StreamResponse:
    if socket.response is None:
        if has_gone(request):
            return web.Response(status=403)
        raise error
    if isinstance(error, OSError) and socket.response.closed:
        return socket.response  # it wanted to send something to a client that has left
    _logger.error("an ASGI application failed at the WebSocket %s", request.rel_url.raw_path, exc_info=error)
    with contextlib.suppress(ConnectionError):
        await socket.close(WSCloseCode.INTERNAL_ERROR)
    return socket.response


def _disconnect(code: int, reason: str = "") -> Message:
    return {"type": "websocket.disconnect", "code": int(code), "reason": reason}
