"""How much is let through, and when."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import json
import math
import os
import sys
import time
from collections import OrderedDict
from typing import Any

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from multidict import istr

from aiohttp_route_middleware.stores import MemoryStore

from .shared import Guard, read_address

if sys.version_info >= (3, 11):
    from asyncio import timeout as deadline
else:
    from async_timeout import timeout as deadline

# ---- how often

AMOUNT, SECONDS = 1_000_000, 3600
_MOST_CALLERS = 100_000
_POLICY, _RATE_LIMIT = istr("RateLimit-Policy"), istr("RateLimit")
_READING = web.RequestKey[tuple[int, float]]("_READING")  # how many are left, and when it begins anew
_windows: OrderedDict[tuple[str, str, str], list[float]] = OrderedDict()  # its end, and how many were counted


async def rate_limit(request: web.Request) -> None:
    """Count the requests of an address for a route, in a window that begins with the first."""
    key, now = (request.method, _name_template(request), _name_caller(request)), time.time()
    window = _windows.get(key)
    if window is None or window[0] <= now:
        window = _windows[key] = [now + SECONDS, 0]
        if len(_windows) > _MOST_CALLERS:
            _windows.popitem(last=False)
    _windows.move_to_end(key)
    window[1] += 1
    request[_READING] = max(0, AMOUNT - int(window[1])), window[0]
    if window[1] > AMOUNT:
        seconds = str(math.ceil(window[0] - now))
        raise web.HTTPTooManyRequests(headers={hdrs.RETRY_AFTER: seconds, hdrs.CACHE_CONTROL: "no-store"})


async def send_rate_limit(request: web.Request, response: web.StreamResponse) -> None:
    """Tell how many are left."""
    reading = request.get(_READING)
    if reading is not None:
        remaining, ends = reading
        seconds = max(0, math.ceil(ends - time.time()))
        response.headers[_POLICY] = f'"{AMOUNT}/hour";q={AMOUNT};w={SECONDS}'
        response.headers[_RATE_LIMIT] = f'"{AMOUNT}/hour";r={remaining};t={seconds}'


def _name_template(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return "" if resource is None else resource.canonical


def _name_caller(request: web.Request) -> str:
    address = read_address(request.remote or "")
    if address is None or address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


# ---- how many at a time, and how long


def make_concurrency(limit: int) -> Middleware:
    """Let only so many run at a time."""
    running = 0

    @web.middleware
    async def concurrency(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal running
        if running >= limit:
            raise web.HTTPServiceUnavailable(headers={hdrs.RETRY_AFTER: "5"})
        running += 1
        try:
            return await handler(request)
        finally:
            running -= 1

    return concurrency


@web.middleware
async def timeout(request: web.Request, handler: Handler) -> web.StreamResponse:
    """End what takes longer than ten seconds; a WebSocket and a response that was begun are not measured."""
    try:
        async with deadline(10):
            return await handler(request)
    except asyncio.TimeoutError:
        raise web.HTTPGatewayTimeout from None


# ---- how large


async def body_limit(request: web.Request) -> None:
    """Refuse a body that says that it is too large; one that does not say is not measured."""
    if not request.body_exists:
        return
    length = request.content_length
    if length is None or hdrs.CONTENT_ENCODING in request.headers:
        raise web.HTTPLengthRequired
    if length > 100_000:
        raise web.HTTPRequestEntityTooLarge(100_000)


# ---- not now


def make_maintenance(switch: Any) -> Guard:
    """Refuse while an event is set."""

    async def maintenance(request: web.Request) -> None:
        if switch.is_set():
            raise _close()

    return maintenance


def make_maintenance_by_file(path: str) -> Guard:
    """Refuse while a file is there, which is looked for once a second."""
    next_look, is_on = 0.0, False

    async def maintenance(request: web.Request) -> None:
        nonlocal next_look, is_on
        now = time.monotonic()
        if now >= next_look:
            next_look, is_on = now + 1, os.path.exists(path)  # noqa: ASYNC240  # once a second, as the battery does
        if is_on:
            raise _close()

    return maintenance


def _close() -> web.HTTPServiceUnavailable:
    return web.HTTPServiceUnavailable(headers={hdrs.RETRY_AFTER: "300", hdrs.CACHE_CONTROL: "no-store"})


# ---- once, however often it is sent

_LOCK, _KEEP = 30, 86_400


def make_idempotency(store: MemoryStore) -> Middleware:
    """Carry out a POST with a key once; a handler that runs for longer than the lock is not measured."""

    @web.middleware
    async def idempotency(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method not in (hdrs.METH_POST, hdrs.METH_PATCH):
            return await handler(request)
        name, fingerprint = await _name_request(request)
        if not await store.add(name, fingerprint, ttl=_LOCK):
            return _answer_again(await store.get(name), fingerprint)
        try:
            response = await handler(request)
        except BaseException:  # an answer that is raised is not measured
            await store.delete(name)
            raise
        if isinstance(response, web.Response) and response.status < 400:
            await store.replace(name, fingerprint + _dump(response), ttl=_KEEP)
        else:
            await store.delete(name)
        return response

    return idempotency


async def _name_request(request: web.Request) -> tuple[str, bytes]:
    keys = request.headers.getall("Idempotency-Key", ())
    if len(keys) != 1 or not 0 < len(keys[0]) < 256 or not keys[0].isprintable():
        raise web.HTTPBadRequest
    route, key = f"{request.method} {_name_template(request)}", keys[0].strip('" ')
    name = hashlib.sha256(json.dumps((_name_caller(request), route, key)).encode()).hexdigest()
    told = [request.raw_path, *(request.headers.get(one) for one in _TOLD)]
    return f"idempotency:{name}", hashlib.sha256(json.dumps(told).encode() + await request.read()).digest()


_TOLD = (hdrs.HOST, hdrs.CONTENT_TYPE, hdrs.AUTHORIZATION, hdrs.COOKIE)


def _answer_again(record: bytes | None, fingerprint: bytes) -> web.Response:
    if record is None or record == fingerprint:
        raise web.HTTPConflict(headers={hdrs.RETRY_AFTER: "1"})
    if not record.startswith(fingerprint):
        raise web.HTTPUnprocessableEntity
    head, _, body = record[len(fingerprint) :].partition(b"\n")
    status, headers = json.loads(head)
    return web.Response(status=status, headers={**headers, "Idempotency-Replayed": "true"}, body=body)


def _dump(response: web.Response) -> bytes:
    headers = {name: value for name, value in response.headers.items() if name not in _NOT_KEPT}
    body = response.body if isinstance(response.body, bytes) else b""
    return json.dumps((response.status, headers)).encode() + b"\n" + body


_NOT_KEPT = (hdrs.SET_COOKIE, hdrs.CONTENT_LENGTH, hdrs.DATE)
