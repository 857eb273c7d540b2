"""Requests over http go on over https: 308, with the same method, host, path and query.

For an application that answers on both. A path that must be reached over http, such as a health check, is listed in
`exempt`, exactly as it stands in the request line; there are no patterns.

- The path is kept byte by byte, and always stands behind `https://` and the host: `//evil.example` stays a path.
- The host is that of the request, read whole: a malformed one is 400, and no line break gets into the header.
- A WebSocket handshake over http is 403: clients need not follow a redirect (RFC 6455, section 4.1), and one that does
  has sent its credentials in the clear each time.

**Trust boundary:** whether a request has come over TLS is known from the connection; a target such as
`GET https://example.com/` changes nothing. Behind a proxy that ends TLS, name the proxy in `trusted_proxies` and the
header that it writes, or put `client_address()` before it: what a trusted proxy says counts more than the connection,
and what anybody else says does not count. A proxy that does not write that header would pass on the client's own.
The host comes from the client: put `trusted_host()` before it, so that a redirect leads to no host of others; a proxy
must pass `Host` on.

It does **not** protect the first request: it was readable on its way, with its cookies. Send
`Strict-Transport-Security` (`secure_headers()`), so that browsers do not ask over http again, and set cookies as
`Secure`.

    app = web.Application(middlewares=[trusted_host(["example.com"]), https_redirect(exempt=["/health"])])
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from urllib.parse import quote

from aiohttp import hdrs, web

from ..errors import ConfigurationError
from ..option_checks import check_list, refuse_option
from ..support.battery import GuardBattery, guard_battery
from ..support.network.addresses import Address, read_peer
from ..support.network.forwarded import read_forwarded_scheme, read_scheme
from ..support.network.hosts import read_authorities, split_target
from ..support.network.networks import Network, read_proxies
from ..support.network.proxy_headers import read_scheme_header_name
from ..support.network.websockets import is_websocket
from ..typedefs import Handler

__all__ = ("https_redirect", "write_location")

_BATTERY = "https_redirect()"
_HTTPS_PORT = 443
_HEADER = "X-Forwarded-Proto"
_PATH = re.compile(r"/[!-\"$->@-~]*")  # printable, without `?` and `#`
_URI = "!#$%&'()*+,/:;=?@[]~"  # what a URI may hold besides letters, digits and `-._` (RFC 3986, section 2)


def https_redirect(
    *,
    port: int = _HTTPS_PORT,
    exempt: Collection[str] = (),
    trusted_proxies: Collection[str | Address | Network] = (),
    header: str | None = None,
) -> GuardBattery:
    """Redirect requests over http to https.

    Args:
        port: of https, as clients reach it; by default 443.
        exempt: paths that are answered over http as well, as they stand in the request line, without query.
        trusted_proxies: addresses and networks of proxies that end TLS, `"unix"` for one that comes through a Unix
            socket; by default none.
        header: the header in which they write the scheme, such as `Forwarded`; by default `X-Forwarded-Proto`.

    Raises:
        ConfigurationError: the port is no port, a path is not one, a proxy is not a network, or they are everybody; or
            the header is no name, says no scheme, or is named without proxies.

    Responds:
        308 to the same path over https, 400 for a malformed `Host`, 403 for a WebSocket handshake.

    Reads/Sets:
        reads the connection, the target, `Host`, and of a WebSocket handshake `Upgrade` and `Connection`; from trusted
        proxies `header`; else `FORWARDED_SCHEME` if it is set.

    Source:
        RFC 9110, section 15.4.9; RFC 6455, section 4.1.

    Example:
        https_redirect(exempt=["/health"], trusted_proxies=["10.0.0.0/8"])
    """
    _check_port(port)
    paths = _read_paths(exempt)
    read_told_scheme = _make_reader(trusted_proxies, header)

    @guard_battery()
    async def https_redirect(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        told = read_told_scheme(request)
        is_secure = told == "https" if told else _is_tls(request)
        if not is_secure and _path_of(request) not in paths:
            raise _refuse(request, port)
        return await handler(request) if handler else None

    return https_redirect


def write_location(host: str, port: int, target: str) -> str:
    """Write where a request shall go: a URI that is never relative, whatever the path is.

    Args:
        host: as `Authority` has it.
        port: of https.
        target: path and query as they were sent; what no URI may hold is percent-encoded.
    """
    authority = host if port == _HTTPS_PORT else f"{host}:{port}"
    path = target.partition("#")[0]  # a target has no fragment (RFC 9112, section 3.2), but aiohttp takes one
    return f"https://{authority}{quote(path, _URI, errors='surrogateescape')}"


def _refuse(request: web.Request, port: int) -> web.HTTPException:
    if is_websocket(request):
        return web.HTTPForbidden(text="Open this WebSocket with wss.")
    authorities = read_authorities(request)
    if not authorities:
        return web.HTTPBadRequest(text="The host of this request is malformed.")
    location = write_location(authorities[0].host, port, split_target(request.raw_path)[1])
    redirect = web.HTTPPermanentRedirect(location)
    redirect.headers[hdrs.LOCATION] = location  # aiohttp has requoted the path, and dropped an empty query
    return redirect


def _is_tls(request: web.Request) -> bool:
    """Ask the connection, not `request.secure`, which an outer link may have replaced."""
    transport = request.transport
    return transport is not None and transport.get_extra_info("sslcontext") is not None


def _path_of(request: web.Request) -> str:
    return split_target(request.raw_path)[1].partition("?")[0]


def _make_reader(
    proxies: Collection[str | Address | Network], header: str | None
) -> Callable[[web.Request], str | None]:
    """Make what tells the scheme that a proxy has told, if one has."""
    trusted = read_proxies(_BATTERY, proxies)
    names = read_scheme_header_name(_BATTERY, "header", _HEADER if header is None else header)
    if not trusted and header is not None:
        cure = "list the proxies that write it: trusted_proxies=[...]; client_address() is told its header itself"
        raise ConfigurationError(_BATTERY, f"header={header!r} without trusted_proxies", cure=cure)
    if not trusted:
        return read_forwarded_scheme

    def read_told_scheme(request: web.Request) -> str | None:
        if read_peer(request) in trusted:
            return read_scheme(request.headers, trusted, names)
        return read_forwarded_scheme(request)

    return read_told_scheme


def _check_port(port: object) -> None:
    if type(port) is not int or not 0 < port < 65536:
        raise refuse_option(_BATTERY, "port", port, "write a number from 1 to 65535")


def _read_paths(exempt: object) -> frozenset[str]:
    return frozenset(map(_read_path, check_list(_BATTERY, "exempt", exempt, example="/health")))


def _read_path(path: object) -> str:
    if isinstance(path, str) and _PATH.fullmatch(path):
        return path
    cure = "write a path from its slash on, percent-encoded, without query"
    raise ConfigurationError(_BATTERY, f"exempt has {path!r}", cure=cure)
