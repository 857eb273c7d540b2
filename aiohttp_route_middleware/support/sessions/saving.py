"""When a session is saved.

Rules kept here, whoever keeps the session:

- it is saved when its chain has ended, or when a response is prepared inside of it, whichever comes first; it is
  looked at again before any headers are sent, for what links outside have changed in the meantime;
- a failure to save is an answer of its own, and no cookie is sent with that;
- a cookie that browsers would drop for its size is such a failure;
- what is changed after the headers are sent is lost, and an error in the log says so;
- sessions of one name, one inside the other, are one session: what was ended outside is not loaded again inside.
"""

from __future__ import annotations

import logging
from typing import Protocol

from aiohttp import hdrs, web

from ...errors import ConfigurationError, SessionError
from ...typedefs import Handler
from ..content.cache_directives import restrict
from ..network.lost_cookies import warn_of_lost_cookie
from ..request_keys import read_key
from ..responses import on_response
from ..vary import merge_vary
from .session import Session, state_of
from .state import SessionState

__all__ = ("keep_session",)

_LARGEST = 4093  # bytes of a Set-Cookie line that every browser keeps
_logger = logging.getLogger(__name__)


class SessionKeeper(Protocol):
    """Where sessions are kept between requests; two that keep them in the same way are equal."""

    async def load(self, request: web.Request) -> SessionState:
        """Return the session of a request, or a new one."""
        ...

    async def save(self, request: web.Request, state: SessionState) -> None:
        """Save what has changed, and put the cookie into `state.set_cookie`; to call it twice does no harm."""


async def keep_session(
    request: web.Request, handler: Handler, *, key: web.RequestKey[Session], keeper: SessionKeeper, label: str
) -> web.StreamResponse:
    """Load a session, run the handler with it, save it; what batteries that keep sessions do for each request.

    Args:
        request: of which to load it.
        handler: what follows.
        key: under which the handler finds it.
        keeper: loads and saves it.
        label: names the link in errors and logs.

    Raises:
        ConfigurationError: in a request, another link around this one keeps sessions of the same name in another way.
    """
    if _is_kept_around(request, key, keeper, label):
        return await handler(request)
    state = await keeper.load(request)
    state.kept_by, state.kept_as = keeper, label
    request[key] = Session(state)
    saving = _Saving(state, keeper, label)
    on_response(request, label, saving.apply)
    try:
        response = await handler(request)
    except Exception:
        await saving.settle(request)
        raise
    await saving.settle(request)
    return response


def _is_kept_around(request: web.Request, key: web.RequestKey[Session], keeper: SessionKeeper, label: str) -> bool:
    """Whether a link in an outer scope keeps the session already, in the same way."""
    around = read_key(request, key)
    state = None if around is None else state_of(around)
    if state is None or state.kept_by is None:  # by nobody: somebody's own `Session()`
        return False
    if state.kept_by == keeper:
        return True
    # to load it again would bring back what was ended outside, and one of two cookies would be lost
    raise ConfigurationError(
        label,
        f"{state.kept_as} around it keeps sessions of the same name in another way",
        cure="leave this one out, as the session is there already; or make both alike, or give one another name",
    )


class _Saving:
    """When one session is saved."""

    __slots__ = ("has_failed", "is_sent", "keeper", "label", "state")

    def __init__(self, state: SessionState, keeper: SessionKeeper, label: str) -> None:
        self.state = state
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
        elif self.state.has_changed():
            _logger.error(
                "%s: the session was changed after the response had been sent, and that is lost; "
                "change it before the response is prepared",
                self.label,
            )

    async def apply(self, request: web.Request, response: web.StreamResponse) -> None:
        """The headers are about to be sent."""
        if self.has_failed:  # this is the response that tells so
            return
        self.is_sent = True
        await self._save(request)
        line = self.state.set_cookie
        if line:
            # RFC 9111, section 7.3: Set-Cookie alone does not keep a shared cache from handing it to others.
            restrict(response.headers, "private")
            response.headers.add(hdrs.SET_COOKIE, line)
            if "; Secure" in line:
                warn_of_lost_cookie(request, self.label)
        if line or self.state.was_read:
            merge_vary(response.headers, hdrs.COOKIE)

    async def _save(self, request: web.Request) -> None:
        state = self.state
        before = state.set_cookie
        try:
            await self.keeper.save(request, state)
            if state.set_cookie is not before:
                _check_size(self.label, state.set_cookie)
        except BaseException:
            self.has_failed = True
            raise


def _check_size(label: str, line: str) -> None:
    size = len(line.encode())
    if size > _LARGEST:
        raise SessionError(
            f"{label}: the cookie of the session would take {size} bytes, and browsers keep {_LARGEST}; "
            "keep less in the session, or keep it in a store"
        )
