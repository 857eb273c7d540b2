"""Lists of hosts: names, addresses, and `*.` before a name for all names below it; nothing else is a pattern."""

from __future__ import annotations

from yarl import URL

from ...errors import ConfigurationError
from ...option_checks import check_list
from .hosts import parse_authority, write_ipv6

__all__ = ("HostPatterns", "read_host_patterns")


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


def read_host_patterns(battery: str, hosts: object) -> HostPatterns:
    """Read hosts, and `*.` before a host for the names below it.

    Raises:
        ConfigurationError: one is not a host, or it is not a list.
    """
    names, suffixes = set(), set()
    for pattern in check_list(battery, "hosts", hosts, example="example.com"):
        name = _read_name(pattern.removeprefix("*.")) if isinstance(pattern, str) else None
        if not isinstance(pattern, str) or name is None or (pattern.startswith("*.") and _is_address(name)):
            cure = "write a name or an address, without scheme, port and path; `*.` before a name for all below it"
            raise ConfigurationError(battery, f"{pattern!r} is not a host", cure=cure)
        if pattern.startswith("*."):
            suffixes.add(f".{name}")
        else:
            names.add(name)
    return HostPatterns(frozenset(names), tuple(sorted(suffixes)))


def _read_name(text: str) -> str | None:
    """A host of a list, which may be an IPv6 address without brackets, or a name that is not ASCII."""
    if text.count(":") > 1 and not text.startswith("["):
        return write_ipv6(text)
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
