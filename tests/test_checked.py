"""Checked chains: the log names the very link that went wrong, and only then is anything paid."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from aiohttp_route_middleware import chain, links_of

from .conftest import Ask


async def endpoint(request: web.Request) -> web.Response:
    return web.Response(text="done")


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"streamed")
    return response


async def innocent(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


async def twice(request: web.Request, handler: Handler) -> web.StreamResponse:
    await handler(request)
    await handler(request)
    return await handler(request)


async def late_header(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    response.headers["X-Late"] = "yes"
    return response


async def late_cookie(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    response.set_cookie("late", "yes")
    return response


async def test_the_very_middleware_that_returned_nothing_is_named(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    async def forgetful(request: web.Request, handler: Handler) -> Any:
        await handler(request)

    response = await ask(chain(innocent, forgetful, innocent, endpoint, checked=True))
    assert response.status == 500
    line = forgetful.__code__.co_firstlineno
    assert f"forgetful ({__file__}:{line}) returned None instead of a response; is a `return` missing?" in caplog.text


async def test_the_link_that_called_the_next_one_twice_is_named_once(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    response = await ask(chain(innocent, twice, innocent, endpoint, checked=True))
    assert await response.text() == "done"
    (record,) = caplog.records
    assert record.name == "aiohttp_route_middleware"
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith(
        f"GET /: twice ({__file__}:{twice.__code__.co_firstlineno}) called the next link again"
    )


@pytest.mark.parametrize("link", [late_header, late_cookie])
async def test_the_link_that_touched_headers_already_on_the_wire_is_named(
    ask: Ask, caplog: pytest.LogCaptureFixture, link: Any
) -> None:
    response = await ask(chain(innocent, link, innocent, stream, checked=True))
    assert await response.text() == "streamed"
    (record,) = caplog.records
    assert record.getMessage().startswith(f"GET /: {link.__name__} ({__file__}:")
    assert "already on the wire" in record.getMessage()


async def test_a_retry_after_an_error_is_no_mistake(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    tries: list[int] = []

    async def flaky(request: web.Request) -> web.Response:
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionResetError
        return web.Response(text="done")

    async def retry(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ConnectionResetError:
            return await handler(request)

    assert await (await ask(chain(retry, flaky, checked=True))).text() == "done"
    assert caplog.records == []


async def test_headers_set_in_time_are_no_mistake(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    response = await ask(chain(late_header, innocent, endpoint, checked=True))
    assert response.headers["X-Late"] == "yes"
    assert caplog.records == []


async def test_an_unchecked_chain_logs_nothing(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    assert await (await ask(chain(twice, endpoint, checked=False))).text() == "done"
    assert await (await ask(chain(late_header, stream, checked=False))).text() == "streamed"
    assert caplog.records == []


def test_the_links_read_back_from_a_checked_chain_are_the_registered_ones() -> None:
    assert links_of(chain(innocent, twice, endpoint, checked=True)) == (innocent, twice, endpoint)


SCRIPT = """
import asyncio
from aiohttp.test_utils import make_mocked_request
from aiohttp_route_middleware import chain
from tests.test_checked import endpoint, twice

async def main():
    await chain(twice, endpoint, **OPTIONS)(make_mocked_request("GET", "/"))

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("python", "options", "is_checked"),
    [
        pytest.param([], "{}", False, id="not by default"),
        pytest.param([], "{'checked': True}", True, id="by keyword"),
        pytest.param(["-X", "dev"], "{}", True, id="under -X dev"),
        pytest.param(["-X", "dev"], "{'checked': False}", False, id="not if told so"),
    ],
)
def test_chains_are_checked_under_python_dev_mode_or_by_keyword(
    python: list[str], options: str, is_checked: bool
) -> None:
    command = [sys.executable, *python, "-c", SCRIPT.replace("OPTIONS", options)]
    root = Path(__file__).parent.parent
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    assert ("called the next link again" in done.stderr) is is_checked
