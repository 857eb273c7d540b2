"""The moment in which a client goes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from aiohttp_route_middleware.support.departure import Departure

from ..patient_server import PatientServer, serve_patiently


class Watched:
    """A handler that watches its client until the test lets it go on."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.go_on = asyncio.Event()
        self.told = 0

    def tell(self) -> None:
        self.told += 1


async def serve(watched: Watched, handler: Any, test: Any) -> None:
    app = web.Application()
    app.router.add_route("*", "/", handler)
    async with serve_patiently(app) as server:
        await test(server)


async def test_it_is_told_when_a_client_goes_and_the_body_is_broken_off_as_ever() -> None:
    watched, ended = Watched(), asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        departure = Departure(request, watched.tell)
        watched.started.set()
        with pytest.raises(ConnectionResetError):
            await request.content.readany()
        departure.forget()
        assert "_cancel" not in vars(request)
        ended.set()
        return web.Response()

    async def test(server: PatientServer) -> None:
        _, writer = await server.connect("POST / HTTP/1.1", "Content-Length: 3")
        await watched.started.wait()
        await server.lose(writer)
        await ended.wait()

    await serve(watched, handler, test)
    assert watched.told == 1


async def test_it_is_told_at_once_if_the_client_has_gone_already() -> None:
    watched, ended = Watched(), asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        watched.started.set()
        await watched.go_on.wait()
        Departure(request, watched.tell).forget()
        ended.set()
        return web.Response()

    async def test(server: PatientServer) -> None:
        _, writer = await server.connect("GET / HTTP/1.1")
        await watched.started.wait()
        await server.lose(writer)
        watched.go_on.set()
        await ended.wait()

    await serve(watched, handler, test)
    assert watched.told == 1


async def test_who_forgets_is_told_no_more_and_another_who_watches_is() -> None:
    watched, other, ended = Watched(), Watched(), asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        first = Departure(request, watched.tell)
        second = Departure(request.clone(), other.tell)  # of the same client
        first.forget()  # the second stays
        watched.started.set()
        await watched.go_on.wait()
        second.forget()
        ended.set()
        return web.Response()

    async def test(server: PatientServer) -> None:
        _, writer = await server.connect("GET / HTTP/1.1")
        await watched.started.wait()
        await server.lose(writer)
        watched.go_on.set()
        await ended.wait()

    await serve(watched, handler, test)
    assert other.told == 1


async def test_it_is_told_while_a_response_is_sent_if_that_is_asked_for() -> None:
    watched, ended = Watched(), asyncio.Event()

    class Response(web.StreamResponse):
        departure: Departure

        async def write_eof(self, data: bytes = b"") -> None:
            with self.departure.watched_while_sending():
                watched.started.set()
                await watched.go_on.wait()
            self.departure.forget()
            ended.set()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = Response()
        response.departure = Departure(request, watched.tell)
        return response

    async def test(server: PatientServer) -> None:
        _, writer = await server.connect("GET / HTTP/1.1")
        await watched.started.wait()
        await server.lose(writer)
        watched.go_on.set()
        await ended.wait()

    await serve(watched, handler, test)
    assert watched.told == 1
