"""The session of a request, as a handler reads and changes it; and the request keys under which it is found."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from typing import Any

from aiohttp import web

from ...keys import note_key
from ...option_checks import refuse_option
from ..personal import Personal
from .state import SessionState

__all__ = ("SESSION", "Session", "find_session_key", "label_session", "session_key", "state_of")

_DEFAULT = "session"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Session(MutableMapping[str, Any], Personal):
    """What is known of one visitor from request to request: a mapping of texts to JSON values.

    Handlers and links use it as a mapping, and besides that `id`, `is_new`, `created`, `rotate()` and `invalidate()`;
    there is nothing else for them in it. `Session()` is a new and empty one, for tests of a handler.

    Args:
        state: what those who keep it know of it.

    Example:
        request[SESSION]["user"] = "alice"
        request[SESSION].rotate()
    """

    __slots__ = ("_state",)

    def __init__(self, state: SessionState | None = None) -> None:
        self._state = SessionState() if state is None else state

    @property
    def id(self) -> str:
        """Names the session in logs, and in what is bound to it; nobody can take the session over with it.

        It is SHA-256 of what the cookie holds, in hexadecimal. That of a session which is never saved means nothing.
        """
        self._state.mark_seen()
        return self._state.id

    @property
    def is_new(self) -> bool:
        """Whether it has begun in this request: it was not kept before, or `invalidate()` was called."""
        self._state.mark_seen()
        return self._state.is_new

    @property
    def created(self) -> int:
        """When it began, in seconds since the epoch."""
        self._state.mark_seen()
        return self._state.created

    @property
    def __is_personal__(self) -> bool:
        """Whether the response depends on who asks; a cache that others share looks at this."""
        return self._state.was_read or self._state.is_renewed

    def rotate(self) -> None:
        """Go on under a new id, and have the old one forgotten: call it at login, and whenever rights change.

        The lifetime goes on as well; call `invalidate()` first for a new one.
        """
        self._state.rotate()

    def invalidate(self) -> None:
        """Forget everything, and have the cookie deleted: call it at logout. What is set afterwards begins anew."""
        self._state.invalidate()

    def __getitem__(self, key: str) -> Any:
        return self._state.data[key]

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):  # JSON would make a text of it, and the next request would not find it
            raise TypeError(f"session[{key!r}]: keys are texts; write session[{str(key)!r}]")
        self._state.data[key] = value

    def __delitem__(self, key: str) -> None:
        del self._state.data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._state.data)

    def __len__(self) -> int:
        return len(self._state.data)

    def __repr__(self) -> str:  # what it holds is nobody's business
        return f"<Session {'new' if self._state.is_new else self._state.id[:8]}>"


def state_of(session: Session) -> SessionState:
    """Return what those who keep a session know of it; no handler needs that."""
    return session._state


def session_key(name: str = _DEFAULT) -> web.RequestKey[Session]:
    """Return the request key of the sessions of a name: `SESSION` by default, `session_key("admin")` for another.

    Raises:
        ConfigurationError: the name is not one.
    """
    return find_session_key("session_key()", name)


def find_session_key(battery: str, name: str) -> web.RequestKey[Session]:
    """Return the request key of the sessions of a name, for a battery which has got that as an option.

    Raises:
        ConfigurationError: the name is not one.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise refuse_option(battery, "name", name, "use letters, digits, - and _, 64 at most")
    if name not in _keys:
        _keys[name] = _make_key(name)
    return _keys[name]


def label_session(battery: str, name: str, *details: str) -> str:
    """Return what a link of sessions is called: `sessions`, or `sessions(admin)` for those of another name."""
    told = [*details, name] if name != _DEFAULT else details
    link = battery.removesuffix("()")
    return f"{link}({', '.join(told)})" if told else link


def _make_key(name: str) -> web.RequestKey[Session]:
    is_default = name == _DEFAULT
    key = web.RequestKey("SESSION" if is_default else f"SESSION[{name}]", Session)
    imported = "SESSION" if is_default else f'session_key("{name}")'
    return note_key(
        key, f"middlewares.sessions.{imported}", set_by="sessions()" if is_default else f'sessions(name="{name}")'
    )


_keys: dict[str, web.RequestKey[Session]] = {}
SESSION = session_key()
