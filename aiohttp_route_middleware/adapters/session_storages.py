"""The storages of aiohttp-session, as a link: cookie, encrypted cookie, Redis, and what others have written.

For applications that have sessions in one of those already. What was stored stays readable, and handlers write
`request[SESSION]` where they wrote `await get_session(request)`:

    from aiohttp_session.cookie_storage import EncryptedCookieStorage  # or redis_storage, for RedisStorage

    router = UrlDispatcherEx.install(app, session_storages(EncryptedCookieStorage(KEY)))

    async def log_in(request):
        request[SESSION].rotate()
        request[SESSION]["user"] = "alice"

It does what aiohttp-session's own middleware does not: `rotate()` and `invalidate()` give a new id and delete the old
entry, so that an id known before the login is worth nothing after it; a change before a stream or a WebSocket is
prepared is saved; a change inside a nested value counts; a session deleted meanwhile is not brought back; what a
client has garbled is no session, where a storage would fail.

Everything else is as the storage has it, and does **not** become safer here: `SimpleCookieStorage` signs nothing, ids
are stored as they are, a cookie is `Secure` only if you have told the storage so, and cookies of one name are not
told apart. It cannot stand inside `any_of()`, and two of one name, one inside the other, need the same storage
object: else the answer is 500. Where a storage has no ids, `session.id` is another at each request. Values must be
JSON, whatever the storage's encoder could write. A storage that cannot be reached raises what it raises: the answer
is 500.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from aiohttp import web

from ..errors import ConfigurationError, MissingDependencyError
from ..naming import describe
from ..option_checks import check_function
from ..support.battery import MiddlewareBattery, awaiting, middleware_battery
from ..support.sessions.placement import declare_session
from ..support.sessions.saving import keep_session
from ..support.sessions.session import SESSION, Session, find_session_key, label_session, session_key
from ..support.sessions.state import EMPTY, SessionState, dump
from ..typedefs import Handler

try:
    import aiohttp_session
except ImportError as _error:
    raise MissingDependencyError("aiohttp-session", "aiohttp-session") from _error

__all__ = ("SESSION", "Session", "session_key", "session_storages")

Delete: TypeAlias = Callable[[str], "object | Awaitable[object]"]
_Forget: TypeAlias = Callable[[str], Awaitable[object]]

_BATTERY = "session_storages()"
# Told by name: to import them would need their libraries.
_IN_COOKIES = {
    "aiohttp_session.SimpleCookieStorage",
    "aiohttp_session.cookie_storage.EncryptedCookieStorage",
    "aiohttp_session.nacl_storage.NaClCookieStorage",
}
_IN_REDIS = "aiohttp_session.redis_storage.RedisStorage"
_GARBLED = (ValueError, TypeError, AttributeError, LookupError, RecursionError)  # what storages raise then


def session_storages(
    storage: aiohttp_session.AbstractStorage, *, name: str = "session", delete: Delete | None = None
) -> MiddlewareBattery:
    """Give each request a session that a storage of aiohttp-session keeps.

    Args:
        storage: of aiohttp-session, made as its documentation says.
        name: of these sessions; default `"session"`, whose request key is `SESSION`.
        delete: called with an id, async or plain; forgets what the storage keeps under it. Default: known for the
            storages in cookies, which keep nothing, and in Redis; needed for all others.

    Raises:
        ConfigurationError: it is no storage, nobody knows how to delete from it, or the name is none.

    Responds:
        500 if the session is not JSON, or too large for a cookie, or the storage raises; if another link around it
        keeps sessions of the same name otherwise.

    Reads/Sets:
        `Cookie`; `Set-Cookie` if the session has changed, then also `private` in `Cache-Control`, whatever there is;
        `Vary: Cookie` if it was read. Provides `SESSION`, or `session_key(name)`.

    Example:
        session_storages(RedisStorage(Redis.from_url("redis://localhost:6379/0"), max_age=3600))
    """
    key = find_session_key(_BATTERY, name)
    label = label_session(_BATTERY, name)
    keeper = _Keeper(storage, delete, *_choose_delete(storage, delete))

    @middleware_battery(label_session(_BATTERY, name, type(storage).__name__), provided=(key,))
    async def session_storages(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await keep_session(request, handler, key=key, keeper=keeper, label=label)

    declare_session(session_storages)
    return session_storages


class _Keeper:
    """Loads and saves through a storage; a storage writes its cookie to a response of its own."""

    def __init__(
        self, storage: aiohttp_session.AbstractStorage, told: Delete | None, delete: _Forget, has_ids: bool
    ) -> None:
        self._storage = storage
        self._told = told
        self._delete = delete
        self._has_ids = has_ids

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keeper) and other._storage is self._storage and other._told is self._told

    async def load(self, request: web.Request) -> SessionState:
        """Return the session of a request, or a new one."""
        foreign = await self._load(request)
        created, now = foreign.created, int(time.time())
        if foreign.new or foreign.empty:
            return SessionState(created=created, now=now)
        text = dump(dict(foreign))
        return SessionState(text, token=foreign.identity or "", created=created, now=now, is_new=False)

    async def save(self, request: web.Request, state: SessionState) -> None:
        """Save what has changed, and put the cookie into `state.set_cookie`."""
        text = state.serialise()
        if not state.differs(text):
            return
        scratch = web.Response()
        if text == EMPTY:
            await self._forget(state, scratch)
        else:
            await self._write(request, state, text, scratch)
        lines = [morsel.OutputString() for morsel in scratch.cookies.values()]
        state.mark_saved(text, set_cookie=lines[0] if lines else "")

    async def _forget(self, state: SessionState, scratch: web.Response) -> None:
        if state.former:
            await self._delete(state.former)
        attributes: dict[str, Any] = {**self._storage.cookie_params, "max_age": 0}
        scratch.set_cookie(self._storage.cookie_name, "", **attributes)

    async def _write(self, request: web.Request, state: SessionState, text: str, scratch: web.Response) -> None:
        foreign = await self._load(request)
        if not state.is_new and not state.set_cookie and (foreign.new or foreign.empty):
            return  # logged out meanwhile: nothing rises again, nor under another id
        if state.is_renewed or state.is_new or state.set_cookie:  # a new id, or one that this request has made
            foreign = await self._begin(state)
        else:
            foreign.invalidate()
        foreign.update(json.loads(text))
        await self._storage.save_session(request, scratch, foreign)

    async def _begin(self, state: SessionState) -> aiohttp_session.Session:
        if state.former:
            await self._delete(state.former)
        foreign = await self._storage.new_session()
        if self._has_ids:
            foreign.set_new_identity(state.token)  # 256 bits, where a storage has its own idea of an id
        return foreign

    async def _load(self, request: web.Request) -> aiohttp_session.Session:
        try:
            return await self._storage.load_session(request)
        except _GARBLED:
            return await self._storage.new_session()


def _choose_delete(storage: object, delete: Delete | None) -> tuple[_Forget, bool]:
    if not isinstance(storage, aiohttp_session.AbstractStorage):
        raise ConfigurationError(_BATTERY, f"the storage is {describe(storage)}", cure="pass one of aiohttp-session")
    kind = f"{type(storage).__module__}.{type(storage).__qualname__}"  # a subclass may keep things elsewhere
    if delete is not None:
        check_function(_BATTERY, "delete", delete, takes="id")
        return awaiting(delete), True
    if kind in _IN_COOKIES:
        return _keep_nothing, False
    if kind == _IN_REDIS:
        return _delete_from_redis(storage), True
    raise ConfigurationError(
        _BATTERY,
        f"it is not known how {type(storage).__qualname__} forgets an id, and none must survive the login",
        cure="pass delete=, a function that forgets what is kept under an id",
    )


def _delete_from_redis(storage: Any) -> _Forget:
    async def delete(identity: str) -> None:
        await storage._redis.delete(f"{storage.cookie_name}_{identity}")  # it has no other door

    return delete


async def _keep_nothing(identity: str) -> None:
    """What is in a cookie is nowhere else."""
