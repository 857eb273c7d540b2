"""Batteries: secure headers around the application, and two ways in, each on its own routes.

curl -i http://127.0.0.1:8080/admin
-> 401 ...

curl -i -H 'Authorization: Basic YWRhOmNvcnJlY3QgaG9yc2U=' http://127.0.0.1:8080/admin
-> 200 Hello, ada

curl -i http://127.0.0.1:8080/posts
-> 401 ...

curl -i -H 'X-API-Key: key-of-eve' http://127.0.0.1:8080/posts
-> 403 ...

curl -i -H 'X-API-Key: key-of-eve' http://127.0.0.1:8080/me
-> 200 Hello, eve

curl -i -H 'X-API-Key: key-of-ada' http://127.0.0.1:8080/posts
-> 200 First post
"""

import hashlib

from aiohttp import web

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.middlewares import IDENTITY, Identity, setup
from aiohttp_route_middleware.middlewares.api_key import api_key
from aiohttp_route_middleware.middlewares.authorise import authorise
from aiohttp_route_middleware.middlewares.basic_auth import basic_auth
from aiohttp_route_middleware.middlewares.secure_headers import secure_headers


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


CLIENTS = {
    digest("key-of-ada"): Identity("ada", frozenset({"post:read"}), {"name": "Ada"}),
    digest("key-of-eve"): Identity("eve"),
}


async def check_key(key: str) -> Identity | None:
    return CLIENTS.get(digest(key))


async def show_me(request: web.Request) -> web.Response:
    return web.Response(text=f"Hello, {request[IDENTITY].subject}")


async def list_posts(request: web.Request) -> web.Response:
    return web.Response(text="First post")


def add_posts(router: UrlDispatcherEx) -> None:
    authenticate = api_key(check_key, header="X-API-Key")
    router.add_get("/posts", authenticate, authorise(["post:read"]), list_posts)
    router.add_get("/me", authenticate, show_me)


def make_app() -> web.Application:
    app = web.Application(middlewares=[secure_headers()])
    setup(app)  # once, for all batteries that set headers
    router = UrlDispatcherEx.install(app)
    router.add_get("/admin", basic_auth({"ada": "correct horse"}), show_me)
    add_posts(router)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
