"""sentry-sdk's aiohttp integration names transactions and reports errors of chained routes as of plain ones."""

from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient
from sentry_sdk.integrations.aiohttp import AioHttpIntegration
from sentry_sdk.transport import Transport

from .conftest import Register


class Collecting(Transport):
    """A transport that keeps what it would send."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []

    def capture_envelope(self, envelope: Any) -> None:
        self.events += [item.payload.json for item in envelope.items if item.type in ("event", "transaction")]


@pytest.fixture(params=["handler_name", "method_and_path_pattern"])
def sentry(request: pytest.FixtureRequest) -> Iterator[Any]:
    transport = Collecting()
    transport.style = request.param  # type: ignore[attr-defined]  # for the expected name
    with sentry_sdk.isolation_scope():
        sentry_sdk.init(
            dsn="http://key@127.0.0.1:1/1",
            transport=transport,
            traces_sample_rate=1.0,
            default_integrations=False,
            integrations=[AioHttpIntegration(transaction_style=request.param)],
        )
        yield transport
        sentry_sdk.get_client().close()
        sentry_sdk.get_global_scope().set_client(None)  # which listens no more to other tests


async def fail(request: web.Request) -> web.Response:
    raise LookupError("no such post")


class Fail(web.View):
    async def get(self) -> web.Response:
        return await fail(self.request)


@pytest.mark.parametrize("handler", [fail, Fail], ids=["function", "view"])
async def test_errors_and_transactions(
    aiohttp_client: AiohttpClient, behind_links: Register, sentry: Any, handler: Any
) -> None:
    app = web.Application()
    app.router.add_route("GET", "/posts/{id}", behind_links(handler))
    client = await aiohttp_client(app)
    assert (await client.get("/posts/7")).status == 500
    sentry_sdk.flush()
    error = next(event for event in sentry.events if "exception" in event)
    names = {"handler_name": f"{__name__}.{handler.__name__}", "method_and_path_pattern": "GET /posts/{id}"}
    assert error["transaction"] == names[sentry.style]
    assert [value["type"] for value in error["exception"]["values"]] == ["LookupError"]
    assert error["exception"]["values"][0]["stacktrace"]["frames"][-1]["function"] == "fail"
