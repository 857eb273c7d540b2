"""JSON bodies: what a client sent wrong is a clear answer, never a 500."""

import json
import re
from typing import Any

from aiohttp import web

# Half of a surrogate pair can be written in JSON, but is no text: no database stores it.
_SURROGATE = re.compile("[\ud800-\udfff]")


async def read_texts(request: web.Request, **limits: int) -> dict[str, str]:
    """Read an object of texts, each with the most characters it may have."""
    try:
        data = json.loads(await request.read())
    except (ValueError, RecursionError, web.RequestPayloadError) as error:
        raise web.HTTPBadRequest(text="the body is not JSON") from error
    if not isinstance(data, dict):
        raise web.HTTPUnprocessableEntity(text="the body is not a JSON object")
    return {name: _check_text(name, data.get(name), limit) for name, limit in limits.items()}


def _check_text(name: str, value: Any, limit: int) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > limit or _SURROGATE.search(value):
        raise web.HTTPUnprocessableEntity(text=f"{name} must be a text of 1 to {limit} characters")
    return value
