"""Targets that a function names for each request, as those of tenants: only from a list, only at public addresses.

Whoever brings that function to name a host of their choice would else make requests from within (server-side request
forgery), to the metadata of a cloud, or to what listens on this machine.

Rules kept here:
- Scheme, host and port must be in the list. Hosts are compared in one form; one that some resolvers take for a number,
  as `0x7f.1`, `127.1` or `2130706433`, is none (WHATWG URL, section 3.5).
- The address is judged by the socket that is about to connect to it, whether it came from DNS or stood in the URL: so
  it makes no difference what a name was resolved to before (DNS rebinding).
- An address is public if it is global unicast, and neither special (RFC 6890) nor one that holds an IPv4 address in
  it, which a gateway would unpack: NAT64 (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380); IPv4-mapped is IPv4.
- Redirects are passed on, as everywhere here, never followed.
- Of what was named, a bounded number is kept, the least recently named is forgotten.
"""

from __future__ import annotations

import re
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from ipaddress import IPv4Network, IPv6Network
from typing import Any, TypeAlias, TypeVar

from aiohttp import web
from aiohttp.abc import AbstractResolver
from yarl import URL

from ...errors import ConfigurationError
from ...naming import describe
from ...option_checks import check_call, check_count, check_list
from ...support.network.addresses import Address, parse_address
from ...support.network.host_patterns import HostPatterns, read_host_patterns
from ...support.network.hosts import parse_authority
from ...support.network.networks import Network, Networks, read_networks
from ..wire.connection import AddressNotAllowedError
from ..wire.failures import TargetRefusedError
from .health import Judge
from .targets import Target
from .turns import Targets, Turn

__all__ = ("DynamicTargets", "KeptPlaces")

_BATTERY = "DynamicTargets()"
_T = TypeVar("_T")
_PORTS = {"http": 80, "https": 443}
_ENTRY = re.compile(r"(?:(https?)://)?(\[[^\[\]]*\]|[^\[\]:/?#@\\]+)(?::([0-9]{1,5}))?", re.IGNORECASE)
_LONGEST = 512  # characters of a URL; nobody has to keep more
_NUMBER = re.compile("[0-9]+|0x[0-9a-f]*")
_PUBLIC_V6 = IPv6Network("2000::/3")  # global unicast, as far as it is assigned
# IANA IPv4 and IPv6 Special-Purpose Address Registries, and multicast
_NOT_PUBLIC = Networks(
    (
        *map(IPv4Network, ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16")),
        *map(IPv4Network, ("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16")),
        *map(IPv4Network, ("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3")),
        IPv4Network("168.63.129.16/32"),  # which no registry has: it tells each machine of Azure about itself
        *map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")),
    )
)

Choose: TypeAlias = "Callable[[web.Request], str | URL]"


class DynamicTargets(Targets):
    """Targets that a function names for each request; the only entry of an `Upstream`.

    Args:
        choose: takes the incoming request, and returns scheme, host and port of its target, as a URL; plain. What has
            to be waited for is found out by a link before the endpoint, which leaves it on the request. It may raise
            `web.HTTPNotFound`.
        allow: the targets that it may name: a host, or `*.` and a host for all below it; with a port, by default that
            of the scheme; behind `http://` or `https://`, which is the default.
        networks: addresses and networks that may be connected to besides public ones, such as `"10.0.0.0/8"`; default
            none. `"64:ff9b::/96"` allows whatever a NAT64 gateway reaches.
        keep: so many targets are kept, with what is known of them; default 1,000.
        resolver: asked for the addresses of names, and closed by whom it belongs to; default aiohttp's own.

    Raises:
        ConfigurationError: an option is wrong.

    Responds:
        403 if what it has named is not in the list; 502 if none of its addresses may be connected to.

    Source:
        RFC 6890; RFC 9209, sections 2.3.5 and 2.3.21; OWASP, Server-Side Request Forgery Prevention.

    Example:
        Upstream(DynamicTargets(lambda request: request[TENANT].url, allow=["*.tenants.example"]), name="tenants")
    """

    def __init__(  # that of others would want targets: here none is known beforehand
        self,
        choose: Choose,
        *,
        allow: Collection[str],
        networks: Collection[str | Address | Network] = (),
        keep: int = 1000,
        resolver: AbstractResolver | None = None,
    ) -> None:
        check_call(_BATTERY, "choose", choose, takes="request")
        self._resolver = _read_resolver(resolver)
        self.keep: int = check_count(_BATTERY, "keep", keep, unit="targets")
        self._find = choose
        self._allowed = _read_allowed(allow)
        self._networks = Networks(read_networks(_BATTERY, "networks", networks))
        self._kept: OrderedDict[str, Target] = OrderedDict()
        self._judge = Judge(None, (), time.monotonic)  # each is the only one that can be asked, so none is ever out

    def __iter__(self) -> Iterator[Target]:
        return iter(())

    def take(self, incoming: web.Request, *, besides: Collection[Target] = ()) -> Turn:
        """Begin a turn at the target of a request.

        Args:
            incoming: the request that is to be passed on.
            besides: targets that were tried for it; there is no other.

        Raises:
            TargetRefusedError: it may not be asked.
        """
        chosen: object = self._find(incoming)
        text = str(chosen) if isinstance(chosen, (str, URL)) else ""
        target = self._kept.get(text)
        if target is None:
            target = self._kept[text] = self._read(text)
            if len(self._kept) > self.keep:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(text)
        return Turn(target, self._judge)

    @property
    def connecting(self) -> dict[str, Any]:
        """Options for the connector of aiohttp."""
        return {"resolver": self._resolver, "socket_factory": self.open_socket}

    def open_socket(self, found: tuple[Any, ...]) -> socket.socket:
        """Make the socket for an address; called by aiohttp before it connects to that.

        Args:
            found: family, type, protocol, canonical name and address, as `socket.getaddrinfo()` tells them.

        Raises:
            AddressNotAllowedError: this address may not be connected to.
        """
        family, kind, protocol, _, address = found
        if not self.may_connect_to(address[0]):
            raise AddressNotAllowedError(address[0])
        return socket.socket(family, kind, protocol)

    def may_connect_to(self, text: str) -> bool:
        """Whether an address is public, or in one of the networks."""
        address = parse_address(text)
        if address is None:
            return False
        is_public = address not in _NOT_PUBLIC and (address.version == 4 or address in _PUBLIC_V6)
        return is_public or address in self._networks

    def _read(self, text: str) -> Target:
        if len(text) > _LONGEST:
            raise TargetRefusedError("the URL that was chosen is too long")
        try:
            target = Target(text)
        except ConfigurationError as error:
            raise TargetRefusedError(f"what was chosen is no target: {error.problem}") from None
        url = target.url
        if url.raw_path != "/":  # else who names the host may choose the path, too
            raise TargetRefusedError("the URL that was chosen has a path; write it by a hook")
        authority = parse_authority(url.host_port_subcomponent or "")
        host = "" if authority is None else authority.host
        if _is_odd_number(host) or host not in self._allowed.get((url.scheme, url.port), ()):
            raise TargetRefusedError(self._tell_why(url, host))
        return target

    def _tell_why(self, url: URL, host: str) -> str:
        """Tell what an entry for this target would be, if there is none of its scheme and port."""
        problem = f"{url.origin()} was chosen, and is not in the list"
        others = [
            f"{scheme} at port {port}"
            for (scheme, port), hosts in self._allowed.items()
            if host in hosts and not _is_odd_number(host)
        ]
        return f"{problem}, which has it for {', '.join(others)}; allow '{url.origin()}'" if others else problem


class KeptPlaces(dict[Target, _T]):
    """What is made for a target when it is first asked for; the oldest is forgotten when there are too many.

    Args:
        make: makes it.
        keep: so many are kept.
    """

    def __init__(self, make: Callable[[Target], _T], keep: int) -> None:
        super().__init__()
        self._make = make
        self._keep = keep

    def __missing__(self, target: Target) -> _T:
        made = self[target] = self._make(target)
        if len(self) > self._keep:
            del self[next(iter(self))]
        return made


def _read_resolver(resolver: object) -> AbstractResolver | None:
    if isinstance(resolver, (AbstractResolver, type(None))):
        return resolver
    raise ConfigurationError(_BATTERY, f"resolver is {describe(resolver)}", cure="pass a resolver of aiohttp, or None")


def _is_odd_number(host: str) -> bool:
    return _NUMBER.fullmatch(host.rpartition(".")[2]) is not None and parse_address(host) is None


def _read_allowed(allow: object) -> dict[tuple[str, int | None], HostPatterns]:
    hosts: dict[tuple[str, int | None], list[str]] = {}
    for entry in check_list(_BATTERY, "allow", allow, example="*.tenants.example"):
        found = _ENTRY.fullmatch(entry) if isinstance(entry, str) else None
        scheme = "https" if found is None else (found[1] or "https").lower()
        port = _PORTS[scheme] if found is None or found[3] is None else int(found[3])
        if found is None or not 0 < port < 2**16:
            cure = 'write a host, as in "api.example", "*.tenants.example:8443" or "http://10.0.0.1:8001"'
            raise ConfigurationError(_BATTERY, f"allow has {entry!r}", cure=cure)
        hosts.setdefault((scheme, port), []).append(found[2])
    if not hosts:
        raise ConfigurationError(_BATTERY, "allow is empty", cure='list the hosts: allow=["*.tenants.example"]')
    return {origin: read_host_patterns(_BATTERY, names) for origin, names in hosts.items()}
