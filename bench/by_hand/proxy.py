"""A reverse proxy as a competent engineer writes it in an hour: streams both ways, drops what is hop by hop.

It keeps few of the duties that ours keeps: no dot segments, no Max-Forwards, no 100-continue, no retries, no limits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, WSMsgType, web
from aiohttp.client_ws import ClientWebSocketResponse
from multidict import CIMultiDict
from yarl import URL

_SESSION = web.AppKey("_SESSION", ClientSession)
_TARGET = web.AppKey("_TARGET", str)
_HOP_BY_HOP = ("Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade")
_AUTOMATIC = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")  # what aiohttp's client would add
_OF_HANDSHAKE = tuple(f"Sec-WebSocket-{name}" for name in ("Key", "Version", "Extensions", "Protocol"))


def make_app(target: str) -> web.Application:
    """Make an application that passes everything on to `http://host:port`."""
    app = web.Application()
    app[_TARGET] = target
    app.cleanup_ctx.append(_open_session)
    app.router.add_route("*", "/{tail:.*}", _pass_on)
    return app


async def _open_session(app: web.Application) -> AsyncIterator[None]:
    app[_SESSION] = ClientSession(
        connector=TCPConnector(limit=0),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        timeout=ClientTimeout(total=None, sock_connect=5, sock_read=60),
        skip_auto_headers=_AUTOMATIC,
    )
    yield
    await app[_SESSION].close()


async def _pass_on(request: web.Request) -> web.StreamResponse:
    url = URL(request.app[_TARGET] + request.raw_path, encoded=True)
    headers = _drop_hop_by_hop(CIMultiDict(request.headers))
    headers.popall("Host", None)
    headers["X-Forwarded-For"] = request.remote or ""
    if request.headers.get("Upgrade", "").lower() == "websocket":
        return await _relay_messages(request, url, headers)
    body = request.content if request.body_exists else None
    session = request.app[_SESSION]
    async with session.request(request.method, url, headers=headers, data=body, allow_redirects=False) as answer:
        response = web.StreamResponse(
            status=answer.status, reason=answer.reason, headers=_drop_hop_by_hop(CIMultiDict(answer.headers))
        )
        await response.prepare(request)
        async for piece in answer.content.iter_any():
            await response.write(piece)
        await response.write_eof()
        return response


def _drop_hop_by_hop(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    named = [name.strip() for line in headers.getall("Connection", ()) for name in line.split(",")]
    for name in (*named, *_HOP_BY_HOP):
        headers.popall(name, None)
    return headers


# ---- WebSockets, message by message


async def _relay_messages(request: web.Request, url: URL, headers: CIMultiDict[str]) -> web.WebSocketResponse:
    for name in _OF_HANDSHAKE:
        headers.popall(name, None)
    async with request.app[_SESSION].ws_connect(url, headers=headers, max_msg_size=0) as theirs:
        ours = web.WebSocketResponse(max_msg_size=0)
        await ours.prepare(request)
        await asyncio.gather(_send_on(ours, theirs), _send_on(theirs, ours))
        return ours


_Socket = web.WebSocketResponse | ClientWebSocketResponse


async def _send_on(source: _Socket, sink: _Socket) -> None:
    async for message in source:
        if message.type is WSMsgType.TEXT:
            await sink.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await sink.send_bytes(message.data)
    await sink.close()
