"""A server that lets handlers run on when their client has gone, as aiohttp does unless it is told otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

__all__ = ("PatientServer", "serve_patiently")


@dataclass
class PatientServer:
    """Where it listens, and who is connected."""

    server: Any
    port: int
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connect(self, *lines: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection, and send the lines of a request."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        writer.write("\r\n".join((*lines, "Host: a", "", "")).encode())
        return reader, writer

    async def lose(self, writer: asyncio.StreamWriter) -> None:
        """Cut a connection, and return when the server knows."""
        name = writer.get_extra_info("sockname")
        (protocol,) = [one for one in self.server.connections if one.peername == name]
        writer.transport.abort()
        while protocol.transport is not None:  # noqa: ASYNC110  # aiohttp tells nobody else
            await asyncio.sleep(0)


@asynccontextmanager
async def serve_patiently(app: web.Application, **options: Any) -> AsyncIterator[PatientServer]:
    """Serve an application, without `handler_cancellation`.

    Args:
        app: it is cleaned up at the end.
        options: for `web.AppRunner`.
    """
    runner = web.AppRunner(app, access_log=None, handler_cancellation=False, **options)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server = PatientServer(runner.server, runner.addresses[0][1])
        try:
            yield server
        finally:
            for writer in server.writers:
                writer.transport.abort()
    finally:
        await runner.cleanup()
