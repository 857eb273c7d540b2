"""A middleware around the whole application, which sees what no route answers, too: 404 and 405."""

from aiohttp import web

from aiohttp_route_middleware import Handler


@web.middleware
async def json_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors as JSON, and keep headers such as `Allow` and `WWW-Authenticate`."""
    try:
        return await handler(request)
    except web.HTTPError as error:
        headers = error.headers.copy()
        headers.popall("Content-Type", None)
        return web.json_response({"error": error.text}, status=error.status, headers=headers)
