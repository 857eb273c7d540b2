"""How much is let through, and when."""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile

from aiohttp import web

from aiohttp_route_middleware.middlewares.body_limit import body_limit
from aiohttp_route_middleware.middlewares.concurrency import concurrency
from aiohttp_route_middleware.middlewares.idempotency import idempotency
from aiohttp_route_middleware.middlewares.maintenance import maintenance
from aiohttp_route_middleware.middlewares.rate_limit import rate_limit
from aiohttp_route_middleware.middlewares.timeout import timeout
from aiohttp_route_middleware.stores import MemoryStore

from ..by_hand import traffic as by_hand
from .case import Case, Cases

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_PAYMENT = b"amount=30&currency=EUR&to=alice"
_SERIALS = itertools.count()


def list_cases() -> Cases:
    """List them."""
    limits = f"{by_hand.AMOUNT}/hour"
    yield "rate_limit", Case(rate_limit(limits), by_hand.rate_limit, {}, signal=by_hand.send_rate_limit)
    yield "concurrency", Case(concurrency(100), by_hand.make_concurrency(100), {})
    yield "timeout", Case(timeout(10), by_hand.timeout, {}, in_loop=True)
    yield "body_limit", Case(body_limit(100_000), by_hand.body_limit, _FORM, method="POST", body=_PAYMENT)
    event, path = asyncio.Event(), os.path.join(tempfile.gettempdir(), "no-such-switch")
    yield "maintenance, an event", Case(maintenance(event), by_hand.make_maintenance(event), {})
    yield "maintenance, a file", Case(maintenance(path), by_hand.make_maintenance_by_file(path), {})
    yield "idempotency, first time", _make_idempotency({}, is_new=True)
    yield "idempotency, sent again", _make_idempotency({"Idempotency-Key": '"8e03978e-40d5"'}, is_new=False)


def _make_idempotency(headers: dict[str, str], *, is_new: bool) -> Case:
    return Case(
        idempotency(store=MemoryStore()),
        by_hand.make_idempotency(MemoryStore()),
        {**_FORM, **headers},
        method="POST",
        body=_PAYMENT,
        fresh=_make_key if is_new else None,
        endpoint=_pay,
        is_whole=True,
        needs_setup=True,
    )


def _make_key() -> dict[str, str]:
    return {"Idempotency-Key": f'"{next(_SERIALS):032x}"'}


async def _pay(request: web.Request) -> web.Response:
    return web.json_response({"paid": 30})
