"""From the session or the token to the user."""

from aiohttp import web

from aiohttp_route_middleware import provides, requires
from aiohttp_route_middleware.middlewares import IDENTITY, Identity
from aiohttp_route_middleware.middlewares.sessions import SESSION

from .keys import USER, USERS
from .users import User


@requires(SESSION)
def recognise(request: web.Request) -> None:
    """Set `IDENTITY` if somebody has logged in; strangers pass as well, so it does not declare `@provides(IDENTITY)`.

    The routes behind it vouch with `given=[IDENTITY]`, and `authorise()` decides about strangers.
    """
    user = request.config_dict[USERS].find(request[SESSION].get("user", ""))
    if user is not None:
        request[IDENTITY] = Identity(user.login, user.scopes)


def name_session(request: web.Request) -> str | None:
    """Whom a token in a form belongs to: the session, or nobody before the login."""
    session = request[SESSION]
    return None if session.is_new else session.id


@requires(IDENTITY)
@provides(USER)
def fetch_user(request: web.Request) -> None:
    """Hand on the `USER` who is asking; a token may be older than what has become of its user."""
    user: User | None = request.config_dict[USERS].find(request[IDENTITY].subject)
    if user is None:
        raise web.HTTPForbidden(text="there is no such user any more")
    request[USER] = user
