"""What the target is told of the client: `X-Forwarded-For`, `-Proto`, `-Host`, and `Forwarded` (RFC 7239).

Rules kept here:
- What a client writes into these fields is not passed on as the word of a proxy: only trusted proxies are believed.
- Whom the request has come from is told as it is known here: by `client_address()`, if it stands before, else by the
  connection.
- What was received is read from the incoming request, so that no `Connection` field hides a part of it.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence

from aiohttp import hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy

from ...option_checks import check_choice, check_list
from ...support.network.addresses import CLIENT_ADDRESS, Address, read_peer
from ...support.network.forwarded import find_public_host, read_forwarded_scheme
from ...support.network.hops import Headers, parse_scheme, read_last
from ...support.network.hosts import parse_authority
from ...support.network.networks import Network, read_proxies
from ...support.request_keys import read_key
from ...syntax import is_token, quote
from .forged_fields import drop_forged_fields
from .via import Via, count_hop, make_pseudonym

__all__ = ("RANDOM", "Forwarding")

_BATTERY = "Forwarding()"
RANDOM = ""
"""For `via`: a name that is made anew for each upstream and each process."""

_X_FORWARDED = (hdrs.X_FORWARDED_FOR, hdrs.X_FORWARDED_PROTO, hdrs.X_FORWARDED_HOST)
_WRITABLE = (*_X_FORWARDED, hdrs.FORWARDED)
_UNKNOWN = "unknown"  # RFC 7239, section 6.2
_NOTHING: Headers = CIMultiDictProxy(CIMultiDict())


class Forwarding:
    """What one upstream is told of clients.

    If the peer is a trusted proxy, it is added at the right end of what was received, and the scheme and the host that
    were received stay. Any other peer is not believed: these fields, and all others that targets take for the word of
    a proxy, are removed. Then they tell of the client, the scheme and the host that `client_address()` has found out;
    without it, of the peer, the connection and the host that was asked for. A name with `_` in place of `-`, which is
    the same for CGI and WSGI, is never passed on.

    **Trust boundary:** a trusted proxy writes or removes each of the `headers`, and removes the others.

    Args:
        trusted_proxies: addresses and networks of the peers that are believed; `"unix"` for those that come through a
            Unix socket; by default none.
        headers: the fields that are written, of `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host`, which are
            the default, and `Forwarded`; `[]` for none.
        via: the name of this proxy in `Via`, by which a loop is seen; by default a random one, another for each
            upstream and each process, which tells no host; `None` for none, and no loop is seen.

    Raises:
        ConfigurationError: a proxy is no network, or they are everybody; a field is none of these; or `via` is no
            token.

    Source:
        RFC 7239, sections 4 to 7; RFC 9110, sections 7.6.2 and 7.6.3.

    Example:
        Forwarding(trusted_proxies=["10.0.0.0/8"], headers=["Forwarded"], via="shop")
    """

    def __init__(
        self,
        *,
        trusted_proxies: Collection[str | Address | Network] = (),
        headers: Collection[str] = _X_FORWARDED,
        via: str | None = RANDOM,
    ) -> None:
        listed = check_list(_BATTERY, "headers", headers, example=hdrs.X_FORWARDED_FOR)
        chosen = {check_choice(_BATTERY, "headers", one, _WRITABLE) for one in listed}
        self._trusted = read_proxies(_BATTERY, trusted_proxies)
        self._writes_for = hdrs.X_FORWARDED_FOR in chosen
        self._writes_proto = hdrs.X_FORWARDED_PROTO in chosen
        self._writes_host = hdrs.X_FORWARDED_HOST in chosen
        self._writes_forwarded = hdrs.FORWARDED in chosen
        self._via = None if via is None else Via(_BATTERY, make_pseudonym() if via == RANDOM else via)

    def write(self, incoming: web.Request, headers: CIMultiDict[str]) -> None:
        """Write what the target is told into the header fields of an outgoing request.

        Args:
            incoming: the request of the client.
            headers: its fields, of which those of its connection have been dropped.

        Raises:
            HTTPLoopDetected: the request has come through this proxy before.
        """
        if self._via is not None:
            self._via.write(incoming, headers)
        count_hop(incoming, headers)
        peer = read_peer(incoming)
        is_trusted = peer in self._trusted
        drop_forged_fields(headers, is_trusted=is_trusted)
        address = None if isinstance(peer, str) else peer
        if is_trusted:
            self._tell(incoming, headers, address, incoming.headers)
        else:  # `client_address()` may have found nobody, which is not the peer either
            self._tell(incoming, headers, read_key(incoming, CLIENT_ADDRESS, address), _NOTHING)

    def _tell(self, incoming: web.Request, headers: CIMultiDict[str], sender: Address | None, before: Headers) -> None:
        node, quoted_node = _write_node(sender)
        if self._writes_for:
            headers[hdrs.X_FORWARDED_FOR] = _join(before.getall(hdrs.X_FORWARDED_FOR, ()), node)
        scheme = self._tell_scheme(incoming, headers, before)
        if not self._writes_host and not self._writes_forwarded:
            return
        host = self._tell_host(incoming, headers, before)
        if self._writes_forwarded:
            pairs = (
                f"for={quoted_node};host={_quote(host)};proto={scheme}"
                if host
                else f"for={quoted_node};proto={scheme}"
            )
            headers[hdrs.FORWARDED] = _join(before.getall(hdrs.FORWARDED, ()), pairs)

    def _tell_scheme(self, incoming: web.Request, headers: CIMultiDict[str], before: Headers) -> str:
        told = before.getall(hdrs.X_FORWARDED_PROTO, ()) if self._writes_proto else ()
        scheme = parse_scheme(read_last(told))
        if scheme is None:
            told, scheme = (), read_forwarded_scheme(incoming) or incoming.scheme
        if self._writes_proto:
            headers[hdrs.X_FORWARDED_PROTO] = ", ".join(told) if told else scheme
        return scheme

    def _tell_host(self, incoming: web.Request, headers: CIMultiDict[str], before: Headers) -> str | None:
        told = before.getall(hdrs.X_FORWARDED_HOST, ()) if self._writes_host else ()
        authority = parse_authority(read_last(told)) if told else None
        host = find_public_host(incoming) if authority is None else str(authority)
        if not self._writes_host:
            return host
        if host is None:  # malformed, and so not passed on
            headers.popall(hdrs.X_FORWARDED_HOST, None)
        else:
            headers[hdrs.X_FORWARDED_HOST] = host if authority is None else ", ".join(told)
        return host


@functools.lru_cache(maxsize=1024)  # few peers send most requests
def _write_node(address: Address | None) -> tuple[str, str]:
    """Write an address as `X-Forwarded-For` has it, and as `Forwarded` has it."""
    if address is None:
        return _UNKNOWN, _UNKNOWN
    text = str(address)
    return text, text if address.version == 4 else f'"[{text}]"'  # RFC 7239, section 6.1


def _quote(host: str) -> str:
    """Write a host as a value (RFC 7239, section 4): a port or an IPv6 address is in no token."""
    return host if is_token(host) else quote(host)


def _join(before: Sequence[str], last: str) -> str:
    return ", ".join((*before, last)) if before else last
