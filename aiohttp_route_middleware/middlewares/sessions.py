"""Sessions: what is known of a visitor from request to request, in a signed cookie or in a store.

    setup(app)
    router = UrlDispatcherEx.install(app, sessions(secret=os.environ["SESSION_SECRET"]))

    async def log_in(request):
        session = request[SESSION]
        session.rotate()            # an id that was known before the login is worth nothing after it
        session["user"] = "alice"
        raise web.HTTPSeeOther("/")

    async def log_out(request):
        request[SESSION].invalidate()
        raise web.HTTPSeeOther("/")

The session is a mapping; its values are JSON. It is saved with whatever response follows, an error included, if it has
changed, a change inside a nested value included; a cookie is set only then, or when `idle` has to go on. Change it
before a stream or a WebSocket is prepared: what is changed later is lost, and the log says so.

**With a secret** the whole session is in the cookie: signed, **not** encrypted, so that the visitor can read it; at
most about 3,000 characters; and it cannot be taken back: whoever has copied a cookie can use it until its lifetime is
over, logout or not. A list of secrets signs with the first and accepts them all: put a new one first, and drop the
last when the lifetime of what it has signed is over.

**With a store** the cookie holds 256 random bits, and the store has the session under their SHA-256: who reads the
store cannot take sessions over. `rotate()` and `invalidate()` delete the old entry; an id that the store does not
know is never adopted. If the store cannot be reached, requests with a session are answered with 503; with
`fail_open=True` they get an empty one which is not saved. `rotate()` and `invalidate()` are refused all the same, for
nobody may believe to have logged out who has not.

**Several.** Each name has a cookie and a request key of its own:

    admin = router.group("/admin", sessions(secret=SECRET, name="admin", path="/admin"))
    request[session_key("admin")]

It does **not** merge what two requests change in one session at the same time: the later one wins as a whole, while
one that has only read does not write. A session that was deleted meanwhile is not brought back. A logout takes effect
when the response is sent: where handlers are cancelled as clients leave (`handler_cancellation`), a client that leaves
before is not logged out. It does **not** hide a session from who can read the traffic (use https, as the default
`secure=True` demands), does **not** replace a CSRF check, and trusts whoever can write to the store.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from ..errors import ConfigurationError, StoreError
from ..stores.protocol import Store
from ..support.battery import MiddlewareBattery, middleware_battery
from ..support.options import check_flags
from ..support.session import EMPTY, SESSION, Session, keep_session, label_session, session_key
from ..support.session_cookie import SessionCookie, check_seconds
from ..support.session_records import Record, Records, StoredRecords
from ..typedefs import Handler

__all__ = ("SESSION", "Session", "is_alive", "session_key", "sessions")

_BATTERY = "sessions()"
_SHORTEST_SECRET = 32  # bytes: RFC 2104, section 3, discourages keys shorter than the hash
_REFRESH = 10  # parts of `idle`: one request in each is enough to go on
_logger = logging.getLogger(__name__)


def sessions(
    *,
    secret: str | bytes | Sequence[str | bytes] | None = None,
    store: Store | None = None,
    name: str = "session",
    cookie: str = "",
    path: str = "/",
    domain: str = "",
    max_age: int | None = None,
    idle: float | None = None,
    absolute: float = 14 * 24 * 3600,
    same_site: str = "Lax",
    secure: bool = True,
    http_only: bool = True,
    fail_open: bool = False,
    clock: Callable[[], float] = time.time,
) -> MiddlewareBattery:
    """Give each request a session, kept in a signed cookie or in a store.

    Args:
        secret: signs the cookie that holds the session: 32 bytes at least; of several the first signs, and all are
            accepted. Either this or a store.
        store: keeps the session; the cookie holds a random id.
        name: of these sessions; default `"session"`, whose request key is `SESSION`.
        cookie: its name; default `__Host-` and the name, `__Secure-` and the name if there is a path or a domain, the
            name alone without `secure`.
        path: under which browsers send the cookie; default `"/"`.
        domain: whose subdomains get the cookie as well; default this host alone.
        max_age: seconds that the cookie is kept after it was last set, and accepted; default until the browser is
            closed.
        idle: seconds without a request after which the session is over; default none.
        absolute: seconds after its beginning when the session is over in any case; default 14 days.
        same_site: `"Strict"`, `"Lax"`, the default, or `"None"`.
        secure: whether browsers send the cookie over https only; default yes.
        http_only: whether scripts cannot read the cookie; default yes.
        fail_open: whether a request goes on with an empty session when the store cannot be reached; default no.
        clock: tells seconds since the epoch; default `time.time`.

    Raises:
        ConfigurationError: an option is wrong, or browsers would drop the cookie.

    Responds:
        503 if the store cannot be reached; 500 if the session is not JSON or too large for a cookie.

    Reads/Sets:
        `Cookie`; `Set-Cookie` if the session has changed, then also `Cache-Control: private` unless there is another;
        `Vary: Cookie` if it was read. Provides `SESSION`, or `session_key(name)`. RFC 6265bis.

    Example:
        sessions(store=RedisStore.from_url("redis://localhost:6379/0"), idle=1800, absolute=8 * 3600)
    """
    check_flags(_BATTERY, secure=secure, http_only=http_only, fail_open=fail_open)
    key = session_key(name)
    label = label_session(name)
    cookie = cookie or _name_cookie(name, path, domain, secure)
    keeper = _Keeper(
        SessionCookie(
            name=cookie,
            path=path,
            domain=domain,
            max_age=max_age,
            same_site=same_site,
            secure=secure,
            http_only=http_only,
        ),
        _choose_vault(secret, store, name, cookie, fail_open),
        _read_lifetime(max_age, idle, absolute),
        fail_open,
        clock,
    )

    @middleware_battery(label, provided=(key,))
    async def sessions(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await keep_session(request, handler, key=key, keeper=keeper, label=label)

    return sessions


def is_alive(*, created: int, written: int, now: float, unwritten: float, absolute: float) -> bool:
    """Tell whether a session may still be used.

    Args:
        created: when it began.
        written: when it was last saved.
        now: what the clock says; all three in seconds since the epoch.
        unwritten: seconds for which it lasts after it was saved.
        absolute: seconds for which it lasts at all.
    """
    return now - written < unwritten and now - created < absolute


@dataclass(frozen=True, kw_only=True)
class _Lifetime:
    """For how many seconds a session lasts."""

    unwritten: float  # after it was saved
    absolute: float  # at all
    refresh: float  # after it was saved, until it is saved anew although nothing has changed


class _Keeper:
    """Loads and saves the sessions of one battery."""

    def __init__(
        self, cookie: SessionCookie, vault: Records, lifetime: _Lifetime, fail_open: bool, clock: Callable[[], float]
    ) -> None:
        self._cookie = cookie
        self._vault = vault
        self._lifetime = lifetime
        self._fail_open = fail_open
        self._clock = clock

    async def load(self, request: web.Request) -> Session:
        now = int(self._clock())
        found: list[Session] = []
        try:
            for value in self._cookie.read(request):
                session = await self._find(value, now)
                if session is not None:  # to ask whether it is empty would count as reading it
                    found.append(session)
        except StoreError as error:
            return self._go_without(error, now)
        if len(found) == 1:
            return found[0]
        if found:  # the browser has been given one by somebody else, and none tells which is its own
            _logger.warning("%s: a client sent several sessions in cookies of one name; none was used", _BATTERY)
        return Session(created=now, now=now)

    async def save(self, request: web.Request, session: Session) -> None:
        if session.is_detached and not session.is_renewed:
            if session.has_changed():
                _logger.error("%s: a session was not saved, for it could not be loaded", _BATTERY)
            return
        try:
            await self._save(session)
        except StoreError as error:
            if session.is_renewed or not self._fail_open or session.serialise() == EMPTY:  # a logout must not be lost
                raise web.HTTPServiceUnavailable from error
            _logger.error("%s: a session was not saved: %s", _BATTERY, error)

    async def _save(self, session: Session) -> None:
        if session.is_detached:
            raise StoreError("what could not be loaded cannot be renewed")
        text = session.serialise()
        if text == EMPTY:
            await self._forget(session)
        elif session.differs(text) or session.now - session.written >= self._lifetime.refresh:
            await self._write(session, text)

    async def _forget(self, session: Session) -> None:
        if not session.former and not session.is_renewed:
            return
        if session.former:
            await self._vault.drop(session.former)
        session.mark_saved(EMPTY, set_cookie=self._cookie.expire())

    async def _write(self, session: Session, text: str) -> None:
        is_new = session.token != session.former
        # first: should the rest fail, the visitor has to log in again
        was_there = await self._vault.drop(session.former) if is_new and session.former else True
        if not was_there and not session.is_new:  # logged out meanwhile: nothing rises again under another id
            session.mark_saved(text, set_cookie=None)
            return
        record = Record(session.token, f"{session.created}.{session.now}.{text}")
        left = session.created + self._lifetime.absolute - session.now
        value = await self._vault.keep(record, ttl=min(left, self._lifetime.unwritten), is_new=is_new)
        session.mark_saved(text, set_cookie=value and self._cookie.write(value, lifetime=int(left)))

    async def _find(self, value: str, now: int) -> Session | None:
        try:
            record = await self._vault.find(value)
            return record and self._restore(record, now)
        except ValueError:  # no text, or not what is written here
            return None

    def _restore(self, record: Record, now: int) -> Session | None:
        created, written, text = record.text.split(".", 2)
        lifetime = self._lifetime
        if not is_alive(
            created=int(created),
            written=int(written),
            now=now,
            unwritten=lifetime.unwritten,
            absolute=lifetime.absolute,
        ):
            return None
        return Session(text, token=record.token, created=int(created), now=now, written=int(written))

    def _go_without(self, error: StoreError, now: int) -> Session:
        if not self._fail_open:
            raise web.HTTPServiceUnavailable from error
        _logger.error("%s: a session was not loaded: %s", _BATTERY, error)
        return Session(created=now, now=now, is_detached=True)


def _name_cookie(name: str, path: str, domain: str, secure: bool) -> str:
    if not secure:
        return name
    return f"__Host-{name}" if path == "/" and not domain else f"__Secure-{name}"


def _choose_vault(secret: object, store: object, name: str, cookie: str, fail_open: bool) -> Records:
    if (secret is None) == (store is None):
        raise ConfigurationError(
            _BATTERY, "a secret and a store, or neither", cure="pass one of them: secret=... or store=..."
        )
    if store is None:
        if fail_open:
            raise ConfigurationError(
                _BATTERY, "fail_open without a store", cure="leave it out: a cookie is never down"
            )
        from ..support.signed_records import SignedRecords  # needs itsdangerous, which a store does not

        return SignedRecords(_read_secrets(secret), f"aiohttp_route_middleware.sessions:{name}:{cookie}")
    if not isinstance(store, Store):
        raise ConfigurationError(
            _BATTERY, f"store is {type(store).__qualname__}", cure="pass MemoryStore() or RedisStore(...)"
        )
    return StoredRecords(store, name, cookie)


def _read_secrets(secret: Any) -> Sequence[str | bytes]:
    listed: Sequence[Any] = secret if isinstance(secret, (list, tuple)) else [secret]
    for one in listed or [None]:
        if not isinstance(one, (str, bytes)) or len(one.encode() if isinstance(one, str) else one) < _SHORTEST_SECRET:
            raise ConfigurationError(
                _BATTERY,
                f"a secret is not {_SHORTEST_SECRET} bytes long, or is no text",
                cure="make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
            )
    return listed


def _read_lifetime(max_age: int | None, idle: float | None, absolute: float) -> _Lifetime:
    longest = check_seconds("absolute", absolute)
    limits = {"max_age": max_age, "idle": idle}
    given = [check_seconds(option, value) for option, value in limits.items() if value is not None]
    if any(value > longest for value in given):
        raise ConfigurationError(
            _BATTERY, "max_age or idle is longer than absolute", cure="raise absolute, the longest of the three"
        )
    return _Lifetime(
        unwritten=min([*given, longest]), absolute=longest, refresh=longest if idle is None else idle / _REFRESH
    )
