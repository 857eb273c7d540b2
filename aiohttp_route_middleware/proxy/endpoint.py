"""A reverse proxy as an endpoint: what stands before it is an ordinary chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import hdrs, web
from multidict import CIMultiDict

from ..declarations import named, required_by, requires
from ..errors import ConfigurationError
from ..marks import set_mark
from ..naming import describe
from ..option_checks import check_flags, check_name
from ..support.network.forwarded import find_public_host, read_forwarded_scheme
from ..support.sending import has_gone
from ..support.start_checks import checks_start
from ..typedefs import Handler
from .choice.affinity import AffinityCookie
from .exchange import Exchange
from .expectations import invites_itself
from .hook_lists import read_hooks
from .hooks.running import Hook, run_hooks
from .message.cookies import CookieRewriting
from .message.fields import CONNECTION_FIELDS, drop_connection_fields
from .message.forwarding import Forwarding
from .message.framing import Framing, read_framing
from .message.locations import LocationRewriting
from .message.path_rewriting import Rewrite
from .message.paths import SERVER_ITSELF, read_path_and_query
from .message.via import answer_last_hop
from .mirror.mirroring import Mirror
from .open_upstream import OpenUpstream
from .passing import pass_on
from .record import EXCHANGE, ExchangeRecord, log_failure
from .response import ProxyResponse, check_fields, note_answer
from .upstream import Upstream
from .websockets.messages import MessageRelay
from .websockets.tunnel import TunnelResponse, check_handshake
from .wire.failures import ClientGoneError, ClientSilentError, UpstreamError
from .wire.outgoing import WRITTEN_HERE, OutgoingRequest, OutgoingRequestError

__all__ = ("proxy",)

_BATTERY = "proxy()"
_CURE = 'pass an Upstream, as in proxy(Upstream("http://localhost:8001"))'
_REFUSALS: dict[int, type[web.HTTPException]] = {
    403: web.HTTPForbidden,
    502: web.HTTPBadGateway,
    503: web.HTTPServiceUnavailable,
    504: web.HTTPGatewayTimeout,
}
_OF_THE_BODY = (hdrs.CONTENT_LENGTH, hdrs.EXPECT)


def proxy(
    upstream: Upstream,
    *hooks: Hook | Rewrite | Sequence[Hook | Rewrite],
    preserve_host: bool = False,
    forwarding: Forwarding | None = None,
    locations: LocationRewriting | None = None,
    cookies: CookieRewriting | None = None,
    messages: MessageRelay | None = None,
    mirror: Mirror | None = None,
    allow_dot_segments: bool = False,
    proxy_status: str | None = None,
) -> Handler:
    """Answer requests by passing them on to an upstream.

    Args:
        upstream: whose targets are asked; its `run_with()` ties it to the application.
        hooks: functions around the exchange, in three forms, and rewritings of its path, as `strip_prefix("/api")`;
            the first is the outermost. A list of them stands for what is in it.
        preserve_host: whether the target gets the `Host` of the client; by default it gets its own.
        forwarding: what the target is told of the client; default `Forwarding()`: three `X-Forwarded-*` fields and
            `Via`, and no peer is believed.
        locations: made by `rewrite_locations()`; by default `Location` is passed on as it is.
        cookies: made by `rewrite_cookies()`; by default `Set-Cookie` is passed on as it is.
        messages: made by `relay_messages()`, for those of WebSockets; by default nobody reads them on their way.
        mirror: a `Mirror`, by which requests are sent to a second upstream as well; by default they are not.
        allow_dot_segments: whether a path with `.` or `..` is passed on; by default it is refused.
        proxy_status: the name of this proxy in `Proxy-Status`, which tells clients why there is no answer; by default
            they are not told.

    Raises:
        ConfigurationError: an option is wrong. At a request: `run_with()` of the upstream was not called, or a hook
            has written what is no request.

    Responds:
        what the target responds, to its end, or cut off; 502 if it cannot be reached, or answers with what is no HTTP;
        503 if none may be asked, or all its connections are taken; 504 if it takes too long; 403 if `DynamicTargets`
        do not allow it; 400 to a path or a body that others could read in another way; 408 if the client stops in the
        midst of its body; 415 to several lines of Content-Encoding; 417 to an `Expect` that nobody knows; 501 to a
        Transfer-Encoding other than `chunked`, to TRACE and to CONNECT; 508 to a request that has come through here
        before; 200 to an OPTIONS with `Max-Forwards: 0`. 499 is logged if the client has gone.

    Reads/Sets:
        sets `EXCHANGE`; reads `CLIENT_ADDRESS`, `FORWARDED_SCHEME` and `FORWARDED_HOST`, if they are there.

    Source:
        RFC 9110, section 7; RFC 9112; RFC 7239; RFC 9209.

    Example:
        proxy(Upstream("http://localhost:8001"), strip_prefix("/api"))
    """
    if not isinstance(upstream, Upstream):
        raise ConfigurationError(_BATTERY, f"upstream is {describe(upstream)}", cure=_CURE)
    listed = read_hooks(hooks)
    _check_option("messages", messages, MessageRelay, cure="write messages=relay_messages(from_client=...)")
    _check_option("forwarding", forwarding, Forwarding, cure='write Forwarding(via="shop"), or None')
    _check_option("locations", locations, LocationRewriting, cure="write rewrite_locations(), or None")
    _check_option("cookies", cookies, CookieRewriting, cure='write rewrite_cookies(paths={"/": "/shop"}), or None')
    _check_option("mirror", mirror, Mirror, cure="write Mirror(Upstream(...)), or None")
    check_flags(_BATTERY, preserve_host=preserve_host, allow_dot_segments=allow_dot_segments)
    if proxy_status is not None:
        check_name(_BATTERY, "proxy_status", proxy_status, example="shop")
    passer = _Proxy(
        upstream=upstream,
        hooks=listed,
        preserve_host=preserve_host,
        forwarding=Forwarding() if forwarding is None else forwarding,
        locations=locations,
        cookies=cookies,
        messages=messages,
        mirror=mirror,
        allow_dot_segments=allow_dot_segments,
        proxy_status=proxy_status,
    )

    @named(f"proxy({upstream.name})")
    async def proxy(request: web.Request) -> web.StreamResponse:
        return answer_last_hop(request) or await passer.answer(request)

    set_mark(proxy, "__link_kind__", "endpoint")
    invites_itself(proxy)
    checks_start(proxy, upstream.check_run, *(() if mirror is None else (mirror.check_run,)))
    return requires(*(key for hook in listed for key in required_by(hook)))(proxy)


def _check_option(option: str, value: object, kind: type, *, cure: str) -> None:
    if not isinstance(value, (kind, type(None))):
        raise ConfigurationError(_BATTERY, f"{option} is {describe(value)}", cure=cure)


@dataclass(frozen=True)
class _Proxy:
    """The options of one endpoint."""

    upstream: Upstream
    hooks: tuple[Hook, ...]
    preserve_host: bool
    forwarding: Forwarding
    locations: LocationRewriting | None
    cookies: CookieRewriting | None
    messages: MessageRelay | None
    mirror: Mirror | None
    allow_dot_segments: bool
    proxy_status: str | None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Pass a request on, and return what comes back."""
        if request.method == hdrs.METH_TRACE:  # targets would tell the client what hooks have added
            raise web.HTTPNotImplemented(text="This server does not pass on TRACE.")
        opened = self.upstream.opened
        framing = read_framing(request)
        check_handshake(request, framing)
        path = read_path_and_query(request, allow_dot_segments=self.allow_dot_segments)
        outgoing = OutgoingRequest(request.method, path, self._make_headers(request, framing))
        record = ExchangeRecord(self.upstream.name, request.method, path.partition("?")[0])
        request[EXCHANGE] = record
        exchange = Exchange(request, outgoing, record)
        if opened.retries is not None:
            opened.retries.note_request()
        try:
            if self.hooks:
                await run_hooks(self.hooks, exchange, lambda: self._send(opened, exchange, framing))
                check_fields(exchange.response)
            else:
                await self._send(opened, exchange, framing)
        except UpstreamError as failure:
            refusal = self._refuse(opened, request, record, failure)
            exchange.forget_response()  # a hook may have failed behind it
            raise refusal from failure
        except (ClientGoneError, ClientSilentError) as error:
            opened.close_record(record, "client_gone")
            exchange.forget_response()
            return _give_up(request, error)
        except BaseException:
            exchange.forget_response()
            opened.close_record(record, "client_gone" if has_gone(request) else "refused")
            raise
        return await self._finish(opened, exchange)

    async def _finish(self, opened: OpenUpstream, exchange: Exchange) -> web.StreamResponse:
        response = exchange.response
        if _may_send_later(exchange.incoming):
            response.force_close()
        if type(response) is ProxyResponse:  # as nearly all are; isinstance() takes long, for responses are mappings
            note_answer(exchange.incoming, response)
        elif isinstance(response, TunnelResponse):
            await opened.run_tunnel(response, exchange.incoming)
        else:
            opened.close_record(exchange.record, "failed" if exchange.record.error else "refused")
            if isinstance(response, web.HTTPException):  # which aiohttp wants to be raised
                raise response
        return response

    def _make_headers(self, request: web.Request, framing: Framing) -> CIMultiDict[str]:
        headers = request.headers.copy()
        drop_connection_fields(headers)
        _restore_own(request, headers)
        for name in _OF_THE_BODY:  # written anew as the body is sent
            headers.popall(name, None)
        if framing.is_decoded:
            headers.popall(hdrs.CONTENT_ENCODING, None)
        headers.popall(hdrs.HOST, None)
        if self.preserve_host:
            headers[hdrs.HOST] = _read_host(request)
        affinity = self.upstream.affinity
        if affinity is not None and hdrs.COOKIE in headers:
            _strip_cookie(headers, affinity)
        self.forwarding.write(request, headers)
        return headers

    async def _send(self, opened: OpenUpstream, exchange: Exchange, framing: Framing) -> None:
        if self.hooks:
            _settle(exchange.request)
        target = await pass_on(opened, exchange, framing, self.messages, self.mirror)
        headers = exchange.response.headers
        if self.locations is not None:
            self.locations.apply(headers, target=target.url, public=_read_public_origin(exchange.incoming))
        if self.cookies is not None:
            self.cookies.apply(headers)
        affinity = self.upstream.affinity
        cookie = None if affinity is None else affinity.write(exchange.incoming, target)
        if cookie is not None:
            headers.add(hdrs.SET_COOKIE, cookie)

    def _refuse(
        self, opened: OpenUpstream, request: web.Request, record: ExchangeRecord, failure: UpstreamError
    ) -> web.HTTPException:
        """Make the response to a failure, which tells nothing of what is behind."""
        record.error = failure.proxy_error
        opened.close_record(record, "failed")
        log_failure(record, failure.problem)
        refusal = _REFUSALS[failure.status]()
        if self.proxy_status is not None:
            refusal.headers["Proxy-Status"] = f"{self.proxy_status}; error={failure.proxy_error}"
        if _may_send_later(request):
            refusal.force_close()
        return refusal


def _settle(outgoing: OutgoingRequest) -> None:
    """See to what hooks have written: what is sent is framed once (RFC 9112, section 6.3), and stays below its base.

    Raises:
        OutgoingRequestError: the path is none.
    """
    path: object = outgoing.path
    if not isinstance(path, str):
        cure = "set a text; a URL is set as exchange.request.url"
        raise OutgoingRequestError("path", f"it is of type {type(path).__qualname__}", cure=cure)
    if not path.startswith("/") and path != SERVER_ITSELF:
        raise OutgoingRequestError("path", "it does not begin with a slash", cure="begin it with one")
    for name in WRITTEN_HERE:
        outgoing.headers.popall(name, None)


def _restore_own(request: web.Request, headers: CIMultiDict[str]) -> None:
    """Put back what links have added to a clone of the request, and `Connection` of the client names."""
    served = cast(Any, request.protocol)._current_request
    if served is None or served is request or served.headers == request.headers:
        return
    for name in {*request.headers.keys()} - {*headers.keys()}:
        values = request.headers.getall(name)
        if name.lower() not in CONNECTION_FIELDS and values != served.headers.getall(name, ()):
            headers.extend((name, value) for value in values)


def _may_send_later(request: web.Request) -> bool:
    """Whether nobody knows if a body follows: the client has asked, and may take an answer for a no."""
    return hdrs.EXPECT in request.headers and not request.content.is_eof()


def _give_up(request: web.Request, error: Exception) -> web.StreamResponse:
    """Answer a client that has gone, which aiohttp logs; one that has stopped; or one that sends what is malformed."""
    if has_gone(request):
        return web.Response(status=499, reason="Client Closed Request")
    is_silent = isinstance(error, ClientSilentError)
    refusal = (
        web.HTTPRequestTimeout() if is_silent else web.HTTPBadRequest(text="The body of this request is malformed.")
    )
    refusal.force_close()
    raise refusal from error


def _read_host(incoming: web.Request) -> str:
    """Read whom the client asks for (RFC 9112, section 3.2.2)."""
    host = find_public_host(incoming)
    if host is None:
        raise web.HTTPBadRequest(text="This request asks for no host.")
    return host


def _read_public_origin(incoming: web.Request) -> str:
    """What the client takes for scheme, host and port of the site."""
    scheme = read_forwarded_scheme(incoming) or incoming.scheme
    return f"{scheme}://{find_public_host(incoming) or ''}"


def _strip_cookie(headers: CIMultiDict[str], affinity: AffinityCookie) -> None:
    fields = [affinity.strip(field) for field in headers.popall(hdrs.COOKIE)]
    headers.extend((hdrs.COOKIE, field) for field in fields if field)
