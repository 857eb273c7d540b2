"""Addresses of peers and clients, and networks: what is one address is equal, however it was written.

Rules kept here:
- An IPv4-mapped IPv6 address is the IPv4 address (RFC 4291, section 2.5.5.2): a socket that takes both kinds shows
  `127.0.0.1` as `::ffff:127.0.0.1`.
- An address has no zone id: `fe80::1%eth0` is `fe80::1`. A zone is known to one host only (RFC 4007, section 6).
- Nothing that is not an address is in any network.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Collection, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

from aiohttp import web

from ..errors import ConfigurationError

__all__ = (
    "CLIENT_ADDRESS",
    "UNIX",
    "Address",
    "Network",
    "Networks",
    "canonical",
    "parse_address",
    "parse_networks",
    "parse_proxies",
    "read_peer",
)

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_LONGEST = 64  # an IPv6 address that ends in an IPv4 address, and a zone
UNIX = "unix"  # what a peer is called that has come through a Unix socket

# `None` if `client_address()` could not find out who has sent a request
CLIENT_ADDRESS = web.RequestKey[Address | None]("CLIENT_ADDRESS")


def parse_address(text: str) -> Address | None:
    """Read an IPv4 or IPv6 address; nothing if it is none."""
    return _parse_address(text) if len(text) <= _LONGEST else None


@functools.lru_cache(maxsize=1024)  # of short texts, so that nobody fills the memory; few peers send most requests
def _parse_address(text: str) -> Address | None:
    try:
        return canonical(ipaddress.ip_address(text))
    except ValueError:
        return None


def canonical(address: Address) -> Address:
    """Return the one form of an address."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv6Address(int(address)) if address.scope_id is not None else address


def read_peer(request: web.Request) -> Address | str | None:
    """Who is at the other end of the connection: an address, `UNIX`, or `None` if that is not known.

    What an outer link has put into `request.remote` is not looked at.
    """
    peer = None if request.transport is None else request.transport.get_extra_info("peername")
    if isinstance(peer, (tuple, list)):
        return parse_address(peer[0])
    return None if peer is None else UNIX  # a path, which is empty for nearly all clients


class Networks:
    """Whether an address is in one of several networks: `address in networks`.

    One look for each length of prefix, however many networks there are.

    Args:
        networks: as `parse_networks()` makes them.
        has_unix: whether a peer that has come through a Unix socket is in.
    """

    __slots__ = ("_has_unix", "_v4", "_v6")

    def __init__(self, networks: Sequence[Network], *, has_unix: bool = False) -> None:
        self._has_unix = has_unix
        self._v4 = _group(network for network in networks if isinstance(network, IPv4Network))
        self._v6 = _group(network for network in networks if isinstance(network, IPv6Network))

    def __bool__(self) -> bool:
        return bool(self._has_unix or self._v4 or self._v6)

    def __contains__(self, peer: object) -> bool:
        if isinstance(peer, IPv4Address):
            groups = self._v4
        elif isinstance(peer, IPv6Address):
            groups = self._v6
        else:
            return self._has_unix and peer == UNIX
        number = int(peer)
        for mask, bases in groups:  # noqa: SIM110  # any() would make a generator for each request
            if number & mask in bases:
                return True
        return False


def parse_networks(entries: Sequence[str | Address | Network], battery: str, option: str) -> tuple[Network, ...]:
    """Read addresses and networks.

    Raises:
        ConfigurationError: one is neither, or it is not a list.
    """
    _check_list(entries, battery, option)
    return tuple(_parse_network(entry, battery, option) for entry in entries)


def parse_proxies(entries: Sequence[str | Address | Network], battery: str) -> Networks:
    """Read the networks of trusted proxies, among them `"unix"`.

    Raises:
        ConfigurationError: one is no network, or everybody would be trusted.
    """
    _check_list(entries, battery, "trusted_proxies")
    networks = parse_networks([entry for entry in entries if entry != UNIX], battery, "trusted_proxies")
    for network in networks:
        if network.prefixlen == 0:
            problem = f"trusted_proxies has {network}, so that everybody may say who has sent a request"
            raise ConfigurationError(battery, problem, cure="write the networks of your proxies")
    return Networks(networks, has_unix=UNIX in entries)


def _check_list(entries: object, battery: str, option: str) -> None:
    if isinstance(entries, (str, bytes)) or not isinstance(entries, Collection):
        raise ConfigurationError(battery, f"{option}={entries!r}", cure=f'pass a list: {option}=["10.0.0.0/8"]')


def _parse_network(entry: str | Address | Network, battery: str, option: str) -> Network:
    try:
        if not isinstance(entry, (str, IPv4Address, IPv6Address, IPv4Network, IPv6Network)) or "%" in str(entry):
            raise ValueError("it is neither an address nor a network, or has a zone")
        return _unmap(ipaddress.ip_network(entry))
    except ValueError as error:
        cure = 'write an address, or a network without bits of a host: "10.0.0.0/8", "2001:db8::1"'
        raise ConfigurationError(battery, f"{option} has {entry!r}", cure=cure) from error


def _unmap(network: Network) -> Network:
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < 96:
        return network
    return IPv4Network((mapped, network.prefixlen - 96))


def _group(networks: Iterable[Network]) -> tuple[tuple[int, frozenset[int]], ...]:
    bases: dict[int, set[int]] = {}
    for network in networks:
        bases.setdefault(int(network.netmask), set()).add(int(network.network_address))
    return tuple((mask, frozenset(numbers)) for mask, numbers in bases.items())
