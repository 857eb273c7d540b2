"""What proxies say about who has sent a request: `Forwarded` (RFC 7239), `X-Forwarded-For` and its like.

Rules kept here:
- Each proxy writes at the right end of what it has received, so the right end is read first, and each element is
  believed only because a trusted proxy has written it. Elements are split from the right: whatever a client has sent,
  such as an open quote, cannot reach into what was written behind it.
- The first address that is not a trusted proxy is the client. What is unknown, obfuscated or garbage ends the search:
  nothing to the left of it is believed, and nobody is put in its place.
- One kind of header is read, never several: a proxy that writes one passes on the others as clients have sent them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

from aiohttp import hdrs, web
from multidict import CIMultiDictProxy

from ..errors import ConfigurationError
from .addresses import Address, Networks, parse_address
from .hosts import parse_authority

__all__ = (
    "FORWARDED_HOST",
    "FORWARDED_SCHEME",
    "HeaderNames",
    "Hop",
    "check_header",
    "find_client",
    "forwarded_hops",
    "is_https",
    "listed_hops",
    "parse_element",
    "parse_hop",
    "parse_node",
    "parse_scheme",
    "read_client",
    "read_scheme",
    "split_from_right",
)

# `None` if no trusted proxy has said it
FORWARDED_SCHEME = web.RequestKey[str | None]("FORWARDED_SCHEME")
FORWARDED_HOST = web.RequestKey[str | None]("FORWARDED_HOST")

Headers: TypeAlias = CIMultiDictProxy[str]

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # token (RFC 9110, section 5.6.2)
_HEADER = re.compile(_WORD)
_SEPARATOR = re.compile('[",]')
_QUOTED = r'"(?:[\t !#-\[\]-~]|\\[\t -~])*"'  # section 5.6.4, without what is not ASCII
# forwarded-pair (RFC 7239, section 4), and white space around it, which the RFC does not have, but proxies do
_PAIR = re.compile(rf"[ \t]*({_WORD})=(?:({_WORD})|({_QUOTED}))[ \t]*(?:;|\Z)")
_EMPTY_PAIR = re.compile(r"[ \t]*(?:;|\Z)")
_ESCAPED = re.compile(r"\\(.)")
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


class HeaderNames(NamedTuple):
    """Which headers the trusted proxies write.

    Args:
        header: `Forwarded`, or a list of addresses such as `X-Forwarded-For`.
        scheme: beside a list of addresses; `None` for none.
        host: beside a list of addresses; `None` for none.
    """

    header: str
    scheme: str | None = None
    host: str | None = None

    @property
    def has_forwarded(self) -> bool:
        """Whether it is the header that says all at once."""
        return self.header.lower() == "forwarded"


def split_from_right(value: str) -> Iterator[str]:
    """Yield the elements of a list, the last one first; a comma between quotes does not split."""
    return _split(value) if "," in value else iter((value.strip(" \t"),))  # there is one proxy, mostly


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
        pairs[name.lower()] = token or _ESCAPED.sub(r"\1", quoted[1:-1])
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
    for text in _elements(headers, hdrs.FORWARDED):
        pairs = parse_element(text) or {}
        host = parse_authority(pairs.get("host", ""))
        yield Hop(parse_node(pairs.get("for", "")), parse_scheme(pairs.get("proto", "")), str(host) if host else None)


def listed_hops(headers: Headers, header: str) -> Iterator[Hop]:
    """Yield what a list of addresses says, the nearest hop first."""
    for value in reversed(headers.getall(header, ())):  # as _elements() goes through them
        for text in split_from_right(value):
            yield Hop(parse_hop(text))


def find_client(hops: Iterable[Hop], trusted: Networks) -> Hop | None:
    """Return the first hop that is not a trusted proxy; the last one, if all are; nothing, if there are none."""
    client = None
    for client in hops:
        if client.address not in trusted:
            return client
    return client


def read_client(headers: Headers, peer: Address | str | None, trusted: Networks, names: HeaderNames) -> Hop:
    """Tell who has sent a request: the peer, unless it is a trusted proxy that has got the request from another."""
    address = None if isinstance(peer, str) else peer
    if peer not in trusted:
        return Hop(address)
    if names.has_forwarded:
        return find_client(forwarded_hops(headers), trusted) or Hop(address)
    client = find_client(listed_hops(headers, names.header), trusted)
    scheme = _last(headers, names.scheme) if names.scheme else ""
    host = parse_authority(_last(headers, names.host)) if names.host else None
    return Hop(client.address if client else address, parse_scheme(scheme), str(host) if host else None)


def is_https(request: web.Request) -> bool:
    """Whether the client has asked by https: as `client_address()` has found out, else as the connection is."""
    # to miss a key costs an exception, so that is not asked of a request on which nothing was set
    scheme = request.get(FORWARDED_SCHEME) if len(request) else None
    return request.secure if scheme is None else scheme == "https"


def read_scheme(headers: Headers, trusted: Networks, names: HeaderNames) -> str | None:
    """Tell the scheme that a client has used, as the headers of a trusted peer say."""
    if not names.has_forwarded:
        return parse_scheme(_last(headers, names.scheme or ""))
    client = find_client(forwarded_hops(headers), trusted)
    return client.scheme if client else None


def check_header(header: object, battery: str, option: str) -> str:
    """Return the name of a header.

    Raises:
        ConfigurationError: it is none.
    """
    if not isinstance(header, str) or not _HEADER.fullmatch(header):
        raise ConfigurationError(battery, f"{option}={header!r}", cure='write the name of a header: "Forwarded"')
    return header


def _elements(headers: Headers, header: str) -> Iterator[str]:
    """The elements of all fields of a name, the last one first.

    An empty one is kept, though RFC 9110, section 5.6.1, skips it: the proxy that has written it knows no address, and
    what stands to the left of it is not that proxy's word.
    """
    return (text for value in reversed(headers.getall(header, ())) for text in split_from_right(value))


def _last(headers: Headers, header: str) -> str:
    """What the nearest proxy has written; with proxies that each add their own word, no other is sure to be theirs."""
    fields = headers.getall(header, ())
    return next(split_from_right(fields[-1])) if fields else ""


def _is_escaped(value: str, position: int) -> bool:
    before = value[:position]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1
