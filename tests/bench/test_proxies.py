"""The proxies that are compared pass on what they should; what cannot be had is told."""

from __future__ import annotations

import os

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient, AiohttpServer

from bench import proxies
from bench.by_hand.proxy import make_app
from bench.proxy_contestants import AIORP, ALL_CORES, BY_HAND, GO, NGINX, NODE, OURS
from bench.report import Report

NAMES = [OURS, BY_HAND, AIORP, NODE, GO, NGINX]


@pytest.fixture(scope="module")
def report() -> Report:
    return proxies.run(quick=True)


def test_every_proxy_has_a_row_in_every_table(report: Report) -> None:
    short, bulk, echoes = ([row[0] for row in table.rows] for table in report.tables)
    assert short == [*NAMES, proxies.DIRECT]
    assert bulk == NAMES
    assert echoes == [*NAMES, proxies.DIRECT]


def test_the_one_written_by_hand_has_a_figure_in_every_column(report: Report) -> None:
    for table in report.tables:
        (row,) = (row for row in table.rows if row[0] == BY_HAND)
        assert [cell for cell in row if not any(letter.isdigit() for letter in cell)] == [BY_HAND]


def test_the_cores_of_this_process_are_as_before(report: Report) -> None:
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
