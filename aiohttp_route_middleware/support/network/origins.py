"""Origins: scheme, host and port, as a browser names the page that asks (RFC 6454).

Rules kept here: two texts name one origin only if all three are equal (section 5); what cannot be read is no origin,
and so equals none; `null` names pages that have none, and each of them is another one (section 4).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from ...errors import ConfigurationError
from ...option_checks import check_list
from .hosts import write_ipv6

__all__ = ("NULL", "Origin", "is_host_of", "parse_origin", "read_origin", "read_origins")

NULL = "null"

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
_LONGEST = 512  # a name of 253, a scheme and a port; what is longer is not looked at
_ORIGIN = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?:\[(?P<literal>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)


class Origin(NamedTuple):  # which is compared and hashed faster than a dataclass, in each request
    """Where a page comes from.

    Args:
        scheme: in lower case.
        host: in lower case, an IPv6 address in brackets and in its shortest form.
        port: also if it is the default one; `None` for a scheme that has none.
    """

    scheme: str
    host: str
    port: int | None

    def __str__(self) -> str:
        """As a browser writes it: without the default port (RFC 6454, section 6.2)."""
        if self.port == _DEFAULT_PORTS.get(self.scheme):
            return f"{self.scheme}://{self.host}"
        return f"{self.scheme}://{self.host}:{self.port}"


def parse_origin(text: str) -> Origin | None:
    """Read `scheme://host[:port]`; `None` for `null`, and for all that is not exactly one origin.

    Args:
        text: in ASCII, as browsers send it; hosts of other letters as `xn--…`.
    """
    return _parse(text) if len(text) <= _LONGEST else None  # nothing longer is kept in memory


@lru_cache(maxsize=256)  # browsers send few, in each request
def _parse(text: str) -> Origin | None:
    match = _ORIGIN.fullmatch(text)
    if match is None:
        return None
    scheme, literal, name, port = match.groups()
    host = write_ipv6(literal) if literal else name.lower()
    number = int(port) if port else _DEFAULT_PORTS.get(scheme.lower())
    if not host or (number or 0) > 65535:
        return None
    return Origin(scheme.lower(), host, number)


def is_host_of(origin: Origin, host: str) -> bool:
    """Whether a `Host` field names host and port of an origin; it tells no scheme, so that of the origin is taken."""
    # an empty port is the default one (RFC 9110, section 4.2.3)
    return parse_origin(f"{origin.scheme}://{host.removesuffix(':')}") == origin


def read_origins(battery: str, option: str, value: object) -> frozenset[Origin]:
    """Read the origins of an option.

    Raises:
        ConfigurationError: they are not a list of texts, or one is not `scheme://host[:port]`.
    """
    listed = check_list(battery, option, value, example="https://app.example")
    return frozenset(read_origin(battery, option, one) for one in listed)


def read_origin(battery: str, option: str, value: object) -> Origin:
    """Read one of the origins of an option.

    Raises:
        ConfigurationError: it is not `scheme://host[:port]`, or no page has such an origin.
    """
    origin = parse_origin(value) if isinstance(value, str) else None
    if origin is None:
        raise ConfigurationError(battery, f"{option} has {value!r}, which is not an origin", cure=_advise(str(value)))
    if origin.scheme in ("ws", "wss"):  # which a page opens, whose origin is sent (RFC 6455, section 10.2)
        cure = f"write that of the page: {origin._replace(scheme=origin.scheme.replace('ws', 'http'))}"
        raise ConfigurationError(battery, f"{option} has {value!r}, which no page has as its origin", cure=cure)
    return origin


def _advise(text: str) -> str:
    if "*" in text:
        return "list each of them: a star stands for nothing here"
    if not text.isascii():
        return "write the name as browsers send it: in ASCII, with xn--"
    if text.count("://") == 1 and any(sign in text.partition("://")[2] for sign in "/?#"):
        return "leave out what follows the host and the port, a slash included"
    return "write scheme://host or scheme://host:port, one text for each"
