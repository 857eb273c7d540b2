"""What programs ask for: a token, and the profile."""

import time

import jwt
from aiohttp import web

from aiohttp_route_middleware import Link, requires
from aiohttp_route_middleware.middlewares.jwt_auth import jwt_auth

from .body import NAME_RULE, is_name, read_json
from .keys import SETTINGS, USER
from .users import User

ISSUER = "accounts"
AUDIENCE = "accounts API"
_ALGORITHM = "HS256"
_LIFETIME = 300  # seconds; a token cannot be taken back, not even by logging out


def make_authenticate(secret: str) -> Link:
    return jwt_auth(key=secret, algorithms=[_ALGORITHM], issuer=ISSUER, audience=AUDIENCE)


@requires(USER)
async def issue_token(request: web.Request) -> web.Response:
    user, now = request[USER], int(time.time())
    scope = " ".join(sorted(user.scopes))
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": user.login, "scope": scope, "iat": now, "exp": now + _LIFETIME}
    token = jwt.encode(claims, request.config_dict[SETTINGS].jwt_secret, algorithm=_ALGORITHM)
    answer = {"access_token": token, "token_type": "Bearer", "expires_in": _LIFETIME, "scope": scope}
    return web.json_response(answer)


@requires(USER)
async def get_profile(request: web.Request) -> web.Response:
    return write_profile(request[USER])


@requires(USER)
async def put_profile(request: web.Request) -> web.Response:
    name = (await read_json(request)).get("name")
    if not isinstance(name, str) or not is_name(name):
        raise web.HTTPUnprocessableEntity(text=NAME_RULE)
    request[USER].name = name.strip()
    return write_profile(request[USER])


def write_profile(user: User) -> web.Response:
    return web.json_response({"login": user.login, "name": user.name})
