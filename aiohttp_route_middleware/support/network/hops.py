"""What each proxy has written: `Forwarded` (RFC 7239), `X-Forwarded-For` and its like, from the nearest proxy on.

Rules kept here:
- Each proxy writes at the right end of what it has received, so the right end is read first. Elements are split from
  the right: whatever a client has sent, such as an open quote, cannot reach into what was written behind it.
- What is malformed says nothing: it is not repaired, and not skipped.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from aiohttp import hdrs
from multidict import CIMultiDictProxy

from ...syntax import TOKEN, unquote
from .addresses import Address, parse_address
from .hosts import parse_authority

__all__ = (
    "Headers",
    "Hop",
    "elements_from_right",
    "forwarded_hops",
    "parse_element",
    "parse_hop",
    "parse_node",
    "parse_scheme",
    "read_last",
    "split_from_right",
)

Headers: TypeAlias = CIMultiDictProxy[str]

_SEPARATOR = re.compile('[",]')
_QUOTED = r'"(?:[\t !#-\[\]-~]|\\[\t -~])*"'  # section 5.6.4, without what is not ASCII
# forwarded-pair (RFC 7239, section 4), and white space around it, which the RFC does not have, but proxies do
_PAIR = re.compile(rf"[ \t]*({TOKEN})=(?:({TOKEN})|({_QUOTED}))[ \t]*(?:;|\Z)")
_EMPTY_PAIR = re.compile(r"[ \t]*(?:;|\Z)")
# nodename [ ":" node-port ] (RFC 7239, section 6), if the name is an address
_NODE = re.compile(r"(?:([0-9.]+)|\[([0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)\])(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?")
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}  # some proxies write those of WebSockets


class Hop(NamedTuple):
    """What a proxy says about whom it has got a request from.

    Args:
        address: `None` if it is unknown, obfuscated, or cannot be read.
        scheme: `http` or `https`; `None` if it says nothing, or something else.
        host: in the form of an `Authority`; `None` if it says nothing, or something malformed.
    """

    address: Address | None = None
    scheme: str | None = None
    host: str | None = None


def split_from_right(value: str) -> Iterator[str]:
    """Yield the elements of a list, the last one first; a comma between quotes does not split."""
    if "," not in value:  # there is one proxy, mostly
        return iter((value.strip(" \t"),))
    return _split(value) if '"' in value else (text.strip(" \t") for text in reversed(value.split(",")))


def parse_element(text: str) -> dict[str, str] | None:
    """Read one element of `Forwarded` (RFC 7239, section 4); nothing if it is malformed.

    Names are in lower case, quoted values without their quotes; a name that is there twice is malformed.
    """
    pairs: dict[str, str] = {}
    position = 0
    while position < len(text):
        empty = _EMPTY_PAIR.match(text, position)
        found = empty or _PAIR.match(text, position)
        if found is None:
            return None
        position = found.end()
        if empty:
            continue
        name, token, quoted = found.groups()
        if name.lower() in pairs:
            return None
        pairs[name.lower()] = token or unquote(quoted)
    return pairs


def parse_node(text: str) -> Address | None:
    """Read the address of a node (RFC 7239, section 6); nothing for `unknown`, `_obfuscated`, or what is malformed."""
    found = _NODE.fullmatch(text)
    return parse_address(found[1] or found[2]) if found else None


def parse_hop(text: str) -> Address | None:
    """Read an element of `X-Forwarded-For`: a node, or an IPv6 address without brackets."""
    if ":" not in text:
        return parse_address(text)
    if text.count(":") > 1 and not text.startswith("["):
        return None if "%" in text else parse_address(text)
    return parse_node(text)


def parse_scheme(text: str) -> str | None:
    """Read a scheme, in any case (RFC 3986, section 3.1): `http`, `https`, or nothing."""
    return _SCHEMES.get(text.lower())


def forwarded_hops(headers: Headers) -> Iterator[Hop]:
    """Yield what `Forwarded` says, the nearest hop first."""
    for text in elements_from_right(headers.getall(hdrs.FORWARDED, ())):
        pairs = parse_element(text) or {}
        host = parse_authority(pairs.get("host", ""))
        yield Hop(parse_node(pairs.get("for", "")), parse_scheme(pairs.get("proto", "")), str(host) if host else None)


def elements_from_right(fields: Sequence[str]) -> Iterator[str]:
    """Yield the elements of all fields of a name, the last one first.

    An empty one is kept, though RFC 9110, section 5.6.1, skips it: the proxy that has written it knows no address, and
    what stands to the left of it is not that proxy's word.
    """
    return itertools.chain.from_iterable(map(split_from_right, reversed(fields)))


def read_last(fields: Sequence[str]) -> str:
    """What the nearest proxy has written; with proxies that each add their own word, no other is sure to be theirs."""
    return next(split_from_right(fields[-1])) if fields else ""


def _split(value: str) -> Iterator[str]:
    end, is_quoted = len(value), False
    for position in reversed([found.start() for found in _SEPARATOR.finditer(value)]):
        if value[position] == ",":
            if not is_quoted:
                yield value[position + 1 : end].strip(" \t")
                end = position
        elif not _is_escaped(value, position):
            is_quoted = not is_quoted
    yield value[:end].strip(" \t")


def _is_escaped(value: str, position: int) -> bool:
    before = value[:position]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1
