"""How an application closes a WebSocket, and what of that may be sent (RFC 6455, sections 5.5 and 7.4).

Rules kept here: 1005 stands for a close without a code, and goes out as 1000; 1006 and 1015 stand for a connection
that has ended without a close frame; the other codes below 3000 that no RFC has given a meaning, and those from 5000
on, are errors of the application; a reason is cut where its frame would be longer than a control frame may be.
"""

from __future__ import annotations

from aiohttp import WSCloseCode

from .messages import Message

__all__ = ("ABNORMAL", "NO_CODE", "read_close")

NO_CODE = 1005
ABNORMAL = frozenset((1006, 1015))
_LONGEST_REASON = 123  # bytes
_NAMED = frozenset((1000, 1001, 1002, 1003, *range(1007, 1015)))  # the registry of IANA


def read_close(message: Message) -> tuple[int, str]:
    """Return code and reason of a `websocket.close`; the code may be one of `ABNORMAL`.

    Raises:
        ValueError: there is no such code, or the reason is no text.
    """
    code, reason = message.get("code"), message.get("reason") or ""
    if code is None or code == NO_CODE:
        code = WSCloseCode.OK
    if not isinstance(code, int) or not (code in _NAMED or code in ABNORMAL or 3000 <= code <= 4999):
        raise ValueError(f"a WebSocket cannot be closed with the code {code!r}")
    if not isinstance(reason, str):
        raise ValueError(f"a WebSocket was to be closed with a reason of type {type(reason).__name__}")
    return int(code), reason.encode()[:_LONGEST_REASON].decode(errors="ignore")
