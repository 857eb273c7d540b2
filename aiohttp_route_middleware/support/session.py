"""The session of a request: what a handler reads and changes, and when that is kept.

Rules kept here, whoever keeps the session:

- what is kept is JSON; a change is noticed by comparing the text, so that one inside a nested value counts;
- a session is saved when its chain has ended, or when a response is prepared inside of it, whichever comes first;
  it is looked at again before any headers are sent, for what links outside have changed in the meantime;
- a failure to save is an answer of its own, and no cookie is sent with that;
- what is changed after the headers are sent is lost, and an error in the log says so.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import secrets
from collections.abc import Iterator, MutableMapping
from typing import Any, Protocol

from aiohttp import hdrs, web

from ..errors import ConfigurationError, SessionError
from ..typedefs import Handler
from .headers import merge_vary, on_response, set_header

__all__ = (
    "EMPTY",
    "SESSION",
    "Session",
    "SessionKeeper",
    "dump",
    "keep_session",
    "label_session",
    "session_key",
)

EMPTY = "{}"
_write = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_logger = logging.getLogger(__name__)


class Session(MutableMapping[str, Any]):
    """What is known of one visitor from request to request; a mapping of JSON values.

    Args:
        text: what was kept, as JSON; default nothing.
        token: what the cookie holds; default none, for a new session.
        created: when it began, in seconds since the epoch.
        now: when this request began, likewise.
        written: when it was last saved, likewise.
        is_detached: it could not be loaded, and is not saved.

    Example:
        request[SESSION]["user"] = "alice"
        request[SESSION].rotate()
    """

    __slots__ = (
        "_attached",
        "_data",
        "_text",
        "_token",
        "created",
        "former",
        "is_detached",
        "is_new",
        "is_renewed",
        "kept_by",
        "now",
        "set_cookies",
        "written",
    )

    def __init__(
        self,
        text: str = EMPTY,
        *,
        token: str = "",
        created: int = 0,
        now: int = 0,
        written: int = 0,
        is_detached: bool = False,
    ) -> None:
        self._text = text
        self._data: dict[str, Any] | None = None  # parsed when it is first looked at
        self._attached: dict[str, Any] = {}
        self.now: int = now
        self._token = token
        self.created: int = created
        self.written: int = written
        self.former: str = token  # what the client has, "" if nothing that is known
        self.is_new: bool = not token
        self.is_renewed: bool = False  # rotate() or invalidate() was called, and that is not saved yet
        self.is_detached: bool = is_detached
        self.kept_by: object = None
        self.set_cookies: list[str] = []  # lines that the response shall bear

    @property
    def id(self) -> str:
        """Names the session in logs, and in what is bound to it; nobody can take the session over with it.

        It is SHA-256 of what the cookie holds, in hexadecimal. That of a session which is never saved means nothing.
        """
        return hashlib.sha256(self.token.encode()).hexdigest()

    @property
    def token(self) -> str:
        """What the cookie holds: a secret; made, of 256 random bits, when it is first needed."""
        if not self._token:
            self._token = secrets.token_urlsafe(32)
        return self._token

    @property
    def was_read(self) -> bool:
        """Whether anything has looked into it, or changed it."""
        return self._data is not None

    def rotate(self) -> None:
        """Go on under a new id, and have the old one forgotten: call it at login, and whenever rights change.

        The lifetime goes on as well; call `invalidate()` first for a new one.
        """
        self._token = ""
        self.is_renewed = True

    def invalidate(self) -> None:
        """Forget everything, and have the cookie deleted: call it at logout. What is set afterwards begins anew."""
        self.rotate()
        self._data = {}
        self.is_new = True
        self.created = self.now

    def attach(self, key: str, value: Any) -> None:
        """Keep a value as soon as the session holds anything else; alone it makes no session."""
        self._attached[key] = value

    def serialise(self) -> str:
        """Write the data as JSON.

        Raises:
            SessionError: a value is not JSON; the message names its key.
        """
        if self._data is None:
            return self._text
        if not self._data:
            return EMPTY
        self._data.update(self._attached)
        return dump(self._data)

    def has_changed(self) -> bool:
        """Tell whether there is anything to save; what is not JSON cannot have been there before."""
        try:
            return self.differs(self.serialise())
        except SessionError:
            return True

    def differs(self, text: str) -> bool:
        """Tell whether this text has to be saved."""
        return self.is_renewed or text != self._text

    def mark_saved(self, text: str, *, set_cookie: str | None) -> None:
        """Remember what was saved, so that it is not saved again."""
        self._text = text
        self.former = self._token = "" if text == EMPTY else self.token
        self.is_renewed = False
        self.written = self.now
        if set_cookie:
            self.set_cookies = [set_cookie]

    def __getitem__(self, key: str) -> Any:
        return self._values()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):  # JSON would make a text of it, and the next request would not find it
            raise TypeError(f"session[{key!r}]: keys are texts; write session[{str(key)!r}]")
        self._values()[key] = value

    def __delitem__(self, key: str) -> None:
        del self._values()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values())

    def __len__(self) -> int:
        return len(self._values())

    def __repr__(self) -> str:  # what it holds is nobody's business
        return f"<Session {'new' if self.is_new else self.id[:8]}>"

    def _values(self) -> dict[str, Any]:
        data = self._data
        if data is None:
            data = self._data = json.loads(self._text)
        return data


class SessionKeeper(Protocol):
    """Where sessions are kept between requests."""

    async def load(self, request: web.Request) -> Session:
        """Return the session of a request, or a new one."""
        ...

    async def save(self, request: web.Request, session: Session) -> None:
        """Save what has changed, and put the cookie into `session.set_cookies`; to call it twice does no harm."""


def dump(data: dict[str, Any]) -> str:
    """Write JSON; equal data in equal order give equal texts.

    Raises:
        SessionError: a value is not JSON; the message names its key, never the value.
    """
    try:
        return _write(data)
    except (TypeError, ValueError, RecursionError) as error:
        key, value = next((item for item in data.items() if not _is_json(item[1])), ("", data))
        raise SessionError(
            f"session[{key!r}] is not JSON: it holds {type(value).__qualname__}, or has one inside of it; "
            "keep texts, finite numbers, booleans, None, lists and dicts of them"
        ) from error


def session_key(name: str = "session") -> web.RequestKey[Session]:
    """Return the request key of the sessions of a name: `SESSION` by default, `session_key("admin")` for another.

    Raises:
        ConfigurationError: the name is not one.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigurationError("sessions()", f"name={name!r}", cure="use letters, digits, - and _, 64 at most")
    if name not in _keys:
        _keys[name] = web.RequestKey("SESSION" if name == "session" else f"SESSION[{name}]", Session)
    return _keys[name]


def label_session(name: str) -> str:
    """What sessions of a name are called in errors and logs; only one of them saves a request's session."""
    return "sessions" if name == "session" else f"sessions:{name}"


_keys: dict[str, web.RequestKey[Session]] = {}
SESSION = session_key()


async def keep_session(
    request: web.Request, handler: Handler, *, key: web.RequestKey[Session], keeper: SessionKeeper, label: str
) -> web.StreamResponse:
    """Load a session, run the handler with it, save it; what batteries that keep sessions do for each request."""
    around = request.get(key)
    if around is not None and around.kept_by is keeper:  # the same link stands in an outer scope, too
        return await handler(request)
    session = request[key] = await keeper.load(request)
    session.kept_by = keeper
    saving = _Saving(session, keeper, label)
    on_response(request, label, saving.apply)
    try:
        response = await handler(request)
    except Exception:
        await saving.settle(request)
        raise
    await saving.settle(request)
    return response


class _Saving:
    """When one session is saved."""

    __slots__ = ("has_failed", "is_sent", "keeper", "label", "session")

    def __init__(self, session: Session, keeper: SessionKeeper, label: str) -> None:
        self.session = session
        self.keeper = keeper
        self.label = label
        self.is_sent = False
        self.has_failed = False

    async def settle(self, request: web.Request) -> None:
        """The chain has ended: a failure now is still an answer, while one in `apply()` would cut the connection."""
        if self.has_failed:  # in `apply()`, and that is what has ended the chain
            return
        if not self.is_sent:
            await self._save(request)
        elif self.session.has_changed():
            _logger.error(
                "%s(): the session was changed after the response had been sent, and that is lost; "
                "change it before the response is prepared",
                self.label,
            )

    async def apply(self, request: web.Request, response: web.StreamResponse) -> None:
        """The headers are about to be sent."""
        if self.has_failed:  # this is the response that tells so
            return
        self.is_sent = True
        await self._save(request)
        if self.session.set_cookies:
            # RFC 9111, section 7.3: Set-Cookie alone does not keep a shared cache from handing it to others.
            set_header(response.headers, hdrs.CACHE_CONTROL, "private")
        for line in self.session.set_cookies:
            response.headers.add(hdrs.SET_COOKIE, line)
        if self.session.was_read or self.session.set_cookies:
            merge_vary(response.headers, hdrs.COOKIE)

    async def _save(self, request: web.Request) -> None:
        try:
            await self.keeper.save(request, self.session)
        except BaseException:
            self.has_failed = True
            raise


def _is_json(value: Any) -> bool:
    try:
        _write(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
