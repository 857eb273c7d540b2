"""Checked chains: the log names the very link that went wrong, and only then is anything paid."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from aiohttp_route_middleware import UrlDispatcherEx, chain, get, links_of
from aiohttp_route_middleware.record import read_record

from .conftest import Ask

FILE = Path(__file__).relative_to(Path.cwd())


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
    return await handler(request)


async def thrice(request: web.Request, handler: Handler) -> web.StreamResponse:
    await handler(request)
    return await twice(request, handler)


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
    assert f"forgetful ({FILE}:{line}) returned None instead of a response; is a `return` missing?" in caplog.text
    assert "AnswerError: GET / (innocent ->" in caplog.text


async def test_the_link_that_called_the_next_one_twice_is_named_once(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    response = await ask(chain(innocent, twice, innocent, endpoint, checked=True))
    assert await response.text() == "done"
    (record,) = caplog.records
    assert record.name == "aiohttp_route_middleware"
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith(
        f"GET /: twice ({FILE}:{twice.__code__.co_firstlineno}) called the next link again"
    )


async def test_a_link_that_calls_on_thrice_is_named_once(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    await ask(chain(thrice, endpoint, checked=True))
    assert len(caplog.records) == 1


@pytest.mark.parametrize("link", [late_header, late_cookie])
async def test_the_link_that_touched_headers_already_on_the_wire_is_named(
    ask: Ask, caplog: pytest.LogCaptureFixture, link: Any
) -> None:
    response = await ask(chain(innocent, link, innocent, stream, checked=True))
    assert await response.text() == "streamed"
    (record,) = caplog.records
    assert record.getMessage().startswith(f"GET /: {link.__name__} ({FILE}:")
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


async def test_checks_change_nothing_but_the_log(ask: Ask) -> None:
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        return web.HTTPForbidden()

    async def forget(request: web.Request, handler: Handler) -> Any:
        return None

    async def recover(request: web.Request, handler: Handler) -> web.StreamResponse:
        response: Any = await handler(request)
        return web.Response(text=type(response).__name__)

    for link, seen in ((refuse, "HTTPForbidden"), (forget, "NoneType")):
        for checked in (False, True):
            assert await (await ask(chain(recover, link, endpoint, checked=checked))).text() == seen


def test_checks_are_kept_when_chains_are_joined() -> None:
    router = UrlDispatcherEx(checked=True)
    plain, with_checks = chain(twice, endpoint, checked=False), chain(twice, endpoint, checked=True)
    router.add_routes([get("/definition", twice, endpoint)])
    router.add_get("/finished", plain)
    handlers: list[Any] = [route.handler for route in router.routes()]
    handlers += [chain(innocent, with_checks, checked=False), chain(with_checks, checked=False)]
    records = [read_record(handler) for handler in handlers]
    assert [record is not None and record.settings.is_checked for record in records] == [True] * 6
    assert chain(with_checks) is with_checks
    assert chain(plain, checked=False) is plain


async def test_a_path_with_line_breaks_forges_no_line_of_the_log(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    async def wildcard(request: web.Request) -> web.Response:
        return await chain(twice, endpoint, checked=True)(request.clone(rel_url="/a%0aCRITICAL:root:all is well"))  # type: ignore[return-value]  # a response all the same

    await ask(wildcard)
    (record,) = caplog.records
    assert "\n" not in record.getMessage()
    assert "/a%0ACRITICAL" in record.getMessage()


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
