"""Links by name: which links run, and with which options, stands in plain data.

Set "enabled" to true, and the page says that nobody may show it in a frame.

    curl -i http://127.0.0.1:8080/
    -> 401 ...

    curl -i -H 'X-API-Key: key-of-ada' http://127.0.0.1:8080/
    -> 200 Hello, ada
"""

import hmac
import json

from aiohttp import web

from aiohttp_route_middleware import Link, UrlDispatcherEx
from aiohttp_route_middleware.middlewares import IDENTITY, load_links, setup
from aiohttp_route_middleware.middlewares.api_key import api_key

SETTINGS = """
{
    "links": [
        {"use": "trusted_host", "options": {"hosts": ["127.0.0.1", "localhost"]}},
        {"use": "examples.links_by_name:authenticate", "options": {"header": "X-API-Key"}},
        {"use": "x_frame_options", "enabled": false}
    ]
}
"""


async def check_key(key: str) -> str | None:
    return "ada" if hmac.compare_digest(key.encode(), b"key-of-ada") else None


def authenticate(header: str) -> Link:
    return api_key(check_key, header=header)


async def greet(request: web.Request) -> web.Response:
    return web.Response(text=f"Hello, {request[IDENTITY].subject}")


def make_app() -> web.Application:
    app = web.Application()
    setup(app)
    settings = json.loads(SETTINGS)
    UrlDispatcherEx.install(app, *load_links(settings["links"])).add_get("/", greet)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
