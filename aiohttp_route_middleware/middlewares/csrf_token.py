"""A token in each form and in each request of a script, for browsers that do not say where a request comes from.

`csrf()` needs no token and is enough for browsers of since 2020; put this behind it if older ones must be served. It
is the signed double submit of OWASP: a cookie holds a random id, a page holds an HMAC over this id and over the
session. Whoever sends the cookie without knowing what stands in the page is refused.

    async def write_form(request):
        token = request[CSRF_TOKEN]  # another text at each `str()`, all of them valid
        return web.Response(text=f'<form method="post"><input type="hidden" name="csrf_token" value="{token}">…')

    async def log_in(request):
        …
        rotate_csrf_token(request)
        raise web.HTTPSeeOther("/")

    setup(app)
    protect = csrf_token(os.environ["CSRF_SECRET"], session=SESSION)  # SESSION is that of sessions()
    router = UrlDispatcherEx.install(app, sessions(store=store), protect)

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

import inspect
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from aiohttp import hdrs, web
from multidict import istr

from ..errors import ConfigurationError
from ..naming import describe
from ..support.battery import GuardBattery, call, guard_battery
from ..support.csrf_body import read_field
from ..support.csrf_cookie import CsrfCookie
from ..support.csrf_tokens import is_valid, make_id, make_token, read_keys
from ..support.headers import merge_vary, on_response, set_header
from ..support.session import Session
from ..typedefs import Handler, Key

__all__ = ("CSRF_TOKEN", "CsrfToken", "csrf_token", "rotate_csrf_token")

SessionId: TypeAlias = "str | bytes | None"
SessionSource: TypeAlias = "Callable[[web.Request], SessionId | Awaitable[SessionId]] | Key"

_SAFE_METHODS = frozenset((hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS))
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token of RFC 9110, section 5.6.2
_FIELD = re.compile(r"[0-9A-Za-z_.-]+")  # what no form escapes


@dataclass(frozen=True, kw_only=True, slots=True)
class _Options:
    """What the factory was given, ready for use."""

    keys: tuple[bytes, ...]
    cookie: CsrfCookie
    header: istr
    field: str
    max_body: int


class CsrfToken:
    """The token of one request: `str()` writes it, masked afresh each time, for a page or a script to send back.

    It is to be written before the headers are sent: what it stands in must not be kept by a shared cache.
    """

    __slots__ = ("_id", "_is_known", "_is_sent", "_is_shown", "_options", "_session")

    def __init__(self, options: _Options, known: str | None, session: bytes | None) -> None:
        self._options = options
        self._is_known = known is not None  # to the client
        self._id = known or make_id()
        self._session = session
        self._is_shown = self._is_sent = False

    def __str__(self) -> str:
        self._is_shown = True
        return make_token(self._options.keys[0], self._id, self._session)

    def accepts(self, token: str) -> bool:
        """Whether the client has sent the cookie, and a token that belongs to it."""
        return self._is_known and is_valid(token, self._options.keys, self._id, self._session)

    def rotate(self) -> None:
        """Begin a new id: all tokens that were written before are worth nothing with its cookie."""
        if self._is_sent:
            raise ConfigurationError(
                "rotate_csrf_token()", "the headers are sent already", cure="call it before the response is prepared"
            )
        self._id = make_id()
        self._is_known = False

    def bind(self, session: SessionId) -> None:
        """Belong to another session from here on."""
        self._session = _read_session(session)

    def apply(self, request: web.Request, response: web.StreamResponse) -> None:
        """Set the cookie if the client has not got it; keep caches from giving it, or the token, to others."""
        self._is_sent = True
        headers = response.headers
        if not self._is_known:  # beside all cookies that were set by others
            headers.add(hdrs.SET_COOKIE, self._options.cookie.write(self._id))
        elif not self._is_shown:
            return
        merge_vary(headers, hdrs.COOKIE)
        set_header(headers, hdrs.CACHE_CONTROL, "private")


CSRF_TOKEN = web.RequestKey("CSRF_TOKEN", CsrfToken)


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
        secret: at least 16 random bytes, the same in all processes; or a list of such: the first signs, all are
            accepted, so that a secret can be replaced while pages are open.
        cookie: its name. A name that begins with `__Host-` keeps sibling domains from writing it.
        header: where a script sends the token; if it is there, the body is not read.
        field: of a form, in letters, digits, `_`, `.` and `-`.
        session: whom a token belongs to: called with the request, async or plain, or a request key that a link
            before has set; it gives a text, bytes, or `None` where there is no session. It must give the same when
            the page is written and when it is sent. By default a token belongs to the cookie alone.
        same_site: of the cookie. With `Strict`, who follows a link from another site begins with a new cookie, and
            pages that are open in other tabs have to be loaded again.
        secure: whether the cookie is for https only; `False` needs a name without `__Host-` or `__Secure-`.
        max_body: the longest form to look through for the field, in bytes; by default 1 MiB.

    Raises:
        ConfigurationError: a secret is too short, or an option is not as above.

    Responds:
        403 if the method is not GET, HEAD or OPTIONS, and cookie and token do not belong together, or to the session.

    Reads/Sets:
        Reads `Cookie`, the header, the field; sets `CSRF_TOKEN`. Sets `Set-Cookie` when a client without the cookie
        is let pass, or it was rotated, and with it or with a token `Vary: Cookie` and `Cache-Control: private`,
        unless the handler has set another. Needs `setup(app)`.
        The cookie: RFC 6265; the prefix: RFC 6265bis, section 4.1.3.

    Example:
        csrf_token(os.environ["CSRF_SECRET"], session=SESSION)
    """
    _check_places(header, field, max_body)
    options = _Options(
        keys=read_keys(secret, "csrf_token()"),
        cookie=CsrfCookie(cookie, same_site=same_site, secure=secure, battery="csrf_token()"),
        header=istr(header),
        field=field,
        max_body=max_body,
    )
    find_session = _choose_session(session)
    required = (session,) if isinstance(session, (str, web.RequestKey)) else ()

    @guard_battery("csrf_token", provided=(CSRF_TOKEN,), required=required)
    async def csrf_token(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        bound = _read_session(await find_session(request)) if find_session else None
        token = request[CSRF_TOKEN] = CsrfToken(options, options.cookie.find_id(request.headers), bound)
        if request.method not in _SAFE_METHODS and not token.accepts(await _find_sent(request, options)):
            # without a cookie: browsers keep ours back when another site sends a form, and must not be given a new one
            raise web.HTTPForbidden(text=_REFUSAL.format(options=options))
        on_response(request, "csrf_token", token.apply)
        return await handler(request) if handler else None

    return csrf_token


_REFUSAL = (
    "403: no valid CSRF token was sent with its cookie; send it as header {options.header}, "
    "or as field {options.field} of a form of at most {options.max_body} bytes"
)


class _Unchanged:
    """No session was given."""


_UNCHANGED: Final = _Unchanged()


def rotate_csrf_token(request: web.Request, *, session: SessionId | _Unchanged = _UNCHANGED) -> None:
    """Begin a new cookie, so that tokens which were shown before are worth nothing: at login and at logout.

    Args:
        request: behind `csrf_token()`.
        session: the session that begins, as the `session` of `csrf_token()` will give it from now on; needed if the
            response to this very request shows a token.

    Raises:
        ConfigurationError: there is no `csrf_token()` before, or the headers of the response are sent already.

    Example:
        rotate_csrf_token(request)
    """
    token = request.get(CSRF_TOKEN)
    if token is None:
        cure = "put csrf_token() before the handler"
        raise ConfigurationError("rotate_csrf_token()", "this request has no token", cure=cure)
    token.rotate()
    if not isinstance(session, _Unchanged):
        token.bind(session)


async def _find_sent(request: web.Request, options: _Options) -> str:
    """The token that the client has sent, in one place, once."""
    fields = request.headers.getall(options.header, ())
    if fields:
        return fields[0] if len(fields) == 1 else ""
    return await read_field(request, options.field, options.max_body) or ""


def _choose_session(session: Any) -> Callable[[web.Request], Awaitable[SessionId]] | None:
    if session is None or inspect.iscoroutinefunction(session):
        found: Callable[[web.Request], Awaitable[SessionId]] | None = session
        return found
    if not callable(session) and not isinstance(session, (str, web.RequestKey)):
        cure = "pass a function of the request, or a request key"
        raise ConfigurationError("csrf_token()", f"session is {describe(session)}", cure=cure)

    async def find_session(request: web.Request) -> Any:
        return await call(session, request) if callable(session) else request[session]

    return find_session


def _read_session(session: object) -> bytes | None:
    """A session as bytes; what is no session must not pass as none, for then all would share one."""
    if session in (None, "", b""):  # an empty one is nobody's: all who are nobody would share it
        return None
    if isinstance(session, bytes):
        return session
    if isinstance(session, Session):  # one that is not kept yet has another id in each request
        return None if session.is_new else session.id.encode()
    if isinstance(session, str):
        return session.encode("utf-8", "surrogatepass")
    cure = "give a text or bytes that only this session has, or None"
    raise ConfigurationError("csrf_token()", f"the session is {type(session).__qualname__}", cure=cure)


def _check_places(header: object, field: object, max_body: object) -> None:
    if not isinstance(header, str) or not _NAME.fullmatch(header):
        cure = 'write header="X-CSRF-Token"'
        raise ConfigurationError("csrf_token()", f"header={header!r} is no name of a header", cure=cure)
    if not isinstance(field, str) or not _FIELD.fullmatch(field):
        cure = "write letters, digits, '_', '.' and '-'"
        raise ConfigurationError("csrf_token()", f"field={field!r} is no name of a field", cure=cure)
    if type(max_body) is not int or max_body < 1:
        cure = "write a number of bytes: 1024**2"
        raise ConfigurationError("csrf_token()", f"max_body={max_body!r}", cure=cure)
