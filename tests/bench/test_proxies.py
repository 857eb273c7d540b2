"""The proxies that are compared pass on what they should; what cannot be had is told."""

from __future__ import annotations

import os

from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient, AiohttpServer

from bench import proxies
from bench.by_hand.proxy import make_app
from bench.proxy_contestants import AIORP, ALL_CORES, BY_HAND, GO, NGINX, NODE, NODE_KEPT, OURS

NAMES = [OURS, BY_HAND, AIORP, NODE, NODE_KEPT, GO, NGINX]


def test_every_proxy_has_a_row_and_those_of_python_have_figures_and_the_cores_are_as_before() -> None:
    report = proxies.run(quick=True)
    short, bulk, echoes = ([row[0] for row in table.rows] for table in report.tables)
    assert short == [*NAMES, proxies.DIRECT]
    assert bulk == NAMES
    assert echoes == [*NAMES, proxies.DIRECT]
    for table in report.tables:
        for row in [row for row in table.rows if row[0] in (OURS, BY_HAND)]:
            assert [cell for cell in row[1:] if cell and not any(letter.isdigit() for letter in cell)] == []
    assert os.sched_getaffinity(0) == ALL_CORES


async def test_the_one_written_by_hand_passes_on_both_ways(
    aiohttp_server: AiohttpServer, aiohttp_client: AiohttpClient
) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert "X-Secret" not in request.headers
        headers = {"X-Path": request.raw_path, "Connection": "x-hop", "X-Hop": "1"}
        return web.Response(body=await request.read(), status=201, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    server = await aiohttp_server(app)
    client = await aiohttp_client(make_app(f"http://{server.host}:{server.port}"))
    headers = {"Connection": "X-Secret", "X-Secret": "1"}
    async with client.put("/a?b=c&b=d", data=b"x" * 100_000, headers=headers) as response:
        assert (response.status, response.headers["X-Path"]) == (201, "/a?b=c&b=d")
        assert "X-Hop" not in response.headers
        assert await response.read() == b"x" * 100_000
