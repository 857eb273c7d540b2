"""What ASGI is made of: scopes, messages, and header fields as bytes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias

from aiohttp import hdrs
from multidict import CIMultiDict, MultiMapping

from ...syntax import is_token

__all__ = ("AsgiApplication", "Message", "Receive", "Scope", "Send", "read_fields", "write_fields")

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
AsgiApplication: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[object]]

_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # RFC 9110, section 5.5


def read_fields(fields: Iterable[tuple[bytes, bytes]]) -> CIMultiDict[str]:
    """Return the header fields of a message, in their order, as aiohttp takes them.

    aiohttp writes headers as UTF-8. So bytes that are UTF-8 stay the same bytes; others are taken for Latin-1, as
    HTTP once had it, and are sent as UTF-8. `Transfer-Encoding` is left out: it is for the server to say.

    Raises:
        ValueError: HTTP allows no such name or value.
    """
    read: CIMultiDict[str] = CIMultiDict()
    for raw_name, raw_value in fields:
        name, value = _decode(raw_name), _decode(raw_value)
        if not is_token(name) or _FORBIDDEN.search(value):  # the value may be a secret
            raise ValueError(f"HTTP does not allow the header {name!r}, or its value")
        read.add(name, value.strip(" \t"))
    read.popall(hdrs.TRANSFER_ENCODING, None)
    return read


def write_fields(headers: MultiMapping[str]) -> list[tuple[bytes, bytes]]:
    """Return headers as fields of a message: names in lower case, the order kept, several of one name apart."""
    return [(name.lower().encode(), value.encode("utf-8", "surrogateescape")) for name, value in headers.items()]


def _decode(field: bytes) -> str:
    try:
        return bytes(field).decode()
    except UnicodeDecodeError:
        return bytes(field).decode("latin-1")
