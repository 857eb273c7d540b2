"""Other worlds: a FastAPI application and an old WSGI one behind links, and a middleware of Starlette as a link.

curl -i http://127.0.0.1:8080/api/items/3
-> 401 ...

curl -i -H 'Authorization: Basic YWRhOmNvcnJlY3QgaG9yc2U=' http://127.0.0.1:8080/api/items/3
-> 200 {"item":3,"price":5}

curl -i -H 'Authorization: Basic YWRhOmNvcnJlY3QgaG9yc2U=' http://127.0.0.1:8080/api/items/three
-> 422 ...

curl -i http://127.0.0.1:8080/old/prices
-> 200 This is /prices, as it has been since 2009.

curl -i http://127.0.0.1:8080/visits
-> 200 You were here 1 times.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from fastapi import FastAPI, Request
from starlette.middleware.sessions import SessionMiddleware

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.adapters.asgi import asgi
from aiohttp_route_middleware.adapters.from_asgi import ASGI_SCOPE, from_asgi
from aiohttp_route_middleware.adapters.wsgi import wsgi
from aiohttp_route_middleware.middlewares.basic_auth import basic_auth


@asynccontextmanager
async def open_prices(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    yield {"prices": {3: 5}}  # what a real one would open here, it would close after this


shop = FastAPI(lifespan=open_prices)


@shop.get("/items/{item}")
async def show_item(item: int, request: Request) -> dict[str, int]:
    return {"item": item, "price": request.state.prices[item]}


def old_pages(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"This is {environ['PATH_INFO']}, as it has been since 2009.".encode()]


async def count_visits(request: web.Request) -> web.Response:
    session = request[ASGI_SCOPE]["session"]
    session["visits"] = session.get("visits", 0) + 1
    return web.Response(text=f"You were here {session['visits']} times.")


def make_app() -> web.Application:
    app = web.Application()
    router = UrlDispatcherEx.install(app)

    api = asgi(shop)
    api.run_with(app)  # starts and ends with the application
    router.add_route("*", "/api/{tail:.*}", basic_auth({"ada": "correct horse"}), api)

    router.add_route("*", "/old/{tail:.*}", wsgi(old_pages))
    router.add_get(
        "/visits", from_asgi(SessionMiddleware, secret_key="a secret of 32 letters, at least"), count_visits
    )
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
