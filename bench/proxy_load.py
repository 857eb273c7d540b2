"""The load that proxies get: short requests, long bodies, small messages; it costs less than what it loads."""

from __future__ import annotations

import base64
import selectors
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import cast

from .proxy_upstream import BODY, HOST, PAUSE

CONNECTIONS = 32
_TIMEOUT = 30  # seconds that one answer, or one piece of it, may take
_REQUEST = b"GET /small HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\nAccept: application/json\r\n\r\n"
_KEY = base64.b64encode(bytes(16))
_HANDSHAKE = (
    b"GET /echo HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %b\r\n\r\n" % _KEY
)
_MESSAGE = b"A message of sixty-four bytes, which the upstream sends back.".ljust(64)
_SENT = b"\x82\xc0" + bytes(4) + _MESSAGE  # final, binary, masked with zeros: as it is
_ECHOED = b"\x82\x40" + _MESSAGE
BURST = 16  # messages that are sent at once, and then waited for

Load = Callable[[float], int]  # loads for so many seconds, and returns how many answers came


@contextmanager
def ask_short(port: int) -> Iterator[Load]:
    """Requests over connections that are kept, one at a time on each."""
    with _connect(port) as connections:
        yield lambda seconds: _exchange(connections, _REQUEST, _is_short, seconds)


@contextmanager
def echo_messages(port: int) -> Iterator[Load]:
    """Small messages over WebSockets, a burst at a time on each; counts messages."""
    with _connect(port) as connections:
        for connection in connections:
            connection.sendall(_HANDSHAKE)
            if not connection.recv(65536).startswith(b"HTTP/1.1 101 "):
                raise RuntimeError("the handshake was refused")
        sent, echoed = BURST * _SENT, BURST * _ECHOED
        yield lambda seconds: BURST * _exchange(connections, sent, echoed.__eq__, seconds)


@contextmanager
def _connect(port: int) -> Iterator[Sequence[socket.socket]]:
    with ExitStack() as opened:
        yield [
            opened.enter_context(socket.create_connection((HOST, port), timeout=_TIMEOUT)) for _ in range(CONNECTIONS)
        ]


def _is_short(answer: bytes) -> bool:
    _, _, body = answer.partition(b"\r\n\r\n")
    if not body or not answer.startswith(b"HTTP/1.1 200 "):
        return False
    return body == BODY or (body.startswith(b"%x\r\n" % len(BODY)) and body.endswith(b"\r\n0\r\n\r\n"))


def _exchange(
    connections: Sequence[socket.socket], sent: bytes, is_whole: Callable[[bytes], bool], seconds: float
) -> int:
    """Send on each connection as soon as the answer is whole, which may come in pieces; end with none outstanding."""
    ends, count, unanswered = time.perf_counter() + seconds, 0, len(connections)
    received: dict[socket.socket, bytes] = {}
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ)
            connection.sendall(sent)
        while unanswered:
            is_over = time.perf_counter() > ends
            for connection in _wait(selector):
                answer = received.pop(connection, b"") + _receive(connection)
                if not is_whole(answer):
                    _check_beginning(answer)
                    received[connection] = answer
                    continue
                count += 1
                if is_over:
                    unanswered -= 1
                else:
                    connection.sendall(sent)
    return count


def _wait(selector: selectors.BaseSelector) -> list[socket.socket]:
    ready = [cast(socket.socket, key.fileobj) for key, _ in selector.select(_TIMEOUT)]
    if not ready:
        raise RuntimeError("no answer comes any more")
    return ready


def _receive(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise RuntimeError("a connection was closed")
    return received


def _check_beginning(answer: bytes) -> None:
    """An answer that is no success would be waited for without end."""
    if len(answer) > 8192 or (answer.startswith(b"HTTP/1.1 ") and not answer.startswith(b"HTTP/1.1 200")):
        raise RuntimeError(f"it answered {answer[:60]!r}")


# ---- long bodies


def download(port: int, size: int) -> None:
    """Receive so many bytes; after the first mebibyte take nothing for a while, as a slow client does."""
    request = b"GET /down/%d HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n" % size
    buffer = bytearray(2**18)
    with socket.create_connection((HOST, port), timeout=_TIMEOUT) as connection:
        connection.sendall(request)
        received, has_paused = 0, False
        while count := connection.recv_into(buffer):
            received += count
            if received >= 2**20 and not has_paused:
                has_paused = True
                time.sleep(PAUSE)
    if received < size:
        raise RuntimeError(f"of {size:,} bytes came {received:,}")


def upload(port: int, size: int) -> None:
    """Send so many bytes, and wait for the answer; the upstream itself takes nothing for a while."""
    head = b"PUT /up HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % size
    piece = memoryview(bytes(2**18))
    with socket.create_connection((HOST, port), timeout=_TIMEOUT) as connection:
        connection.sendall(head)
        for start in range(0, size, len(piece)):
            connection.sendall(piece[: size - start])
        if not connection.recv(65536).startswith(b"HTTP/1.1 200 "):
            raise RuntimeError("the upload was refused")
