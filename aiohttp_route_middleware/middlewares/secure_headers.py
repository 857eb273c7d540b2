"""Headers that make browsers careful: what a page may load, who may frame it, that it is only asked for by https.

By default it sets what the OWASP Secure Headers Project proposes (https://owasp.org/www-project-secure-headers, its
`ci/headers_add.json` of 2026-07-19), less two headers that suit single responses only: `Clear-Site-Data`, which would
log everybody out, and `Cache-Control`. Each option changes one header, and `None` switches it off. Put it around the
whole application: error pages and files need these headers as well.

The defaults are strict: everything is loaded from the own origin, nothing is inline, no other page can open, embed or
frame this one. Loosen what a page needs, with a nonce for its scripts:

    setup(app)
    router = UrlDispatcherEx.install(app, secure_headers())
    policy = {**DEFAULT_POLICY, "script-src": [NONCE], "img-src": ["'self'", "https://images.example.com"]}

    @requires(CSP_NONCE)
    async def show_page(request):
        return web.Response(text=f'<script nonce="{request[CSP_NONCE]}">start()</script>', content_type="text/html")

    router.add_get("/page", secure_headers(content_security_policy=policy), show_page)

There is a nonce only behind a policy that has one: elsewhere `request[CSP_NONCE]` is a `KeyError`, and the answer 500.
`@requires(CSP_NONCE)` finds that out when the route is registered. If the policy is around the whole application, say
so with `given=[CSP_NONCE]`; a page that may do without writes `request.get(CSP_NONCE)`.

To embed resources of other origins, `cross_origin_embedder_policy` must be loosened together with the policy.
`{"upgrade-insecure-requests": True}` is among the defaults: some browsers then ask for https at a development server.

It does **not** escape anything: a policy limits what an injected script can do, it does not keep it out. A nonce
protects while nobody can guess it: pages that bear one must not be kept in shared caches, and a handler that copies
the headers of one response into another, such as a page that it has kept, sends the old nonce again. On a 304 the
policy with the nonce is left out, because the page that the browser has kept bears the nonce of its own policy. The
headers `Server`, `Reporting-Endpoints` and `Set-Cookie` are not touched.

Several at once, around an application, a group and a route: the innermost decides on every header. What a handler has
set itself stays. `Strict-Transport-Security` is sent over https only. Behind a proxy that ends TLS,
`client_address()` finds out how the client has asked, wherever it stands; or pass `is_secure`.

With `Referrer-Policy: no-referrer`, the default, browsers send `Origin: null` with the forms of your own pages. Where
they do not say by `Sec-Fetch-Site` that it is your own (over plain http; before 2023), `csrf()` then refuses the form:
write `referrer_policy="strict-origin"` there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from aiohttp import web

from ..option_checks import check_function
from ..support.battery import GuardBattery, awaiting, guard_battery
from ..support.browser.csp import CSP_NONCE, DEFAULT_POLICY, NONCE, ContentPolicy, draw_nonce
from ..support.browser.header_values import Fields, Writers, write_fields, write_policies
from ..support.browser.permissions_policy import DEFAULT_PERMISSIONS, Permissions
from ..support.network.forwarded import read_forwarded_scheme, read_found_scheme
from ..support.responses import Apply, on_response
from ..typedefs import Handler

__all__ = ("CSP_NONCE", "DEFAULT_PERMISSIONS", "DEFAULT_POLICY", "NONCE", "secure_headers")

_BATTERY = "secure_headers()"
_ByScheme: TypeAlias = Mapping[str | None, Apply]


def secure_headers(
    *,
    content_security_policy: ContentPolicy | None = DEFAULT_POLICY,
    content_security_policy_report_only: ContentPolicy | None = None,
    cross_origin_embedder_policy: str | None = "require-corp",
    cross_origin_opener_policy: str | None = "same-origin",
    cross_origin_resource_policy: str | None = "same-origin",
    permissions_policy: Permissions | None = DEFAULT_PERMISSIONS,
    referrer_policy: str | None = "no-referrer",
    strict_transport_security: str | None = "max-age=63072000; includeSubDomains",
    x_content_type_options: str | None = "nosniff",
    x_dns_prefetch_control: str | None = "off",
    x_frame_options: str | None = "DENY",
    x_permitted_cross_domain_policies: str | None = "none",
    is_secure: Callable[[web.Request], bool | Awaitable[bool]] | None = None,
) -> GuardBattery:
    """Set the headers that make browsers careful; each option is named as its header, and `None` switches it off.

    Args:
        content_security_policy: as it is sent, or directives with lists of values; `True` for a directive without
            values, `False` for none. `NONCE` stands for the nonce of each request. Default `DEFAULT_POLICY`.
        content_security_policy_report_only: as above; violations are reported, and nothing is forbidden. No default.
        cross_origin_embedder_policy: default `"require-corp"`.
        cross_origin_opener_policy: default `"same-origin"`.
        cross_origin_resource_policy: default `"same-origin"`; `"cross-origin"` for what other sites embed.
        permissions_policy: as it is sent, or features with who may use them: `"*"`, or a list of `"self"` and
            origins, empty for nobody. Default `DEFAULT_PERMISSIONS`.
        referrer_policy: one, or several after commas, of which a browser takes the last that it knows; default
            `"no-referrer"`.
        strict_transport_security: for how many seconds browsers ask by https alone; default two years, sub-domains
            included.
        x_content_type_options: default `"nosniff"`; there is no other value.
        x_dns_prefetch_control: default `"off"`.
        x_frame_options: default `"DENY"`; browsers ignore it if the policy has `frame-ancestors`.
        x_permitted_cross_domain_policies: default `"none"`.
        is_secure: called with the request, async or plain: returns `True` itself if the client has asked by https. By
            default as `client_address()` has found out, else `request.secure`.

    Raises:
        ConfigurationError: a browser would not take a value as it is meant.

    Responds:
        Nothing of its own.

    Reads/Sets:
        sets each of these headers, unless the handler has set it; `CSP_NONCE`, if a policy has a nonce. Needs
        `setup(app)`.

    Source:
        CSP Level 3; Permissions Policy, section 5.2; RFC 6797, section 7.2: no `Strict-Transport-Security` over http.

    Example:
        secure_headers(content_security_policy={**DEFAULT_POLICY, "script-src": [NONCE]}, x_dns_prefetch_control=None)
    """
    if is_secure is not None:
        check_function(_BATTERY, "is_secure", is_secure, takes="request")
    fields, writers = write_policies(
        _BATTERY,
        content_security_policy=content_security_policy,
        content_security_policy_report_only=content_security_policy_report_only,
    )
    fields += write_fields(
        _BATTERY,
        cross_origin_embedder_policy=cross_origin_embedder_policy,
        cross_origin_opener_policy=cross_origin_opener_policy,
        cross_origin_resource_policy=cross_origin_resource_policy,
        permissions_policy=permissions_policy,
        referrer_policy=referrer_policy,
        x_content_type_options=x_content_type_options,
        x_dns_prefetch_control=x_dns_prefetch_control,
        x_permitted_cross_domain_policies=x_permitted_cross_domain_policies,
    )
    transport = write_fields(_BATTERY, strict_transport_security=strict_transport_security)
    framing = _set_fields(write_fields(_BATTERY, x_frame_options=x_frame_options))
    over_http, over_https = _set_fields(fields), _set_fields(fields + transport)
    by_scheme: _ByScheme = {"http": over_http, "https": over_https}
    by_client = (_choose_by_client(by_scheme, over_http), _choose_by_client(by_scheme, over_https))
    ask = None if is_secure is None else awaiting(is_secure)

    @guard_battery(provided=(CSP_NONCE,) if writers else ())
    async def secure_headers(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        if ask is None:
            apply = by_scheme.get(read_forwarded_scheme(request)) or by_client[request.secure]
        else:
            on_response(request, "secure_headers", over_http)  # should `is_secure` raise
            on_response(request, "x_frame_options", framing)
            apply = over_https if await ask(request) is True else over_http
        if writers:
            apply = _set_policies(writers, draw_nonce(request), apply)
        on_response(request, "secure_headers", apply)
        on_response(request, "x_frame_options", framing)  # which the battery of that name sets as well
        return await handler(request) if handler else None

    return secure_headers


def _set_fields(fields: Fields) -> Apply:
    def apply(_: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        for name, value in fields:
            headers.setdefault(name, value)

    return apply


def _choose_by_client(by_scheme: _ByScheme, otherwise: Apply) -> Apply:
    """Ask when all links have run: `client_address()` may stand behind this, and a clone of the request in between.

    Args:
        by_scheme: what is applied if a trusted proxy has said by which scheme the client has asked.
        otherwise: by that of the connection.
    """
    return lambda request, response: by_scheme.get(read_found_scheme(request), otherwise)(request, response)


def _set_policies(writers: Writers, nonce: str, first: Apply) -> Apply:
    def apply(request: web.Request, response: web.StreamResponse) -> None:
        first(request, response)
        if response.status == web.HTTPNotModified.status_code:
            return  # its headers replace those of the page that the client has kept (RFC 9111, section 3.2)
        headers = response.headers
        for name, write in writers:
            if name not in headers:
                headers[name] = write(nonce)

    return apply
