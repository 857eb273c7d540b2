"""Two ways in on the same routes: a session for pages, which csrf() guards, and a token for programs.

curl -i http://127.0.0.1:8080/api/me
-> 401 ...

curl -i -H 'Authorization: Bearer token-of-ada' http://127.0.0.1:8080/api/me
-> 200 Hello, ada

curl -i -X POST -H 'Authorization: Bearer token-of-ada' http://127.0.0.1:8080/api/posts
-> 201 Written by ada

curl -i -X POST -H 'Authorization: Basic YWRhOmNvcnJlY3QgaG9yc2U=' http://127.0.0.1:8080/login
-> 200 The cookie lets you in now
"""

import hashlib

from aiohttp import web

from aiohttp_route_middleware import UrlDispatcherEx, provides, requires
from aiohttp_route_middleware.middlewares import IDENTITY, Identity, setup
from aiohttp_route_middleware.middlewares.any_of import any_of
from aiohttp_route_middleware.middlewares.authorise import authorise
from aiohttp_route_middleware.middlewares.basic_auth import basic_auth
from aiohttp_route_middleware.middlewares.bearer_auth import bearer_auth
from aiohttp_route_middleware.middlewares.csrf import csrf
from aiohttp_route_middleware.middlewares.sessions import SESSION, sessions
from aiohttp_route_middleware.stores import MemoryStore


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


TOKENS = {digest("token-of-ada"): Identity("ada", frozenset({"post:write"}), {"name": "Ada"})}


async def check_token(token: str) -> Identity | None:
    return TOKENS.get(digest(token))


@requires(SESSION)
@provides(IDENTITY)
async def session_user(request: web.Request) -> None:
    if "user" not in request[SESSION]:
        raise web.HTTPUnauthorized
    request[IDENTITY] = Identity(request[SESSION]["user"])


@requires(SESSION, IDENTITY)
async def log_in(request: web.Request) -> web.Response:
    request[SESSION].rotate()
    request[SESSION]["user"] = request[IDENTITY].subject
    return web.Response(text="The cookie lets you in now")


async def show_me(request: web.Request) -> web.Response:
    return web.Response(text=f"Hello, {request[IDENTITY].subject}")


async def create_post(request: web.Request) -> web.Response:
    return web.Response(text=f"Written by {request[IDENTITY].subject}", status=201)


def make_app() -> web.Application:
    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app, sessions(store=MemoryStore(), secure=False))  # over http, on this machine
    router.add_post("/login", csrf(), basic_auth({"ada": "correct horse"}), log_in)
    either = any_of([csrf(), session_user], bearer_auth(check_token))
    router.add_get("/api/me", either, show_me)
    router.add_post("/api/posts", either, authorise(["post:write"]), create_post)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
