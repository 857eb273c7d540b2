"""A request that is answered as a whole, in-process: routed, handled, its response prepared and written.

As aiohttp's server does it, less the socket and the parser, in a task for each request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from time import thread_time
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.middlewares import setup

from .by_hand.shared import Signal
from .cases.case import Case
from .request_maker import TEMPLATE


async def answer_hello(request: web.Request) -> web.Response:
    """Answer with a response that is made anew, for a response is sent once."""
    return web.Response(body=b"Hello", content_type="text/plain")


def make_app(case: Case, link: Any, *, is_prepared: bool = False, signal: Signal | None = None) -> web.Application:
    """Make an application for the requests of a case.

    Args:
        case: what is sent.
        link: on the route, or around all of them; none if it is `None`.
        is_prepared: whether `setup(app)` is called.
        signal: called when a response is prepared.
    """
    app = web.Application(middlewares=[link] if link is not None and case.of_application else [])
    if is_prepared:
        setup(app)
    if signal is not None:
        app.on_response_prepare.append(signal)
    endpoint: Handler = case.endpoint or answer_hello
    if link is not None and not case.of_application:
        endpoint = chain(link, endpoint)
    for method in (case.method, *case.routed):
        app.router.add_route(method, TEMPLATE, endpoint)
    app.freeze()
    return app


def belong_to(connection: asyncio.Task[Any] | None, request: web.Request) -> web.Request:
    """Let a request belong to the task of a connection."""
    vars(request)["_task"] = connection
    return request


async def answer(app: web.Application, request: web.Request) -> web.StreamResponse:
    """Answer one request, in a task of its own."""
    try:
        response = await app._handle(request)
    except web.HTTPException as error:
        response = error
    await response.prepare(request)
    await response.write_eof()
    return response


async def _answer_all(app: web.Application, made: Iterable[web.Request]) -> float:
    loop, connection = asyncio.get_running_loop(), asyncio.current_task()
    requests = [belong_to(connection, request) for request in made]
    started = thread_time()
    tasks = [loop.create_task(answer(app, request)) for request in requests]
    for task in tasks:
        await task
    return thread_time() - started


def time_answers(loop: asyncio.AbstractEventLoop, app: web.Application, requests: Iterable[web.Request]) -> float:
    """Return the seconds that it took to answer all of them."""
    return loop.run_until_complete(_answer_all(app, requests))
