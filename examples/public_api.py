"""A public API with all that one needs: who asks, how often, how large, once; tags, compression, problems, records.

curl -i http://127.0.0.1:8080/notes
-> 401 {"type": "about:blank", "title": "Unauthorized", "status": 401}

curl -i -H 'Authorization: Bearer ada' http://127.0.0.1:8080/notes
-> 200 {"notes": ["water the plants"]}

curl -i -X POST -H 'Authorization: Bearer ada' -H 'Idempotency-Key: k-1' -d 'buy milk' http://127.0.0.1:8080/notes
-> 201 {"number": 1}

curl -i -X POST -H 'Authorization: Bearer ada' -H 'Idempotency-Key: k-1' -d 'buy milk' http://127.0.0.1:8080/notes
-> 201 {"number": 1}

curl -i -X POST -H 'Authorization: Bearer ada' -d 'buy milk' http://127.0.0.1:8080/notes
-> 400 ...

curl -i http://127.0.0.1:8080/nothing
-> 404 {"type": "about:blank", "title": "Not Found", "status": 404}
"""

from aiohttp import web

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.access_log import access_log
from aiohttp_route_middleware.middlewares.bearer_auth import bearer_auth
from aiohttp_route_middleware.middlewares.body_limit import body_limit
from aiohttp_route_middleware.middlewares.cache_control import cache_control
from aiohttp_route_middleware.middlewares.compress import compress
from aiohttp_route_middleware.middlewares.concurrency import concurrency
from aiohttp_route_middleware.middlewares.etag import etag
from aiohttp_route_middleware.middlewares.idempotency import idempotency
from aiohttp_route_middleware.middlewares.metrics import metrics
from aiohttp_route_middleware.middlewares.problem_details import problem_details
from aiohttp_route_middleware.middlewares.rate_limit import rate_limit
from aiohttp_route_middleware.middlewares.request_id import request_id
from aiohttp_route_middleware.middlewares.timeout import timeout
from aiohttp_route_middleware.middlewares.tracing import tracing
from aiohttp_route_middleware.stores import MemoryStore

NOTES = web.AppKey("NOTES", list[str])


async def find_token(token: str) -> str | None:
    return token if token in ("ada", "eve") else None


async def list_notes(request: web.Request) -> web.Response:
    return web.json_response({"notes": request.app[NOTES]})


async def add_note(request: web.Request) -> web.Response:
    request.app[NOTES].append(await request.text())
    return web.json_response({"number": len(request.app[NOTES]) - 1}, status=201)


def make_app() -> web.Application:
    # what shall see each request, the application's own 404 and 405 included
    around = [request_id(), access_log(), tracing(), metrics(), problem_details(), compress()]
    app = web.Application(middlewares=around)
    setup(app)
    app[NOTES] = ["water the plants"]
    # what stands before each route, from the outside inwards
    router = UrlDispatcherEx.install(
        app,
        concurrency(100, queue=100, wait=5),
        timeout(10),
        body_limit(64 * 1024),
        bearer_auth(find_token),
        rate_limit("10/second; 1000/hour", name="api"),  # behind the authenticator: by who asks; all routes in one
    )
    router.add_get("/notes", cache_control(private=True, max_age=10), etag(), list_notes)
    router.add_post("/notes", idempotency(store=MemoryStore()), add_note)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
