"""What is sent in forms and as JSON; what a client sent wrong is a clear answer, never a 500."""

import json

from aiohttp import web

NAME_RULE = "A name has 1 to 50 characters, none of them a line break or the like."


async def read_form(request: web.Request) -> dict[str, str]:
    """Read the texts of a form; a file is no text."""
    try:
        form = await request.post()
    except (ValueError, web.RequestPayloadError) as error:
        raise web.HTTPBadRequest(text="the form cannot be read") from error
    return {field: value for field, value in form.items() if isinstance(value, str)}


async def read_json(request: web.Request) -> dict[str, object]:
    """Read a JSON object."""
    try:
        data = json.loads(await request.read())
    except (ValueError, RecursionError, web.RequestPayloadError) as error:
        raise web.HTTPBadRequest(text="the body is not JSON") from error
    if not isinstance(data, dict):
        raise web.HTTPUnprocessableEntity(text="the body is not a JSON object")
    return data


def is_name(value: object) -> bool:
    """Tell whether this may be the name of somebody; half of a surrogate pair is not printable either."""
    return isinstance(value, str) and bool(value.strip()) and len(value) <= 50 and value.isprintable()
