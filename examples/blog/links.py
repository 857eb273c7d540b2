"""The blog's links: each lets a request pass, or raises the answer.

Those that wait for nothing are plain functions; those that ask the database are coroutines.
"""

import re
from collections.abc import Sequence

from aiohttp import web

from aiohttp_route_middleware import Guard, named, provides, requires

from .keys import COMMENT, POST, STORE, USER, USERS
from .users import find_user


@provides(USER)
def authenticate(request: web.Request) -> None:
    """Hand on the `USER` whose bearer token (RFC 6750) came with the request."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise web.HTTPUnauthorized(
            text="send the header Authorization: Bearer TOKEN", headers={"WWW-Authenticate": "Bearer"}
        )
    user = find_user(request.config_dict[USERS].values(), token.strip())
    if user is None:
        raise web.HTTPUnauthorized(
            text="this token is not valid", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}
        )
    request[USER] = user


def authorise(scopes: Sequence[str]) -> Guard:
    """Make a link that lets users pass who have all of these scopes."""
    needed = frozenset(scopes)
    challenge = f'Bearer error="insufficient_scope", scope="{" ".join(scopes)}"'

    @named(f"authorise({', '.join(scopes)})")
    @requires(USER)
    def authorise(request: web.Request) -> None:
        user = request[USER]
        missing = sorted(needed - user.scopes)
        if missing:
            raise web.HTTPForbidden(
                text=f"{user.name} lacks {', '.join(missing)}", headers={"WWW-Authenticate": challenge}
            )

    return authorise


@provides(POST)
async def fetch_post(request: web.Request) -> None:
    """Hand on the `POST` that the path names."""
    post = await request.config_dict[STORE].find_post(_read_id(request))
    if post is None:
        raise web.HTTPNotFound(text="there is no such post")
    request[POST] = post


@provides(COMMENT)
async def fetch_comment(request: web.Request) -> None:
    """Hand on the `COMMENT` that the path names."""
    comment = await request.config_dict[STORE].find_comment(_read_id(request))
    if comment is None:
        raise web.HTTPNotFound(text="there is no such comment")
    request[COMMENT] = comment


def _read_id(request: web.Request) -> int:
    digits = request.match_info["id"]
    if not re.fullmatch("[0-9]{1,18}", digits):  # SQLite refuses integers of more than 64 bits
        raise web.HTTPNotFound(text="an id is a number of at most 18 digits")
    return int(digits)
