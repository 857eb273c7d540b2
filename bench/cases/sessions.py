"""What is known of a visitor."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from aiohttp_route_middleware.middlewares.session_fixing import session_fixing
from aiohttp_route_middleware.middlewares.sessions import SESSION, Session, sessions
from aiohttp_route_middleware.stores import MemoryStore
from aiohttp_route_middleware.support.sessions.state import SessionState

from ..by_hand import sessions as by_hand
from ..by_hand.sessions import SESSION_BY_HAND
from ..by_hand.shared import KEY
from ..request_maker import PEER
from ..timing import drive
from .case import Case, Cases


def list_cases() -> Cases:
    """List them."""
    text, token, created = '{"user":"alice","cart":[1,2,3]}', "A" * 43, int(time.time())
    signed = {"Cookie": f"theme=dark; {by_hand.SESSION_COOKIE}={by_hand.sign_session(token, created, text)}"}
    battery, send = sessions(secret=KEY), by_hand.send_session
    reading: dict[str, Any] = {"endpoint": _read_session, "endpoint_by_hand": _read_session_by_hand}
    changing: dict[str, Any] = {"endpoint": _change_session, "endpoint_by_hand": _change_session_by_hand}
    yield "sessions, signed, read", Case(battery, by_hand.signed_session, signed, signal=send, **reading)
    yield "sessions, signed, changed", Case(battery, by_hand.signed_session, signed, signal=send, **changing)
    store = MemoryStore()
    record = f"{created}.{created}.{text}".encode()
    drive(store.set(by_hand.name_session(token), record, ttl=3600))
    stored = {"Cookie": f"theme=dark; {by_hand.SESSION_COOKIE}={token}"}
    battery, link = sessions(store=store), by_hand.make_stored_session(store)
    yield "sessions, MemoryStore, read", Case(battery, link, stored, signal=send, **reading)

    def load() -> dict[Any, Any]:
        return {
            SESSION: Session(SessionState(f'{{"_network":"{PEER[0]}/32"}}', token=token, created=created, now=created))
        }

    yield "session_fixing", Case(session_fixing(), by_hand.session_fixing, {}, state=load)


_RESPONSE = web.Response()


async def _read_session(request: web.Request) -> web.StreamResponse:
    request[SESSION]["user"]
    return _RESPONSE


async def _read_session_by_hand(request: web.Request) -> web.StreamResponse:
    request[SESSION_BY_HAND].data["user"]
    return _RESPONSE


async def _change_session(request: web.Request) -> web.StreamResponse:
    request[SESSION]["count"] = 1
    return _RESPONSE


async def _change_session_by_hand(request: web.Request) -> web.StreamResponse:
    request[SESSION_BY_HAND].data["count"] = 1
    return _RESPONSE
