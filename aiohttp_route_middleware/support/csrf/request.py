"""The CSRF token of one request: shown in a page, compared with what was sent, and begun anew at login.

Rules kept here: who has not sent the cookie is accepted with no token; the cookie is set when the client has not got
it, and then, or if the token was shown, no shared cache may keep the response.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiohttp import hdrs, web

from ...errors import ConfigurationError
from ...keys import note_key
from ..content.cache_directives import restrict
from ..cookies import Cookie
from ..network.lost_cookies import warn_of_lost_cookie
from ..personal import Personal
from ..vary import merge_vary
from .owner import SessionId, read_session_id
from .tokens import is_valid, make_id, make_token

__all__ = ("CSRF_TOKEN", "CsrfToken", "rotate_csrf_token")

_ROTATE = "rotate_csrf_token()"


class CsrfToken(Personal):
    """The token of one request: `str()` writes it, masked afresh each time, for a page or a script to send back.

    It is to be written before the headers are sent: what it stands in must not be kept by a shared cache.

    Args:
        keys: which sign, the first, or have signed.
        cookie: which keeps the id.
        known: the id that the client has sent; `None` if there is none.
        session: whom it belongs to.
    """

    __slots__ = ("_cookie", "_id", "_is_known", "_is_sent", "_is_shown", "_keys", "_session")

    def __init__(self, keys: Sequence[bytes], cookie: Cookie, known: str | None, session: bytes | None) -> None:
        self._keys = keys
        self._cookie = cookie
        self._is_known = known is not None  # to the client
        self._id = known or make_id()
        self._session = session
        self._is_shown = self._is_sent = False

    def __str__(self) -> str:
        self._is_shown = True
        return make_token(self._keys[0], self._id, self._session)

    @property
    def __is_personal__(self) -> bool:
        """Whether the response may hold a token, or its cookie; a cache that others share looks at this."""
        return self._is_shown or not self._is_known

    def accepts(self, token: str) -> bool:
        """Whether the client has sent the cookie, and a token that belongs to it."""
        return self._is_known and is_valid(token, self._keys, self._id, self._session)

    def rotate(self) -> None:
        """Begin a new id: all tokens that were written before are worth nothing with its cookie."""
        if self._is_sent:
            raise ConfigurationError(
                _ROTATE, "the headers are sent already", cure="call it before the response is prepared"
            )
        self._id = make_id()
        self._is_known = False

    def bind(self, session: bytes | None) -> None:
        """Belong to another session from here on."""
        self._session = session

    def apply(self, request: web.Request, response: web.StreamResponse) -> None:
        """Set the cookie if the client has not got it; keep caches from giving it, or the token, to others."""
        self._is_sent = True
        headers = response.headers
        if not self._is_known:  # beside all cookies that were set by others
            headers.add(hdrs.SET_COOKIE, self._cookie.write(self._id))
            if self._cookie.secure:
                warn_of_lost_cookie(request, "csrf_token")
        elif not self._is_shown:
            return
        merge_vary(headers, hdrs.COOKIE)
        restrict(headers, "private")


CSRF_TOKEN = web.RequestKey("CSRF_TOKEN", CsrfToken)
note_key(CSRF_TOKEN, "middlewares.csrf_token.CSRF_TOKEN", set_by="csrf_token()")


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
        raise ConfigurationError(_ROTATE, "this request has no token", cure=cure)
    token.rotate()
    if not isinstance(session, _Unchanged):
        token.bind(read_session_id(_ROTATE, session))
