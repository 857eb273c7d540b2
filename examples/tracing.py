"""A trace is told when each link of a chain starts and how it ends; this one writes it into a response header.

Compiled in because `trace=` asks for it; chains without it pay nothing.

    curl -i http://127.0.0.1:8080/report
    -> 401 Who are you?

    curl -i -H 'X-User: ada' http://127.0.0.1:8080/report
    -> 200 All is well
"""

import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from aiohttp_route_middleware import Handler, Outcome, UrlDispatcherEx, chain, name_link

TIMES = web.RequestKey("TIMES", list[str])


def trace(request: web.Request, link: Any) -> Callable[[Outcome], None]:
    """Called as a link starts; what it returns is called as the link ends."""
    started = time.perf_counter()

    def end(outcome: Outcome) -> None:
        milliseconds = 1000 * (time.perf_counter() - started)
        times = request[TIMES]
        times.append(f'link{len(times)};dur={milliseconds:.3f};desc="{name_link(link)} {outcome.kind}"')

    return end


async def tell_times(request: web.Request, handler: Handler) -> web.StreamResponse:
    times = request[TIMES] = []
    response = await handler(request)
    response.headers["Server-Timing"] = ", ".join(times)
    return response


def authenticate(request: web.Request) -> web.Response | None:
    return None if "X-User" in request.headers else web.Response(text="Who are you?", status=401)


async def report(request: web.Request) -> web.Response:
    return web.Response(text="All is well")


def make_app() -> web.Application:
    app = web.Application()
    router = UrlDispatcherEx.install(app, tell_times)
    router.add_get("/report", chain(authenticate, report, trace=trace))
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
