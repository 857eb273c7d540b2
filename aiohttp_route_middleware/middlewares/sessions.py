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

The session is a mapping of texts to JSON values, and has besides that an `id` for logs, `is_new`, `created`,
`rotate()` and `invalidate()`; that is all there is in it for handlers. It is saved with whatever response follows, an
error included, if it has changed, a change inside a nested value included; a cookie is set only then, or when `idle`
has to go on. Change it before a stream or a WebSocket is prepared: what is changed later is lost, and the log says so.

**Over plain http**, in development and in tests, write `secure=False`: browsers drop a `Secure` cookie that comes by
http, unless from this machine itself; aiohttp's client drops it from there, too. The log tells it once.

**With a secret** the whole session is in the cookie: signed, **not** encrypted, so that the visitor can read it; at
most about 3,000 characters; and it cannot be taken back: whoever has copied a cookie can use it until its lifetime is
over, logout or not. A list of secrets signs with the first and accepts them all: put a new one first, and drop the
last when the lifetime of what it has signed is over.

**With a store** the cookie holds 256 random bits, and the store has the session under their SHA-256: who reads the
store cannot take sessions over. `rotate()` and `invalidate()` delete the old entry; an id that the store does not
know is never adopted. If the store cannot be reached, requests with a session are answered with 503; with
`fail_open=True` they get an empty one which is not saved. `rotate()` and `invalidate()` are refused all the same, for
nobody may believe to have logged out who has not.

    from aiohttp_route_middleware.stores import MemoryStore  # for one process
    from aiohttp_route_middleware.stores.redis import RedisStore  # for many; needs the extra `redis`

    keep = sessions(store=RedisStore.from_url("redis://localhost:6379/0"), idle=1800)

**Several.** Each name has a cookie and a request key of its own:

    admin = router.group("/admin", sessions(secret=SECRET, name="admin", path="/admin"))

    async def show_admin(request):
        return web.Response(text=request[session_key("admin")].get("user", "nobody"))

Two of one name, one inside the other, are one session if they were made alike, as by `define()` in two places: what
was ended outside stays so inside. If their options differ, the answer is 500, and the log names the cure. It cannot
stand inside `any_of()`, where the cookie of a session would be lost with a refusal: put it before.

**Strangers.** Whatever is written into the session of a visitor, with a store, takes an entry there; and who sends no
cookie is a new visitor with each request. A flood of them fills a Redis, or has a `MemoryStore` drop what was used
longest ago when it holds `max_entries`: the sessions of your users. Write nothing into sessions of strangers, for one
that is only read is not kept; and limit the rate of requests where you must write, as in a login form.

It does **not** merge what two requests change in one session at the same time: the later one wins as a whole, while
one that has only read does not write. A session that was deleted meanwhile is not brought back. A logout takes effect
when the response is sent: where handlers are cancelled as clients leave (`handler_cancellation`), a client that leaves
before is not logged out. It does **not** hide a session from who can read the traffic (use https, as the default
`secure=True` demands), does **not** replace a CSRF check, and trusts whoever can write to the store.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from aiohttp import web

from ..errors import ConfigurationError
from ..option_checks import check_flags, check_function
from ..stores.protocol import Store, check_store
from ..support.battery import MiddlewareBattery, middleware_battery
from ..support.cookies import Cookie, check_cookie
from ..support.sessions.keeper import RecordKeeper
from ..support.sessions.lifetime import read_lifetime
from ..support.sessions.placement import declare_session
from ..support.sessions.records import Records, StoredRecords
from ..support.sessions.saving import keep_session
from ..support.sessions.session import SESSION, Session, find_session_key, label_session, session_key
from ..support.signing_secrets import read_secrets
from ..typedefs import Handler

__all__ = ("SESSION", "Session", "session_key", "sessions")

_BATTERY = "sessions()"


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
        503 if the store cannot be reached; 500 if the session is not JSON or too large for a cookie, or
        another link around this one keeps sessions of the same name otherwise.

    Reads/Sets:
        `Cookie`; `Set-Cookie` if the session has changed, then also `private` in `Cache-Control`, whatever there is;
        `Vary: Cookie` if it was read. Provides `SESSION`, or `session_key(name)`.

    Source:
        RFC 6265bis, sections 4.1.3 and 5.6; RFC 2104, section 3, on the length of a secret.

    Example:
        sessions(store=RedisStore.from_url("redis://localhost:6379/0"), idle=1800, absolute=8 * 3600)
    """
    key = find_session_key(_BATTERY, name)
    check_flags(_BATTERY, fail_open=fail_open)
    check_function(_BATTERY, "clock", clock, takes="")
    kept_in = check_cookie(
        _BATTERY,
        Cookie(
            name=cookie or _name_cookie(name, path, domain, secure),
            path=path,
            domain=domain,
            max_age=max_age,
            same_site=same_site,
            secure=secure,
            http_only=http_only,
        ),
    )
    label = label_session(_BATTERY, name)
    keeper = RecordKeeper(
        label=label,
        cookie=kept_in,
        records=_choose_records(secret, store, name, kept_in.name, fail_open),
        lifetime=read_lifetime(_BATTERY, max_age=max_age, idle=idle, absolute=absolute),
        fail_open=fail_open,
        clock=clock,
    )

    @middleware_battery(label, provided=(key,))
    async def sessions(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await keep_session(request, handler, key=key, keeper=keeper, label=label)

    declare_session(sessions)
    return sessions


def _name_cookie(name: str, path: str, domain: str, secure: bool) -> str:
    if not secure:
        return name
    return f"__Host-{name}" if path == "/" and not domain else f"__Secure-{name}"


def _choose_records(
    secret: str | bytes | Sequence[str | bytes] | None, store: Store | None, name: str, cookie: str, fail_open: bool
) -> Records:
    if (secret is None) == (store is None):
        raise ConfigurationError(
            _BATTERY, "a secret and a store, or neither", cure="pass one of them: secret=... or store=..."
        )
    if secret is not None:
        return _sign_records(secret, name, cookie, fail_open)
    return StoredRecords(check_store(_BATTERY, store), name, cookie)


def _sign_records(secret: str | bytes | Sequence[str | bytes], name: str, cookie: str, fail_open: bool) -> Records:
    secrets = read_secrets(_BATTERY, secret)
    if fail_open:
        raise ConfigurationError(_BATTERY, "fail_open without a store", cure="leave it out: a cookie is never down")
    from ..support.sessions.signed_records import SignedRecords  # needs itsdangerous, which a store does not

    return SignedRecords(secrets, f"aiohttp_route_middleware.sessions:{name}:{cookie}")
