"""A proxy in front of raw upstreams, which leaves nothing behind: each test that uses it looks for that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from aiohttp_route_middleware.proxy import ExchangeRecord, Hook, Upstream, proxy

from .raw import BOUND, Wire

__all__ = ("GET", "POST", "UPLOAD", "Front", "serve", "until")

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
UPLOAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for what nobody tells; fail in place of waiting for ever."""
    loop = asyncio.get_running_loop()
    end = loop.time() + BOUND
    while not is_so():
        if loop.time() > end:
            raise AssertionError("it has not come about")
        await asyncio.sleep(0.001)


class Front:
    """A server with a proxy, without `handler_cancellation` unless that is asked for.

    Attributes:
        upstream: of the proxy.
        app: with the proxy at every path.
        runner: of the server.
        connector: where connections to targets are kept.
        records: of all exchanges that are over.
    """

    def __init__(self, upstream: Upstream, app: web.Application, records: list[ExchangeRecord]) -> None:
        self.upstream: Upstream = upstream
        self.app: web.Application = app
        self.runner: Any = None
        self.connector: Any = None
        self.records: list[ExchangeRecord] = records
        self.clients: list[Wire] = []

    @property
    def record(self) -> ExchangeRecord:
        """That of the only exchange."""
        (record,) = self.records
        return record

    @property
    def connected(self) -> int:
        """How many clients there are, as far as the server knows."""
        return sum(one.transport is not None for one in self.runner.server.connections)

    @property
    def pooled(self) -> int:
        """How many connections wait for another request."""
        return sum(map(len, self.connector._conns.values()))

    @property
    def in_flight(self) -> int:
        """How many attempts are counted."""
        return sum(target.in_flight for target in self.upstream.targets)

    @property
    def is_at_rest(self) -> bool:
        """Whether no exchange has left anything behind."""
        return not self.in_flight and not self.connector._acquired

    async def connect(self) -> Wire:
        """Connect as a client."""
        wire = Wire(*await asyncio.open_connection("127.0.0.1", self.runner.addresses[0][1]))
        self.clients.append(wire)
        return wire

    async def send(self, *pieces: bytes) -> Wire:
        """Connect, and send these bytes."""
        wire = await self.connect()
        await wire.send(*pieces)
        return wire

    async def settle(self) -> None:
        """Wait until all exchanges have ended, and nothing of them is left."""
        await until(lambda: self.is_at_rest)


@asynccontextmanager
async def serve(
    *targets: Any,
    hooks: tuple[Hook, ...] = (),
    links: Callable[[Handler], Handler] | None = None,
    server: dict[str, Any] | None = None,
    of_proxy: dict[str, Any] | None = None,
    app: web.Application | None = None,
    **options: Any,
) -> AsyncIterator[Front]:
    """Serve a proxy, and see at the end that nothing is left behind.

    Args:
        targets: of the upstream.
        hooks: of the proxy.
        links: puts something around the endpoint.
        server: options of the server.
        of_proxy: other options of the proxy.
        app: what is served, with other things in it.
        options: of the upstream.
    """
    records: list[ExchangeRecord] = []
    upstream = Upstream(*targets, on_exchange=records.append, **options)
    endpoint = proxy(upstream, *hooks, **(of_proxy or {}))
    app = web.Application() if app is None else app
    upstream.run_with(app)
    app.router.add_route("*", "/{tail:.*}", endpoint if links is None else links(endpoint))
    front = Front(upstream, app, records)
    kept: dict[str, Any] = {"handler_cancellation": False, "access_log": None, "shutdown_timeout": 0.01}
    front.runner = web.AppRunner(app, **(kept | (server or {})))
    await front.runner.setup()
    front.connector = next(iter(upstream.opened.places.values())).connector._connector
    await web.TCPSite(front.runner, "127.0.0.1", 0).start()
    try:
        yield front
        await front.settle()
    finally:
        for client in front.clients:
            client.close()
        await front.runner.cleanup()
