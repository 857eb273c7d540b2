"""What people see: log in, the account, log out. After each form comes a redirect, so that a reload sends nothing."""

from aiohttp import hdrs, web

from aiohttp_route_middleware import requires
from aiohttp_route_middleware.middlewares.authorise import safe_next
from aiohttp_route_middleware.middlewares.csrf_token import CSRF_TOKEN, rotate_csrf_token
from aiohttp_route_middleware.middlewares.secure_headers import CSP_NONCE
from aiohttp_route_middleware.middlewares.sessions import SESSION

from .body import NAME_RULE, is_name, read_form
from .keys import USER, USERS
from .templates import render


@requires(CSRF_TOKEN)
async def show_login(request: web.Request) -> web.Response:
    return write_login(request, safe_next(request.query.get("next")))


@requires(SESSION, CSRF_TOKEN)
async def log_in(request: web.Request) -> web.Response:
    form = await read_form(request)
    login, goal = form.get("login", ""), safe_next(form.get("next"))
    user = await request.config_dict[USERS].check(login, form.get("password", ""))
    if user is None:
        problem = "This is not the user, or not the password."
        return write_login(request, goal, login=login, problem=problem, status=403)
    request[SESSION].rotate()  # an id that somebody knew before the login is worth nothing after it
    request[SESSION]["user"] = user.login
    rotate_csrf_token(request)
    return go_on(goal)


@requires(USER, CSRF_TOKEN, CSP_NONCE)
async def show_account(request: web.Request) -> web.Response:
    return write_account(request, request[USER].name)


@requires(USER, CSRF_TOKEN, CSP_NONCE)
async def change_name(request: web.Request) -> web.Response:
    name = (await read_form(request)).get("name", "")
    if not is_name(name):
        return write_account(request, name, problem=NAME_RULE, status=422)
    request[USER].name = name.strip()
    return go_on("/")


@requires(SESSION, CSRF_TOKEN)
async def log_out(request: web.Request) -> web.Response:
    request[SESSION].invalidate()
    rotate_csrf_token(request)
    return go_on("/login")


def write_login(
    request: web.Request, goal: str, *, login: str = "", problem: str = "", status: int = 200
) -> web.Response:
    text = render(
        "login", title="Log in", csrf_token=str(request[CSRF_TOKEN]), next=goal, login=login, problem=problem
    )
    return web.Response(text=text, content_type="text/html", status=status)


def write_account(request: web.Request, written: str, *, problem: str = "", status: int = 200) -> web.Response:
    text = render(
        "account",
        title="Your account",
        name=request[USER].name,
        written=written,
        problem=problem,
        csrf_token=str(request[CSRF_TOKEN]),
        nonce=request[CSP_NONCE],
    )
    return web.Response(text=text, content_type="text/html", status=status)


def go_on(path: str) -> web.Response:
    return web.Response(status=303, headers={hdrs.LOCATION: path})
