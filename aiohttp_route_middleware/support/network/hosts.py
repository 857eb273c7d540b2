"""Hosts: whom a request asks for.

Rules kept here:
- A host is read whole or not at all: nothing is guessed from a part of what is malformed.
- Two hosts are compared in one form: lower case, no trailing dot, IDNA as A-labels, IPv6 canonical in brackets.
- Only what names the host of *this* request is read: its target, its `Host` header, and what an outer link has put
  in their place with `request.clone(host=...)`. `X-Forwarded-Host` is anybody's word.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from typing import NamedTuple

from aiohttp import hdrs, web
from yarl import URL

__all__ = ("LONGEST_AUTHORITY", "Authority", "parse_authority", "read_authorities", "split_target", "write_ipv6")

_LONGEST_NAME = 253  # RFC 1035, section 2.3.4, written with dots
_LONGEST_PORT = 65535
LONGEST_AUTHORITY = _LONGEST_NAME + len(".:65535")
_LABEL = "[A-Za-z0-9_-]{1,63}"
# uri-host [ ":" port ] (RFC 9110, section 7.2; RFC 3986, section 3.2.2): of reg-name, what names in DNS are made of,
# and `_`, which container networks use; no zone id and no IPvFuture between the brackets
_AUTHORITY = re.compile(rf"(?:\[([0-9A-Fa-f:.]{{2,45}})\]|((?:{_LABEL}\.)*{_LABEL})\.?)(?::([0-9]{{0,5}}))?")
_PATH_BEGINS = re.compile("[/?#]")


class Authority(NamedTuple):
    """A host and a port.

    Args:
        host: lower case, without a trailing dot; an IPv6 address is canonical, in brackets.
        port: as it was written; `None` if it was not.
    """

    host: str
    port: int | None

    def __str__(self) -> str:
        """Write it as `Host` does."""
        return self.host if self.port is None else f"{self.host}:{self.port}"


def parse_authority(text: str) -> Authority | None:
    """Read `host` or `host:port`, as `Host` has it; nothing if it is malformed."""
    return _parse_authority(text) if len(text) <= LONGEST_AUTHORITY else None


@functools.lru_cache(maxsize=256)  # of short texts, so that nobody fills the memory; most requests are for a few hosts
def _parse_authority(text: str) -> Authority | None:
    found = _AUTHORITY.fullmatch(text)
    if found is None:
        return None
    literal, name, digits = found.groups()
    host = name.lower() if name else write_ipv6(literal)
    port = int(digits) if digits else None  # the port may be empty (RFC 3986, section 3.2.3)
    if host is None or len(host) > _LONGEST_NAME or (port or 0) > _LONGEST_PORT:
        return None
    return Authority(host, port)


def write_ipv6(literal: str) -> str | None:
    """Write an IPv6 address as browsers do: the shortest (RFC 5952, section 4), hexadecimal throughout, in brackets.

    What is no address gives nothing, nor does one with a zone id, which no browser sends (RFC 6874, section 4).
    """
    try:
        address = ipaddress.IPv6Address(literal)
    except ValueError:
        return None
    if address.scope_id is not None:
        return None
    if address.ipv4_mapped is None:  # which Python since 3.13 writes with dots
        return f"[{address.compressed}]"
    high, low = divmod(int(address.ipv4_mapped), 1 << 16)
    return f"[::ffff:{high:x}:{low:x}]"


def split_target(target: str) -> tuple[str, str]:
    """Split a request target, as it was sent, into authority and path with query (RFC 9112, section 3.2)."""
    if target.startswith("/"):  # origin-form, also with two slashes: `//evil` is a path here
        return "", target
    if target == "*":  # asterisk-form: the target is the server, path and query are empty (section 3.3)
        return "", ""
    _, separator, rest = target.partition("://")
    if not separator:  # authority-form
        return target, ""
    authority = _PATH_BEGINS.split(rest, maxsplit=1)[0]
    path = rest[len(authority) :]
    return authority, path if path.startswith("/") else f"/{path}"  # an empty path is `/` (section 3.2.1)


def read_authorities(request: web.Request) -> tuple[Authority, ...]:
    """Whom a request asks for, and what its `Host` header says if that is something else; nothing if malformed.

    With a target in absolute-form, the target counts, and the header is to be ignored (RFC 9112, section 3.2.2); but a
    handler may read either.
    """
    fields = request.headers.getall(hdrs.HOST, ())
    if len(fields) != 1:  # none, or several: 400 (RFC 9112, section 3.2)
        return ()
    if not request.raw_path.startswith("/"):
        return _read_all(split_target(request.raw_path)[0] or request.host, fields[0], *_read_replaced(request))
    first = parse_authority(request.host)
    if first is not None and request.host == fields[0]:  # as mostly
        return (first,)
    return _read_all(request.host, fields[0])


def _read_all(*texts: str) -> tuple[Authority, ...]:
    authorities = [authority for text in dict.fromkeys(texts) if (authority := parse_authority(text))]
    return tuple(authorities) if len(authorities) == len(set(texts)) else ()


def _read_replaced(request: web.Request) -> tuple[str, ...]:
    """The host that an outer link has put in the place of that of a target in absolute-form."""
    return () if request.host == URL(request.raw_path, encoded=True).host else (request.host,)
