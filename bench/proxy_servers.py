"""The proxies that are written in Python, each in a process of its own.

`python -m bench.proxy_servers NAME TARGET PORT`, with the target as `http://host:port`.
"""

from __future__ import annotations

import asyncio
import importlib
import socket
import sys
from collections.abc import AsyncGenerator, Callable

from aiohttp import web
from yarl import URL

from .by_hand import proxy as by_hand
from .proxy_upstream import HOST

_LIFETIME = 1800  # seconds after which a server ends by itself


def make_ours(target: str) -> web.Application:
    """Pass on by this package; with its defaults."""
    ours = importlib.import_module("aiohttp_route_middleware.proxy")
    app = web.Application()
    upstream = ours.Upstream(target)
    upstream.run_with(app)
    app.router.add_route("*", "/{tail:.*}", ours.proxy(upstream))
    return app


def make_aiorp(target: str) -> web.Application:
    """Pass on by aiorp, which takes uploads whole: the limit of the application is raised for them."""
    if sys.version_info < (3, 13):  # an annotation of it has one argument, where `typing` wants two
        sys.modules["typing"].__dict__["AsyncGenerator"] = AsyncGenerator
    aiorp = importlib.import_module("aiorp")
    app = web.Application(client_max_size=2**30)
    context = aiorp.ProxyContext(url=URL(target))
    aiorp.configure_contexts(app, [context])
    app.router.add_get("/echo", aiorp.WsProxyHandler(context=context))
    app.router.add_route("*", "/{tail:.*}", aiorp.HTTPProxyHandler(context=context))
    return app


MAKERS: dict[str, Callable[[str], web.Application]] = {
    "by_hand": by_hand.make_app,
    "ours": make_ours,
    "aiorp": make_aiorp,
}


async def _serve(app: web.Application, port: int) -> None:
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=_LIFETIME)
    await runner.setup()
    listener = socket.create_server((HOST, port), backlog=512)
    await web.SockSite(runner, listener).start()
    await asyncio.sleep(_LIFETIME)


def main() -> None:
    """Serve as the arguments tell."""
    name, target, port = sys.argv[1:]
    try:
        app = MAKERS[name](target)
    except (ImportError, AttributeError) as error:
        raise SystemExit(f"not there yet: {error}") from None
    asyncio.run(_serve(app, int(port)))


if __name__ == "__main__":
    main()
