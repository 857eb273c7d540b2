"""Hosts: whom a request asks for, and whether a host is one of those that are listed.

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
from collections.abc import Collection, Sequence
from typing import NamedTuple

from aiohttp import hdrs, web
from yarl import URL

from ..errors import ConfigurationError

__all__ = ("Authority", "HostPatterns", "parse_authority", "parse_patterns", "read_authorities", "split_target")

_LONGEST_NAME = 253  # RFC 1035, section 2.3.4, written with dots
_LONGEST_PORT = 65535
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


class HostPatterns:
    """Hosts that are listed: `host in patterns`.

    Args:
        names: hosts as `Authority` has them.
        suffixes: what a host must end with, each with its leading dot.
    """

    __slots__ = ("_names", "_suffixes")

    def __init__(self, names: frozenset[str], suffixes: tuple[str, ...]) -> None:
        self._names = names
        self._suffixes = suffixes

    def __contains__(self, host: str) -> bool:
        return host in self._names or host.endswith(self._suffixes)


def parse_authority(text: str) -> Authority | None:
    """Read `host` or `host:port`, as `Host` has it; nothing if it is malformed."""
    return _parse_authority(text) if len(text) <= _LONGEST_NAME + 7 else None


@functools.lru_cache(maxsize=256)  # of short texts, so that nobody fills the memory; most requests are for a few hosts
def _parse_authority(text: str) -> Authority | None:
    found = _AUTHORITY.fullmatch(text)
    if found is None:
        return None
    literal, name, digits = found.groups()
    host = name.lower() if name else _write_ipv6(literal)
    port = int(digits) if digits else None  # the port may be empty (RFC 3986, section 3.2.3)
    if host is None or len(host) > _LONGEST_NAME or (port or 0) > _LONGEST_PORT:
        return None
    return Authority(host, port)


def parse_patterns(hosts: Sequence[str], battery: str) -> HostPatterns:
    """Read hosts, and `*.` before a host for the names below it.

    Raises:
        ConfigurationError: one is not a host, or it is not a list.
    """
    is_list = isinstance(hosts, Collection) and not isinstance(hosts, str)
    if not is_list or not all(isinstance(host, str) for host in hosts):
        raise ConfigurationError(battery, f"the hosts are {hosts!r}", cure='pass a list: ["example.com"]')
    names, suffixes = set(), []
    for pattern in hosts:
        below = pattern.startswith("*.")
        name = _read_name(pattern.removeprefix("*."))
        if name is None or (below and _is_address(name)):
            cure = "write a name or an address, without scheme, port and path; `*.` before a name for all below it"
            raise ConfigurationError(battery, f"{pattern!r} is not a host", cure=cure)
        if below:
            suffixes.append(f".{name}")
        else:
            names.add(name)
    return HostPatterns(frozenset(names), tuple(suffixes))


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
    target = request.raw_path
    asked = request.host if target.startswith("/") else split_target(target)[0] or request.host
    first = parse_authority(asked)
    second = first if asked == fields[0] else parse_authority(fields[0])
    replaced = () if target.startswith("/") else _read_replaced(request)
    if first is None or second is None or replaced is None:
        return ()
    return (first,) if first is second and not replaced else (first, second, *replaced)


def _read_replaced(request: web.Request) -> tuple[Authority, ...] | None:
    """The host that an outer link has put in the place of that of a target in absolute-form; `None` if malformed."""
    if request.host == URL(request.raw_path, encoded=True).host:
        return ()
    authority = parse_authority(request.host)
    return None if authority is None else (authority,)


def _write_ipv6(literal: str) -> str | None:
    try:
        return f"[{ipaddress.IPv6Address(literal).compressed}]"
    except ValueError:
        return None


def _read_name(text: str) -> str | None:
    """A host of a list, which may be an IPv6 address without brackets, or a name that is not ASCII."""
    if text.count(":") > 1 and not text.startswith("["):
        return _write_ipv6(text)
    if not text.isascii():
        text = _encode_idna(text)
    authority = parse_authority(text)
    return authority.host if authority and ":" not in text.rpartition("]")[2] else None


def _encode_idna(name: str) -> str:
    """A-labels as browsers send them: `bücher.example` is `xn--bcher-kva.example` (RFC 5891; UTS 46)."""
    try:
        return URL.build(scheme="http", host=name).raw_host or ""
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    return host.startswith("[") or host.rpartition(".")[2].isdigit()
