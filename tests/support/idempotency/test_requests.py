"""One request with a key runs; what the others get, by what the store holds."""

from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.errors import StoreError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.stores import MemoryStore
from aiohttp_route_middleware.support.battery import awaiting
from aiohttp_route_middleware.support.content.stored_responses import StoredResponse, dump_response
from aiohttp_route_middleware.support.idempotency.fingerprints import take_fingerprint
from aiohttp_route_middleware.support.idempotency.lease import LeaseTerms
from aiohttp_route_middleware.support.idempotency.records import name_record, write_done, write_running
from aiohttp_route_middleware.support.idempotency.refusals import Refusals
from aiohttp_route_middleware.support.idempotency.requests import IdempotentRequests
from aiohttp_route_middleware.support.outages import Outage

from ...clock import Clock

ROUTE = "route POST /"
KEPT = dump_response(StoredResponse(status=201, reason="Created", headers=(), body=b"kept"))
LARGE = dump_response(StoredResponse(status=201, reason="Created", headers=(), body=bytes(11)))


class Down(MemoryStore):
    async def add(self, key: str, value: bytes, *, ttl: float) -> bool:
        raise StoreError("down on purpose")


def make(store: MemoryStore, *, caller: Any = lambda _: "ann", fail_open: bool = False) -> IdempotentRequests:
    outage = Outage("name()", "requests are refused")
    return IdempotentRequests(
        battery="name()",
        terms=LeaseTerms(store=store, lock=30, keep=100, clock=Clock(), battery="name()", outage=outage),
        refusals=Refusals(header="X-Key", docs="", retry_after=1),
        find_caller=awaiting(caller),
        headers=(),
        limit=10,
        keeps_errors=True,
        fail_open=fail_open,
        marker="X-Again",
    )


async def run(request: web.Request) -> web.Response:
    return web.Response(text="ran")


async def ask(aiohttp_client: AiohttpClient, once: IdempotentRequests, held: Any = None) -> tuple[int, str, bool]:
    """Ask once; tell the status, the text, and whether it is told that it was sent again."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if held is not None:
            fingerprint = await take_fingerprint("name()", request, "POST", ROUTE, ())
            await once.terms.store.set(name_record("caller:ann", ROUTE, "key"), held(fingerprint), ttl=10)
        return await once.answer(request, run, "key", request)

    app = web.Application()
    setup(app)
    app.router.add_post("/", answer)
    client = await aiohttp_client(app)
    async with client.post("/", data=b"1") as response:
        return response.status, await response.text(), "X-Again" in response.headers


@pytest.mark.parametrize(
    ("held", "status", "text"),
    [
        pytest.param(None, 200, "ran", id="nothing"),
        pytest.param(lambda one: write_done(one, KEPT, was_raised=False), 201, "kept", id="a response"),
        pytest.param(lambda one: write_done(one, KEPT, was_raised=True), 201, "kept", id="an exception"),
        pytest.param(lambda one: write_done(one, None, was_raised=False), 409, "was not kept", id="not kept"),
        pytest.param(lambda one: write_done(one, LARGE, was_raised=False), 409, "was not kept", id="too large"),
        pytest.param(lambda one: b"of somebody else", 409, "was not kept", id="unreadable"),
        pytest.param(write_running, 409, "outstanding", id="running"),
        pytest.param(lambda one: write_running(bytes(32)), 422, "already used", id="another, running"),
        pytest.param(lambda one: write_done(bytes(32), KEPT, was_raised=False), 422, "already used", id="another"),
    ],
)
async def test_what_is_answered_depends_on_what_the_store_holds(
    held: Any, status: int, text: str, aiohttp_client: AiohttpClient
) -> None:
    answered, body, is_again = await ask(aiohttp_client, make(MemoryStore()), held)
    assert (answered, is_again) == (status, text == "kept")
    assert text in body


@pytest.mark.parametrize(("fail_open", "status"), [(False, 503), (True, 200)], ids=["closed", "open"])
async def test_without_the_store_nothing_runs_unless_it_was_said_so(
    fail_open: bool, status: int, aiohttp_client: AiohttpClient
) -> None:
    assert (await ask(aiohttp_client, make(Down(), fail_open=fail_open)))[0] == status


@pytest.mark.parametrize("found", [None, "", 7, b"ann"], ids=["nothing", "empty", "number", "bytes"])
async def test_a_caller_that_is_no_text_is_an_error(
    found: Any, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await ask(aiohttp_client, make(MemoryStore(), caller=lambda _: found)))[0] == 500
    assert "name(): caller() returned" in caplog.text
