"""A token in each form and in each request of a script, for browsers that do not say where a request comes from.

`csrf()` needs no token and is enough for browsers of since 2020; put this behind it if older ones must be served. It
is the signed double submit of OWASP: a cookie holds a random id, a page holds an HMAC over this id and over the
session. Whoever sends the cookie without knowing what stands in the page is refused.

    async def write_form(request):
        token = request[CSRF_TOKEN]  # another text at each `str()`, all of them valid
        field = f'<input type="hidden" name="csrf_token" value="{token}">'
        return web.Response(text=f'<form method="post">{field}<button>Go</button></form>', content_type="text/html")

    async def log_in(request):
        request[SESSION].rotate()
        rotate_csrf_token(request)
        raise web.HTTPSeeOther("/")

    setup(app)
    protect = csrf_token(os.environ["CSRF_SECRET"], session=SESSION)  # SESSION is that of sessions()
    router = UrlDispatcherEx.install(app, sessions(store=MemoryStore()), protect)

Over plain http, in development and in tests, write `cookie="csrf", secure=False`: browsers drop a `Secure` cookie that
comes by http, unless from this machine itself; aiohttp's client drops it from there, too. The log tells it once.

A script sends the token in the header `X-CSRF-Token`; the cookie is not for scripts. In a form, urlencoded or
multipart, it is the field `csrf_token`; the body stays unread for the handler. A body over `max_body` is not looked
through: for large uploads send the header.

It does **not** protect from scripts in your own pages (XSS), from handlers that change something on GET, or from
WebSocket handshakes, which are GETs. Without `session`, who can write a cookie for this host can pair it with a token
of his own; the prefix `__Host-` has browsers refuse such a cookie from a sibling domain or over http, and two
cookies of the name are refused here. With `session`, the token of another session is worth nothing. Behind a shared
cache that ignores `Vary` and `Cache-Control`, nobody is protected: a page with a token is for one user.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from aiohttp import web
from multidict import MultiMapping, istr

from ..errors import ConfigurationError
from ..option_checks import check_count, check_name
from ..support.battery import GuardBattery, guard_battery
from ..support.cookies import Cookie, check_cookie, read_cookies
from ..support.csrf.owner import SessionSource, check_session_source, read_session_id
from ..support.csrf.request import CSRF_TOKEN, CsrfToken, rotate_csrf_token
from ..support.csrf.tokens import is_id
from ..support.forms import read_field
from ..support.responses import on_response
from ..support.signing_secrets import read_secrets
from ..syntax import SAFE_METHODS
from ..typedefs import Handler

__all__ = ("CSRF_TOKEN", "CsrfToken", "csrf_token", "rotate_csrf_token")

_BATTERY = "csrf_token()"
_FIELD = re.compile(r"[0-9A-Za-z_.-]+")  # what no form escapes


def csrf_token(
    secret: str | bytes | Sequence[str | bytes],
    *,
    cookie: str = "__Host-csrf",
    header: str = "X-CSRF-Token",
    field: str = "csrf_token",
    session: SessionSource | None = None,
    same_site: Literal["Lax", "Strict", "None"] = "Lax",
    secure: bool = True,
    max_body: int = 1024**2,
) -> GuardBattery:
    """Refuse what changes something and comes without a token that a page of ours has shown.

    Args:
        secret: at least 32 random bytes, the same in all processes; or a list of such: the first signs, all are
            accepted, so that a secret can be replaced while pages are open.
        cookie: its name; by default `"__Host-csrf"`. The prefix keeps sibling domains from writing it.
        header: where a script sends the token; by default `"X-CSRF-Token"`. If it is there, the body is not read.
        field: of a form, in letters, digits, `_`, `.` and `-`; by default `"csrf_token"`.
        session: whom a token belongs to: called with the request, async or plain, or a request key that a link
            before has set; it gives a text, bytes, the `Session` of `sessions()`, or `None` where there is no session.
            It must give the same when the page is written and when it is sent. By default a token belongs to the
            cookie alone.
        same_site: of the cookie; by default `"Lax"`. With `"Strict"`, who follows a link from another site begins
            with a new cookie, and pages that are open in other tabs have to be loaded again.
        secure: whether the cookie is for https only; by default yes. `False` needs a name without `__Host-` or
            `__Secure-`.
        max_body: the longest form to look through for the field, in bytes; by default 1 MiB.

    Raises:
        ConfigurationError: a secret is too short, or an option is not as above.

    Responds:
        403 if the method is not GET, HEAD or OPTIONS, and cookie and token do not belong together, or to the session.

    Reads/Sets:
        Reads `Cookie`, the header, the field; sets `CSRF_TOKEN`. Sets `Set-Cookie` when a client without the cookie
        is let pass, or it was rotated, and with it or with a token `Vary: Cookie` and `private` in
        `Cache-Control`, whatever there is. Needs `setup(app)`.

    Source:
        The cookie: RFC 6265; the prefix: RFC 6265bis, section 4.1.3. The tokens: OWASP, Cross-Site Request Forgery
        Prevention, signed double-submit cookie.

    Example:
        csrf_token(os.environ["CSRF_SECRET"], session=SESSION)
    """
    keys = read_secrets(_BATTERY, secret)
    id_cookie = check_cookie(_BATTERY, Cookie(name=cookie, same_site=same_site, secure=secure))
    header = istr(check_name(_BATTERY, "header", header, example="X-CSRF-Token"))
    _check_field(field)
    check_count(_BATTERY, "max_body", max_body, unit="bytes")
    find_session = None if session is None else check_session_source(_BATTERY, session)
    required = (session,) if isinstance(session, (str, web.RequestKey)) else ()
    refusal = (
        f"403: no valid CSRF token was sent with its cookie; send it as header {header}, "
        f"or as field {field} of a form of at most {max_body} bytes"
    )

    @guard_battery("csrf_token", provided=(CSRF_TOKEN,), required=required)
    async def csrf_token(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        bound = read_session_id(_BATTERY, await find_session(request)) if find_session else None
        token = request[CSRF_TOKEN] = CsrfToken(keys, id_cookie, _find_id(request.headers, cookie), bound)
        if request.method not in SAFE_METHODS and not token.accepts(
            await _find_sent(request, header, field, max_body)
        ):
            # without a cookie: browsers keep ours back when another site sends a form, and must not be given a new one
            raise web.HTTPForbidden(text=refusal)
        on_response(request, "csrf_token", token.apply)
        return await handler(request) if handler else None

    return csrf_token


def _find_id(headers: MultiMapping[str], cookie: str) -> str | None:
    """The id that a request has brought, if it can be ours."""
    found = read_cookies(headers, cookie)
    # of two, somebody else has written one, and nobody can tell which (RFC 6265, section 8.6)
    return found[0] if len(found) == 1 and is_id(found[0]) else None


async def _find_sent(request: web.Request, header: str, field: str, max_body: int) -> str:
    """The token that the client has sent, in one place, once."""
    fields = request.headers.getall(header, ())
    if fields:
        return fields[0] if len(fields) == 1 else ""
    return await read_field(request, field, max_body) or ""


def _check_field(field: object) -> None:
    if not isinstance(field, str) or not _FIELD.fullmatch(field):
        cure = "write letters, digits, '_', '.' and '-'"
        raise ConfigurationError(_BATTERY, f"field={field!r} is no name of a field", cure=cure)
