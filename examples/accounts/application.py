"""The routes, and which links stand before each of them."""

from pathlib import Path

from aiohttp import web

from aiohttp_route_middleware import Link, UrlDispatcherEx
from aiohttp_route_middleware.inspection import require_links
from aiohttp_route_middleware.middlewares import IDENTITY, setup
from aiohttp_route_middleware.middlewares.authorise import authorise
from aiohttp_route_middleware.middlewares.cors import cors
from aiohttp_route_middleware.middlewares.csrf import csrf
from aiohttp_route_middleware.middlewares.csrf_token import csrf_token
from aiohttp_route_middleware.middlewares.secure_headers import CSP_NONCE
from aiohttp_route_middleware.middlewares.sessions import sessions
from aiohttp_route_middleware.middlewares.trusted_host import trusted_host
from aiohttp_route_middleware.stores import MemoryStore

from .api import get_profile, issue_token, make_authenticate, put_profile
from .headers import allow_caching, forbid_caching, hide_version, make_headers
from .keys import SETTINGS, USERS
from .links import fetch_user, name_session, recognise
from .pages import change_name, log_in, log_out, show_account, show_login
from .settings import Settings
from .users import Users

HERE = Path(__file__).parent


def make_app(settings: Settings | None = None) -> web.Application:
    """Make the application; by default that of the demonstration."""
    settings = settings or Settings()
    # These see every request, also what no route answers.
    around = [forbid_caching, make_headers(settings), trusted_host(settings.hosts)]
    app = web.Application(middlewares=around, client_max_size=64 * 1024)
    setup(app)
    app[SETTINGS] = settings
    app[USERS] = Users()
    app.on_startup.append(add_users)
    app.on_response_prepare.append(hide_version)

    router = UrlDispatcherEx.install(app, given=[CSP_NONCE])
    router.add_static("/static", HERE / "static", allow_caching)
    refuse_forged = csrf()
    require_login = authorise(redirect="/login")
    require_token = make_authenticate(settings.jwt_secret)
    add_pages(router, settings, refuse_forged, require_login)
    add_api(router, settings, require_token)

    # It does not start with a route that a stranger may use, nor with one that another site may use on your behalf:
    # what comes with a token was not sent by a browser on its own.
    require_links(app, require_login, require_token, unless=["/login", "/static/{...}"])
    require_links(app, refuse_forged, require_token, unless=["/static/{...}"])
    return app


def add_pages(router: UrlDispatcherEx, settings: Settings, refuse_forged: Link, require_login: Link) -> None:
    secure = not settings.is_local
    pages = router.group(
        "",
        refuse_forged,
        sessions(store=MemoryStore(), idle=30 * 60, absolute=8 * 3600, secure=secure),
        recognise,
        csrf_token(
            settings.csrf_secret, session=name_session, cookie="__Host-csrf" if secure else "csrf", secure=secure
        ),
        given=[IDENTITY],  # recognise sets it for those who have logged in; require_login refuses the others
    )
    pages.add_get("/login", show_login)
    pages.add_post("/login", log_in)
    with pages.group("", require_login, fetch_user) as own:
        own.add_get("/", show_account)
        own.add_post("/profile", change_name)
        own.add_post("/logout", log_out)
        own.add_post("/api/token", issue_token)


def add_api(router: UrlDispatcherEx, settings: Settings, require_token: Link) -> None:
    # cors() stands first, so that a page may read why it was refused.
    read = cors(settings.readers, headers=["Authorization"], expose=["WWW-Authenticate"], max_age=600)
    write = cors(settings.writers, headers=["Authorization"], expose=["WWW-Authenticate"], max_age=600)
    path = "/api/profile"
    router.add_get(path, read, require_token, authorise(["profile:read"]), fetch_user, get_profile)
    router.add_put(path, write, require_token, authorise(["profile:write"]), fetch_user, put_profile)


async def add_users(app: web.Application) -> None:
    password = app[SETTINGS].password
    await app[USERS].add("ada", "Ada Lovelace", frozenset({"profile:read", "profile:write"}), password)
    await app[USERS].add("grace", "Grace Hopper", frozenset({"profile:read"}), password)
