"""What those who keep a session know of it: its text, its secret, and what has become of both in this request.

Rules kept here: what is kept is JSON; a change is noticed by comparing the text, so that one inside a nested value
counts; what is attached alone is no reason to keep a session.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

from ...errors import SessionError

__all__ = ("EMPTY", "SessionState", "dump")

EMPTY = "{}"
_write = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class SessionState:
    """A session as its keeper has it; handlers see a `Session`.

    Args:
        text: what was kept, as JSON; default nothing.
        token: what the cookie holds; default none, for a new session.
        created: when it began, in seconds since the epoch.
        now: when this request began, likewise.
        written: when it was last saved, likewise.
        is_new: whether it was not kept before; default if it has no token.
        is_detached: whether it could not be loaded, and is not saved; default no.
    """

    __slots__ = (
        "_attached",
        "_data",
        "_is_seen",
        "_text",
        "_token",
        "created",
        "former",
        "is_detached",
        "is_new",
        "is_renewed",
        "kept_as",
        "kept_by",
        "now",
        "set_cookie",
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
        is_new: bool | None = None,
        is_detached: bool = False,
    ) -> None:
        self._text = text
        self._data: dict[str, Any] | None = None  # parsed when it is first looked at
        self._attached: dict[str, Any] | None = None
        self._is_seen = False
        self._token = token
        self.created: int = created
        self.now: int = now
        self.written: int = written
        self.former: str = token  # what the client has, "" if nothing that is known
        self.is_new: bool = not token if is_new is None else is_new
        self.is_renewed: bool = False  # it has got a new token, and that is not saved yet
        self.is_detached: bool = is_detached
        self.kept_by: object = None
        self.kept_as: str = ""  # what the link is called that keeps it
        self.set_cookie: str = ""  # the line that the response shall bear

    @property
    def token(self) -> str:
        """What the cookie holds: a secret; made, of 256 random bits, when it is first needed."""
        if not self._token:
            self._token = secrets.token_urlsafe(32)
        return self._token

    @property
    def id(self) -> str:
        """SHA-256 of the token, in hexadecimal, which names the session and gives nobody its token."""
        return hashlib.sha256(self.token.encode()).hexdigest()

    @property
    def data(self) -> dict[str, Any]:
        """What the session holds."""
        data = self._data
        if data is None:
            data = self._data = json.loads(self._text)
        return data

    @property
    def was_read(self) -> bool:
        """Whether anything has looked at it, or changed it."""
        return self._is_seen or self._data is not None

    def mark_seen(self) -> None:
        """Remember that a handler has looked at it, so that the response depends on the cookie."""
        self._is_seen = True

    def rotate(self) -> None:
        """Go on with another token, and have the old one forgotten."""
        self._token = ""
        self.is_renewed = True

    def invalidate(self) -> None:
        """Forget everything, and begin anew."""
        self.rotate()
        self._data = {}
        self.is_new = True
        self.created = self.now

    def attach(self, key: str, value: object) -> None:
        """Keep a value as soon as the session holds anything else; alone it makes no session."""
        if self._attached is None:
            self._attached = {}
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
        if self._attached:
            self._data.update(self._attached)
        return dump(self._data)

    def differs(self, text: str) -> bool:
        """Tell whether this text has to be saved."""
        return self.is_renewed or text != self._text

    def has_changed(self) -> bool:
        """Tell whether there is anything to save; what is not JSON cannot have been there before."""
        try:
            return self.differs(self.serialise())
        except SessionError:
            return True

    def mark_saved(self, text: str, *, set_cookie: str = "") -> None:
        """Remember what was saved, so that it is not saved again."""
        self._text = text
        self.former = self._token = "" if text == EMPTY else self.token
        self.is_renewed = False
        self.written = self.now
        self.set_cookie = set_cookie or self.set_cookie


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


def _is_json(value: object) -> bool:
    try:
        _write(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
