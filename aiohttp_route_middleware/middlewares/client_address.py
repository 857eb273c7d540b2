"""Who has sent a request, behind proxies: the address in what trusted proxies have written.

Behind a proxy, the peer of the connection is the proxy. It writes down from whom it has got the request, to the right
of whatever the client has sent in the same header. So the header is read from the right, past trusted proxies, to the
first address that is none: that is the client. To the left of it there may be anything.

| the request | `request[CLIENT_ADDRESS]` |
| --- | --- |
| the peer is not a trusted proxy | the peer; no header is looked at |
| the peer is, and the header names addresses | the right-most that is not a trusted proxy |
| all addresses are trusted proxies, or there is no header | the last of them: a proxy has sent it by itself |
| before that there is `unknown`, `_hidden`, or garbage | `None`: nobody knows |

`ip_restriction()`, `session_fixing()`, `rate_limit()`, `idempotency()`, `https_redirect()`, `csrf()`,
`secure_headers()`, `asgi()`, `from_asgi()` and `wsgi()` go by what it has found: put it before them. `access_log()`
and `tracing()` tell of it when the request is over, wherever it stands. When it comes after one of the first four that
has gone by the address, which was that of the proxy, every request fails with 500 and a `ConfigurationError` in the
log, whoever has sent it.

**Trust boundary:** the proxies that are listed, and that each of them writes `header`, at its right end or anew;
therefore `header` has no default. A proxy that writes another one passes this one on as the client has sent it. With
`X-Forwarded-For` this holds for `scheme_header` and `host_header` too, of which the right-most word is taken: name
them only if the proxy next to the application writes them. `Forwarded` says all at once. Never list a network that
clients are in; a peer that has come through a Unix socket has no address, and is trusted if `"unix"` is listed.

It does **not** tell who is asking: many share one address, and one may have many. It refuses nothing.

    app = web.Application(middlewares=[client_address(["10.0.0.0/8"], header="X-Forwarded-For")])

    async def show_address(request):
        return web.Response(text=str(request[CLIENT_ADDRESS]))  # of IPv4Address("203.0.113.9")
"""

from __future__ import annotations

from collections.abc import Collection

from aiohttp import web

from ..errors import ConfigurationError
from ..support.battery import GuardBattery, guard_battery
from ..support.network.addresses import CLIENT_ADDRESS, Address, read_peer, was_judged_by_peer
from ..support.network.forwarded import FORWARDED_HOST, FORWARDED_SCHEME, read_client, set_forwarded_scheme
from ..support.network.networks import Network, read_proxies
from ..support.network.proxy_headers import read_header_names
from ..typedefs import Handler

__all__ = ("CLIENT_ADDRESS", "FORWARDED_HOST", "FORWARDED_SCHEME", "client_address")

_BATTERY = "client_address()"


def client_address(
    trusted_proxies: Collection[str | Address | Network],
    *,
    header: str,
    scheme_header: str | None = None,
    host_header: str | None = None,
) -> GuardBattery:
    """Find out the address of the client behind trusted proxies.

    Args:
        trusted_proxies: their addresses and networks; `"unix"` for a proxy that comes through a Unix socket.
        header: the header that every one of them writes: `Forwarded`, or one with addresses, such as
            `X-Forwarded-For` or `X-Real-IP`.
        scheme_header: beside a header with addresses, the one with the scheme, such as `X-Forwarded-Proto`; by
            default none.
        host_header: beside a header with addresses, the one with the host, such as `X-Forwarded-Host`; by default
            none.

    Raises:
        ConfigurationError: there are no proxies, one is not a network, or they are everybody; or a header is no name,
            says something else, or stands for two things. In a request: a link before it has gone by the peer.

    Reads/Sets:
        reads the peer of the connection, and these headers if it is trusted; sets `CLIENT_ADDRESS`, an
        `ipaddress` object in canonical form or `None` if it is unknown; `FORWARDED_SCHEME`, `http`, `https` or
        `None`; `FORWARDED_HOST`, `host` or `host:port` or `None`.

    Source:
        RFC 7239, sections 4 to 6.

    Example:
        client_address(["10.0.0.0/8", "unix"], header="Forwarded")
    """
    trusted = read_proxies(_BATTERY, trusted_proxies)
    if not trusted:
        cure = "list them; without proxies, request.remote is the address of the client"
        raise ConfigurationError(_BATTERY, "there are no trusted_proxies", cure=cure)
    names = read_header_names(_BATTERY, header, scheme_header, host_header)

    @guard_battery(f"client_address({header})", provided=(CLIENT_ADDRESS, FORWARDED_SCHEME, FORWARDED_HOST))
    async def client_address(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        if was_judged_by_peer(request):
            raise _refuse_to_be_late()
        address, scheme, host = read_client(request.headers, read_peer(request), trusted, names)
        request[CLIENT_ADDRESS] = address
        set_forwarded_scheme(request, scheme)
        request[FORWARDED_HOST] = host
        return await handler(request) if handler else None

    return client_address


def _refuse_to_be_late() -> ConfigurationError:
    return ConfigurationError(
        _BATTERY,
        "a link before it has judged this request by the peer, which behind a proxy is the proxy",
        cure="put client_address() before every link that goes by addresses, such as rate_limit() and "
        "ip_restriction(); an ip_restriction() that is to judge the proxy itself takes by_peer=True",
    )
