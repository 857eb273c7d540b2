"""Networks: whether an address is in one of several, and lists of them, read.

Rules kept here:
- Nothing that is not an address is in any network.
- IPv4 in the form of IPv6 is IPv4: a mapped network is the IPv4 network. A network that holds mapped addresses among
  others, or compatible ones (RFC 4291, section 2.5.5), would hold for no IPv4 peer, and is refused; `::/0`, which is
  all of IPv6, may hold them.
- Nobody trusts everybody, neither by one network nor by several that together are all.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

from ...errors import ConfigurationError
from ...option_checks import check_list
from .addresses import UNIX, Address, canonical

__all__ = ("EVERYBODY", "Network", "Networks", "are_within", "name_network", "read_networks", "read_proxies")

Network: TypeAlias = IPv4Network | IPv6Network

EVERYBODY = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
_MAPPED, _COMPATIBLE = IPv6Network("::ffff:0:0/96"), IPv6Network("::/96")
_UNSPECIFIED_AND_LOOPBACK = IPv6Network("::/127")  # which look like compatible ones (RFC 4291, section 2.5.5.1)
# from where nobody on the Internet comes: who trusts all the rest trusts everybody
_NOT_PUBLIC: tuple[Network, ...] = (
    *map(IPv4Network, ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16")),
    *map(IPv4Network, ("172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3")),
    *map(IPv6Network, ("::/3", "4000::/2", "8000::/1")),  # all but 2000::/3, global unicast as it is assigned
)


class Networks:
    """Whether an address is in one of several networks: `address in networks`.

    One look for each length of prefix, however many networks there are.

    Args:
        networks: as `read_networks()` makes them.
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


@functools.lru_cache(1024)
def name_network(address: Address, *, ipv4_prefix: int = 32, ipv6_prefix: int = 64) -> str:
    """Return the network that an address belongs to, as `192.0.2.7/32` or `2001:db8::/64`.

    By default that is what one client has: an IPv4 address, or the /64 within which it may change its IPv6 address.
    """
    address = canonical(address)
    prefix = ipv4_prefix if address.version == 4 else ipv6_prefix
    return str(ipaddress.ip_network((address.packed, prefix), strict=False))


def are_within(inner: Iterable[Network], outer: Iterable[Network]) -> bool:
    """Whether every address of the inner networks is in one of the outer ones, which may share it."""
    around = _collapse(outer)
    return _collapse([*around, *inner]) == around


def read_networks(battery: str, option: str, entries: object) -> tuple[Network, ...]:
    """Read addresses and networks.

    Raises:
        ConfigurationError: one is neither, or it is not a list.
    """
    listed = check_list(battery, option, entries, example="10.0.0.0/8")
    return tuple(_read_network(battery, option, entry) for entry in listed)


def read_proxies(battery: str, entries: object) -> Networks:
    """Read the networks of trusted proxies, among them `"unix"`.

    Raises:
        ConfigurationError: one is no network, or everybody would be trusted.
    """
    listed = check_list(battery, "trusted_proxies", entries, example="10.0.0.0/8")
    networks = read_networks(battery, "trusted_proxies", [entry for entry in listed if entry != UNIX])
    for everybody in EVERYBODY:
        if are_within([everybody], [*networks, *_NOT_PUBLIC]):
            problem = (
                f"trusted_proxies are all of IPv{everybody.version}, so that everybody may say who has sent a request"
            )
            raise ConfigurationError(battery, problem, cure="write the networks of your proxies")
    return Networks(networks, has_unix=UNIX in listed)


def _read_network(battery: str, option: str, entry: object) -> Network:
    try:
        if not isinstance(entry, (str, IPv4Address, IPv6Address, IPv4Network, IPv6Network)) or "%" in str(entry):
            raise ValueError("it is neither an address nor a network, or has a zone")
        network = ipaddress.ip_network(entry)
    except ValueError as error:
        cure = 'write an address, or a network without bits of a host: "10.0.0.0/8", "2001:db8::1"'
        raise ConfigurationError(battery, f"{option} has {entry!r}", cure=cure) from error
    if isinstance(network, IPv4Network) or network in EVERYBODY:
        return network
    if network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFF_FFFF, network.prefixlen - 96))
    if network.overlaps(_MAPPED) or (
        network.overlaps(_COMPATIBLE) and not network.subnet_of(_UNSPECIFIED_AND_LOOPBACK)
    ):
        cure = 'write IPv4 as such: "10.0.0.0/8", or "0.0.0.0/0" for all of it; "::/0" is all of IPv6'
        raise ConfigurationError(battery, f"{option} has {entry!r}, in which is IPv4 in the form of IPv6", cure=cure)
    return network


def _collapse(networks: Iterable[Network]) -> list[Network]:
    """Return the fewest networks with the same addresses, in order."""
    listed = list(networks)
    return [
        *ipaddress.collapse_addresses(network for network in listed if isinstance(network, IPv4Network)),
        *ipaddress.collapse_addresses(network for network in listed if isinstance(network, IPv6Network)),
    ]


def _group(networks: Iterable[Network]) -> tuple[tuple[int, frozenset[int]], ...]:
    bases: dict[int, set[int]] = {}
    for network in networks:
        bases.setdefault(int(network.netmask), set()).add(int(network.network_address))
    return tuple((mask, frozenset(numbers)) for mask, numbers in bases.items())
