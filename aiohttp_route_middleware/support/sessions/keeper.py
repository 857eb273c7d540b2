"""A session from its record and back: what `sessions()` does with the cookie of a request, and with a record.

Rules kept here: an id that is not known is never adopted; of several sessions that a client sends none is used; the
old record is dropped before the new one is kept; a session that was deleted meanwhile is not brought back, under
whatever id; a logout that cannot be kept is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from ...errors import StoreError
from ..cookies import Cookie, read_cookies
from .lifetime import Lifetime
from .records import Record, Records
from .state import EMPTY, SessionState

__all__ = ("RecordKeeper",)

_MOST_VALUES = 4  # cookies of one name; RFC 6265, section 4.2.2, lets a client send several
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RecordKeeper:
    """Loads sessions from their records, and saves them there.

    Args:
        label: names the link in logs.
        cookie: in which the client has the value of a record.
        records: where they are.
        lifetime: for how long a session lasts.
        fail_open: whether a request goes on with an empty session when the records cannot be reached.
        clock: tells seconds since the epoch.
    """

    label: str
    cookie: Cookie
    records: Records
    lifetime: Lifetime
    fail_open: bool
    clock: Callable[[], float]

    async def load(self, request: web.Request) -> SessionState:
        """Return the session of a request, or a new one."""
        now = int(self.clock())
        found: list[SessionState] = []
        try:
            for value in self._read(request):
                state = await self._find(value, now)
                if state is not None:
                    found.append(state)
        except StoreError as error:
            return self._go_without(error, now)
        if len(found) == 1:
            return found[0]
        if found:  # the browser has been given one by somebody else, and none tells which is its own
            _logger.warning("%s: a client sent several sessions in cookies of one name; none was used", self.label)
        return SessionState(created=now, now=now)

    async def save(self, request: web.Request, state: SessionState) -> None:
        """Save what has changed, and put the cookie into `state.set_cookie`."""
        if state.is_detached and not state.is_renewed:
            if state.has_changed():
                _logger.error("%s: a session was not saved, for it could not be loaded", self.label)
            return
        try:
            await self._save(state)
        except StoreError as error:
            if state.is_renewed or not self.fail_open or state.serialise() == EMPTY:  # a logout must not be lost
                raise web.HTTPServiceUnavailable from error
            _logger.error("%s: a session was not saved: %s", self.label, error)

    def _read(self, request: web.Request) -> list[str]:
        values = read_cookies(request.headers, self.cookie.name)
        if len(values) > 1:
            values = [*dict.fromkeys(values)]
        return values if len(values) <= _MOST_VALUES else []  # too many to be meant

    async def _find(self, value: str, now: int) -> SessionState | None:
        try:
            record = await self.records.find(value)
            return record and self._restore(record, now)
        except ValueError:  # no text, or not what is written here
            return None

    def _restore(self, record: Record, now: int) -> SessionState | None:
        created, written, text = record.text.split(".", 2)
        if not self.lifetime.is_alive(created=int(created), written=int(written), now=now):
            return None
        return SessionState(text, token=record.token, created=int(created), now=now, written=int(written))

    def _go_without(self, error: StoreError, now: int) -> SessionState:
        if not self.fail_open:
            raise web.HTTPServiceUnavailable from error
        _logger.error("%s: a session was not loaded: %s", self.label, error)
        return SessionState(created=now, now=now, is_detached=True)

    async def _save(self, state: SessionState) -> None:
        if state.is_detached:
            raise StoreError("what could not be loaded cannot be renewed")
        text = state.serialise()
        if text == EMPTY:
            await self._forget(state)
        elif state.differs(text) or state.now - state.written >= self.lifetime.refresh:
            await self._write(state, text)

    async def _forget(self, state: SessionState) -> None:
        if not state.former and not state.is_renewed:
            return
        if state.former:
            await self.records.drop(state.former)
        state.mark_saved(EMPTY, set_cookie=self.cookie.expire())

    async def _write(self, state: SessionState, text: str) -> None:
        is_new = state.token != state.former
        # first: should the rest fail, the visitor has to log in again
        was_there = await self.records.drop(state.former) if is_new and state.former else True
        if not was_there and not state.is_new:  # logged out meanwhile: nothing rises again under another id
            state.mark_saved(text)
            return
        record = Record(state.token, f"{state.created}.{state.now}.{text}")
        left = state.created + self.lifetime.absolute - state.now
        value = await self.records.keep(record, ttl=min(left, self.lifetime.unwritten), is_new=is_new)
        state.mark_saved(text, set_cookie=self.cookie.write(value, lifetime=int(left)) if value else "")
