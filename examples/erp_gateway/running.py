"""All servers in one process: the services run while the gateway does, each on a port of its own."""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from functools import partial

from aiohttp import web

from .application import make_app
from .services.inventory import make_inventory
from .services.transactions import make_transactions
from .settings import Settings
from .upstreams import GATEWAY

Served = tuple[web.Application, socket.socket]


def listen(port: int = 0) -> socket.socket:
    """Open a port of this machine; by default any free one."""
    return socket.create_server(("127.0.0.1", port))


def locate(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def make_all(transactions: socket.socket, inventory: socket.socket) -> web.Application:
    """Make the gateway, with the services behind it on these sockets."""
    settings = Settings(transactions_url=locate(transactions), inventory_url=locate(inventory))
    services = [
        (make_transactions(settings.transactions_key), transactions),
        (make_inventory(GATEWAY, settings.inventory_password), inventory),
    ]
    app = make_app(settings)
    app.cleanup_ctx.append(partial(run_services, services))
    return app


async def run_services(services: Sequence[Served], _: web.Application) -> AsyncIterator[None]:
    async with AsyncExitStack() as running:
        for service, listener in services:
            runner = web.AppRunner(service, access_log=None, shutdown_timeout=1.0)
            await runner.setup()
            running.push_async_callback(runner.cleanup)
            await web.SockSite(runner, listener).start()
        yield
