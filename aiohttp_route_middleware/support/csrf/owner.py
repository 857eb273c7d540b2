"""Whom a CSRF token belongs to: the session of its request, in bytes.

Rules kept here: whatever is nobody's session is none; what is no session is refused, for all would share it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from aiohttp import web

from ...errors import ConfigurationError
from ...naming import describe, name_key
from ...option_checks import check_text
from ...typedefs import Key
from ..battery import awaiting
from ..sessions.session import Session, state_of

__all__ = ("SessionId", "SessionSource", "check_session_source", "read_session_id")

SessionId: TypeAlias = "str | bytes | Session | None"
SessionSource: TypeAlias = "Callable[[web.Request], SessionId | Awaitable[SessionId]] | Key"


def check_session_source(battery: str, source: SessionSource) -> Callable[[web.Request], Awaitable[Any]]:
    """Return a function that finds the session of a request.

    Args:
        battery: to name in errors.
        source: a function of the request, async or plain, or a request key.

    Raises:
        ConfigurationError: it is neither.
    """
    if callable(source):
        return awaiting(source)
    if isinstance(source, str):
        check_text(battery, "session", source)
    elif not isinstance(source, web.RequestKey):
        raise ConfigurationError(
            battery, f"session is {describe(source)}", cure="pass a function of the request, or a request key"
        )

    async def find_session(request: web.Request) -> Any:
        try:
            return request[source]
        except KeyError:
            problem, cure = f"the request has no {name_key(source)}", "put the link that sets it before it"
            raise ConfigurationError(battery, problem, cure=cure) from None

    return find_session


def read_session_id(battery: str, session: object) -> bytes | None:
    """Return what tells one session from all others; `None` if there is none.

    Raises:
        ConfigurationError: it is no session.
    """
    if session in (None, "", b""):  # an empty one is nobody's: all who are nobody would share it
        return None
    if isinstance(session, bytes):
        return session
    if isinstance(session, Session):  # one that is not kept yet has another id in each request
        state = state_of(session)  # a token is bound to it, which is no look into it: no response depends on that
        return None if state.is_new else state.id.encode()
    if isinstance(session, str):
        return session.encode("utf-8", "surrogatepass")
    cure = "give a text or bytes that only this session has, the Session of sessions(), or None"
    raise ConfigurationError(battery, f"the session is {type(session).__qualname__}", cure=cure)
