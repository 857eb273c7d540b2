"""A sub-application: its router has links of its own, and they stand before all its routes."""

from dataclasses import asdict

from aiohttp import web

from aiohttp_route_middleware import RouteTableDef, UrlDispatcherEx

from .keys import STORE, USERS
from .links import authenticate, authorise

routes = RouteTableDef()


@routes.get("/counts")
async def count(request: web.Request) -> web.Response:
    return web.json_response(asdict(await request.config_dict[STORE].count()))


@routes.get("/users")
async def list_users(request: web.Request) -> web.Response:
    users = request.config_dict[USERS].values()
    return web.json_response([{"name": user.name, "scopes": sorted(user.scopes)} for user in users])


def make_admin() -> web.Application:
    app = web.Application()
    router = UrlDispatcherEx.install(app, authenticate, authorise(["admin"]))
    router.add_routes(routes)
    return app
