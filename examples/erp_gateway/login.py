"""A name and a password in, a token out; and the link that takes the token."""

import json
import time

import jwt
from aiohttp import web

from aiohttp_route_middleware import Link
from aiohttp_route_middleware.middlewares.jwt_auth import jwt_auth

from .keys import SETTINGS, USERS

ISSUER = "erp-gateway"
ALGORITHM = "HS256"
LIFETIME = 3600  # seconds; a token cannot be taken back


def make_authenticate(secret: str) -> Link:
    return jwt_auth(key=secret, algorithms=[ALGORITHM], issuer=ISSUER, audience=ISSUER)


async def log_in(request: web.Request) -> web.Response:
    login, password = await read_login(request)
    user = await request.app[USERS].check(login, password)
    if user is None:
        raise web.HTTPUnauthorized(text="user or password is wrong", headers={"WWW-Authenticate": "Bearer"})
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": user.login,
        "shop": user.shop,
        "scope": " ".join(sorted(user.scopes)),
        "iat": now,
        "exp": now + LIFETIME,
    }
    token = jwt.encode(claims, request.app[SETTINGS].jwt_secret, algorithm=ALGORITHM)
    return web.json_response({"token": token, "expires_in": LIFETIME}, headers={"Cache-Control": "no-store"})


async def read_login(request: web.Request) -> tuple[str, str]:
    """Read a JSON object with `user` and `password`; what a client sent wrong is a clear answer, never a 500."""
    try:
        data = json.loads(await request.read())
    except (ValueError, RecursionError, web.RequestPayloadError) as error:
        raise web.HTTPBadRequest(text="the body is not JSON") from error
    login, password = (data.get("user"), data.get("password")) if isinstance(data, dict) else (None, None)
    if not isinstance(login, str) or not isinstance(password, str):
        raise web.HTTPUnprocessableEntity(text='send {"user": "...", "password": "..."}')
    return login, password
