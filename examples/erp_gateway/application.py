"""The routes of the gateway, and which links stand before each proxy."""

from aiohttp import web

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.inspection import require_links
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.access_log import access_log
from aiohttp_route_middleware.middlewares.authorise import authorise
from aiohttp_route_middleware.middlewares.compress import compress
from aiohttp_route_middleware.middlewares.on_error import on_error
from aiohttp_route_middleware.middlewares.problem_details import problem_details
from aiohttp_route_middleware.middlewares.request_id import request_id

from .failures import STATUSES, apologise
from .keys import NUMBERS, SETTINGS, USERS
from .login import log_in, make_authenticate
from .numbers import Numbers
from .settings import Settings
from .upstreams import make_inventory, make_transactions
from .users import Users


def make_app(settings: Settings | None = None) -> web.Application:
    """Make the gateway; by default that of the demonstration."""
    settings = settings or Settings()
    # These see every request, also what no route answers.
    around = [request_id(), access_log(), problem_details(), on_error(dict.fromkeys(STATUSES, apologise))]
    app = web.Application(middlewares=around)
    setup(app)
    app[SETTINGS] = settings
    app[USERS] = Users()
    app[NUMBERS] = numbers = Numbers()
    app.on_startup.append(add_users)

    router = UrlDispatcherEx.install(app)
    authenticate = make_authenticate(settings.jwt_secret)
    trade = authorise(["trade"])
    transactions = make_transactions(app, settings, numbers)
    inventory = make_inventory(app, settings, numbers)
    router.add_post("/login", log_in)
    router.add_get("/status", authenticate, authorise(["status"]), show_status)
    router.add_route("*", "/transactions{tail:(/.*)?}", authenticate, trade, compress(), transactions)
    router.add_route("*", "/inventory{tail:(/.*)?}", authenticate, trade, compress(), inventory)
    require_links(app, authenticate, unless=["POST /login"])
    return app


async def show_status(request: web.Request) -> web.Response:
    return web.json_response(request.app[NUMBERS].tell())


async def add_users(app: web.Application) -> None:
    users, password = app[USERS], app[SETTINGS].password
    await users.add("WAL001", "WAL001", frozenset({"trade"}), password)
    await users.add("MAR002", "MAR002", frozenset({"trade"}), password)
    await users.add("operator", "", frozenset({"status"}), password)
