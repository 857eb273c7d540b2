"""What is sent: compressed, tagged, kept, in which language."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import time
import zlib

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from aiohttp_route_middleware.stores import MemoryStore

from .shared import add_vary

# ---- compressed

_IS_COMPRESSED = web.RequestKey("_IS_COMPRESSED", bool)
_TYPES = ("text/", "application/json", "application/xml", "application/javascript", "image/svg+xml")
_MINIMUM = 1024


async def compress(request: web.Request) -> None:
    """Have responses of this route compressed."""
    request[_IS_COMPRESSED] = True


async def send_compressed(request: web.Request, response: web.StreamResponse) -> None:
    """Compress a body that is there as a whole; streams, files and what is larger than 16 kB are not measured."""
    headers = response.headers
    if _IS_COMPRESSED not in request or hdrs.CONTENT_ENCODING in headers:
        return
    body = response.body if isinstance(response, web.Response) else None
    if not isinstance(body, bytes) or len(body) < _MINIMUM or not response.content_type.startswith(_TYPES):
        return
    add_vary(headers, hdrs.ACCEPT_ENCODING)
    is_part = response.status == 206 or hdrs.RANGE in request.headers
    if is_part or _forbids_change(response, request) or not _takes_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, "")):
        return
    compressor = zlib.compressobj(6, zlib.DEFLATED, 31)
    packed = compressor.compress(body) + compressor.flush()
    headers[hdrs.CONTENT_ENCODING] = "gzip"
    headers[hdrs.CONTENT_LENGTH] = str(len(packed))
    if hdrs.ETAG in headers and not headers[hdrs.ETAG].startswith("W/"):
        headers[hdrs.ETAG] = f"W/{headers[hdrs.ETAG]}"
    if isinstance(response, web.Response):
        response.body = packed
    request.writer.length = len(packed)


def _forbids_change(*messages: web.StreamResponse | web.Request) -> bool:
    return any("no-transform" in message.headers.get(hdrs.CACHE_CONTROL, "") for message in messages)


@functools.lru_cache(maxsize=256)
def _takes_gzip(accepted: str) -> bool:
    weights = _read_weights(accepted)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _read_weights(accepted: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for member in accepted.lower().split(","):
        name, _, weight = member.partition(";q=")
        try:
            weights[name.strip()] = float(weight or 1)
        except ValueError:
            continue
    return weights


# ---- tagged

_OF_A_BODY = (hdrs.CONTENT_TYPE, hdrs.CONTENT_LENGTH, hdrs.CONTENT_ENCODING, hdrs.LAST_MODIFIED)


@web.middleware
async def etag(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tag what a GET finds, and do not send it to who has it; other conditions and streams are not measured."""
    response = await handler(request)
    is_read = request.method in (hdrs.METH_GET, hdrs.METH_HEAD)
    if not is_read or response.status != 200 or not isinstance(response, web.Response):
        return response
    headers = response.headers
    if hdrs.ETAG not in headers and isinstance(response.body, bytes):
        digest = hashlib.blake2b(response.body, digest_size=18).digest()
        headers[hdrs.ETAG] = f'"{base64.urlsafe_b64encode(digest).decode()}"'
    if hdrs.IF_NONE_MATCH in request.headers and _has(request.headers[hdrs.IF_NONE_MATCH], headers.get(hdrs.ETAG)):
        response.set_status(304)
        response.body = None
        for name in _OF_A_BODY:
            headers.popall(name, None)
    return response


def _has(listed: str, tag: str | None) -> bool:
    return tag is not None and tag in [one.strip().removeprefix("W/") for one in listed.split(",")]


# ---- kept

_IS_KEPT = web.RequestKey("_IS_KEPT", bool)
_FORBIDDING = ("no-store", "no-cache", "private")


async def cache_control(request: web.Request) -> None:
    """Let caches keep what is found here."""
    request[_IS_KEPT] = True


async def send_cache_control(request: web.Request, response: web.StreamResponse) -> None:
    """Say for how long, unless the handler has; a restriction that it has set is not measured."""
    if _IS_KEPT not in request or hdrs.CACHE_CONTROL in response.headers:
        return
    if response.status >= 400:
        response.headers[hdrs.CACHE_CONTROL] = "no-store"
    elif request.method in (hdrs.METH_GET, hdrs.METH_HEAD) and response.status in (200, 301, 304, 308):
        kind = "private" if hdrs.SET_COOKIE in response.headers else "public"
        response.headers[hdrs.CACHE_CONTROL] = f"{kind}, max-age=60"


def make_response_cache(store: MemoryStore) -> Middleware:
    """Keep what a GET has found for as long as it says; what varies with fields of the request is not measured."""

    @web.middleware
    async def response_cache(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked = request.headers
        is_plain = hdrs.AUTHORIZATION not in asked and hdrs.RANGE not in asked and hdrs.CACHE_CONTROL not in asked
        if request.method != hdrs.METH_GET or not is_plain or request.body_exists:
            return await handler(request)
        name = f"response:{request.scheme}://{request.host}{request.raw_path}"
        found = await store.get(name)
        if found is not None:
            return _answer_again(found)
        response = await handler(request)
        seconds = _read_lifetime(response)
        if seconds and isinstance(response, web.Response):
            await store.set(name, _dump(response, seconds), ttl=seconds)
        response.headers.add("Cache-Status", "aiohttp; fwd=uri-miss")
        return response

    return response_cache


def _read_lifetime(response: web.StreamResponse) -> int:
    said = [one.strip() for one in response.headers.get(hdrs.CACHE_CONTROL, "").split(",")]
    may_keep = response.status == 200 and hdrs.SET_COOKIE not in response.headers and hdrs.VARY not in response.headers
    if not may_keep or any(one in said for one in _FORBIDDING):
        return 0
    return next((int(one[8:]) for one in said if one.startswith("max-age=")), 0)


def _dump(response: web.Response, seconds: int) -> bytes:
    headers = {name: value for name, value in response.headers.items() if name != hdrs.CONTENT_LENGTH}
    body = response.body if isinstance(response.body, bytes) else b""
    return json.dumps((time.time(), seconds, headers)).encode() + b"\n" + body


def _answer_again(found: bytes) -> web.Response:
    head, _, body = found.partition(b"\n")
    kept, seconds, headers = json.loads(head)
    age = int(time.time() - kept)
    status = f"aiohttp; hit; ttl={seconds - age}"
    return web.Response(headers={**headers, hdrs.AGE: str(age), "Cache-Status": status}, body=body)


# ---- in which language

LANGUAGES = ("en", "de", "zh-Hant")
_LANGUAGE = web.RequestKey("_LANGUAGE", str)


async def language(request: web.Request) -> None:
    """Find the language that is asked for first, by its tag or what that begins with."""
    request[_LANGUAGE] = _choose(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))


async def send_language(request: web.Request, response: web.StreamResponse) -> None:
    """Say which it is."""
    found = request.get(_LANGUAGE)
    if found is not None:
        add_vary(response.headers, hdrs.ACCEPT_LANGUAGE)
        if response.status not in (101, 204, 205, 304):
            response.headers.setdefault(hdrs.CONTENT_LANGUAGE, found)


@functools.lru_cache(maxsize=256)
def _choose(accepted: str) -> str:
    weights = _read_weights(accepted)
    for asked in sorted((one for one in weights if weights[one]), key=lambda one: -weights[one]):
        for tag in LANGUAGES:
            if asked == tag.lower() or asked.startswith(f"{tag.lower()}-"):
                return tag
    return LANGUAGES[0]
