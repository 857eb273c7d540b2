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

    async def show_page(request):
        return web.Response(text=f'<script nonce="{request[CSP_NONCE]}">start()</script>', content_type="text/html")

    router.add_get("/page", secure_headers(content_security_policy=policy), show_page)

To embed resources of other origins, `cross_origin_embedder_policy` must be loosened together with the policy.
`{"upgrade-insecure-requests": True}` is among the defaults: some browsers then ask for https at a development server.

It does **not** escape anything: a policy limits what an injected script can do, it does not keep it out. A nonce
protects while nobody can guess it: pages that bear one must not be kept in shared caches; on a 304 the policy with the
nonce is left out, because the page that the browser has kept bears the nonce of its own policy. The headers `Server`,
`Reporting-Endpoints` and `Set-Cookie` are not touched.

Several at once, around an application, a group and a route: the innermost decides on every header. What a handler has
set itself stays. `Strict-Transport-Security` is sent over https only (RFC 6797, section 7.2). Behind a proxy that
ends TLS, `client_address()` finds out how the client has asked, wherever it stands; or pass `is_secure`.

With `Referrer-Policy: no-referrer`, the default, browsers send `Origin: null` with the forms of your own pages. Where
they do not say by `Sec-Fetch-Site` that it is your own (over plain http; before 2023), `csrf()` then refuses the form:
write `referrer_policy="strict-origin"` there.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from aiohttp import web
from multidict import istr

from ..errors import ConfigurationError
from ..naming import describe
from ..support.battery import GuardBattery, call, guard_battery
from ..support.challenges import quote
from ..support.csp import (
    CSP_NONCE,
    DEFAULT_POLICY,
    NONCE,
    Policy,
    PolicyWriter,
    check_frame_options,
    check_word,
    compile_policy,
    draw_nonce,
)
from ..support.forwarded import is_https
from ..support.headers import on_response
from ..typedefs import Handler

__all__ = ("CSP_NONCE", "DEFAULT_PERMISSIONS", "DEFAULT_POLICY", "NONCE", "secure_headers")

Permissions: TypeAlias = str | Mapping[str, str | Sequence[str]]
Fields: TypeAlias = tuple[tuple[istr, str], ...]
Writers: TypeAlias = tuple[tuple[istr, PolicyWriter], ...]

_FORBIDDEN = (
    *("accelerometer", "autoplay", "camera", "cross-origin-isolated", "display-capture", "encrypted-media"),
    *("fullscreen", "geolocation", "gyroscope", "keyboard-map", "magnetometer", "microphone", "midi", "payment"),
    *("picture-in-picture", "publickey-credentials-get", "screen-wake-lock", "usb", "web-share"),
    *("xr-spatial-tracking", "clipboard-read", "clipboard-write", "gamepad", "hid", "idle-detection"),
    *("interest-cohort", "serial", "unload"),
)
DEFAULT_PERMISSIONS: Mapping[str, Sequence[str]] = MappingProxyType(
    dict.fromkeys(_FORBIDDEN, ()) | {"sync-xhr": ("self",)}
)
"""What the OWASP Secure Headers Project proposes."""

_REFERRER = (
    *("no-referrer", "no-referrer-when-downgrade", "origin", "origin-when-cross-origin", "same-origin"),
    *("strict-origin", "strict-origin-when-cross-origin", "unsafe-url"),
)
_EMBEDDER = ("require-corp", "credentialless", "unsafe-none")
_OPENER = ("same-origin", "same-origin-allow-popups", "noopener-allow-popups", "unsafe-none")
_RESOURCE = ("same-origin", "same-site", "cross-origin")
_CROSS_DOMAIN = ("none", "none-this-response", "master-only", "by-content-type", "by-ftp-filename", "all")


def secure_headers(
    *,
    content_security_policy: Policy | None = DEFAULT_POLICY,
    content_security_policy_report_only: Policy | None = None,
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
        strict_transport_security: default two years, sub-domains included.
        x_content_type_options: default `"nosniff"`; there is no other value.
        x_dns_prefetch_control: default `"off"`.
        x_frame_options: default `"DENY"`; browsers ignore it if the policy has `frame-ancestors`.
        x_permitted_cross_domain_policies: default `"none"`.
        is_secure: called with the request, async or plain: whether the client has asked by https. By default
            as `client_address()` has found out, else `request.secure`.

    Raises:
        ConfigurationError: a browser would not take a value as it is meant.

    Responds:
        Nothing of its own.

    Sets:
        Each of these headers, unless the handler has set it; the request key `CSP_NONCE`, if a policy has a nonce.

    Example:
        secure_headers(content_security_policy={**DEFAULT_POLICY, "script-src": [NONCE]}, x_dns_prefetch_control=None)
    """
    if is_secure is not None and not callable(is_secure):
        raise _refuse(f"is_secure is {describe(is_secure)}", "pass a callable that takes the request")
    fields, writers = _split_policies(content_security_policy, content_security_policy_report_only)
    fields += _list_fields(
        (cross_origin_embedder_policy, "cross_origin_embedder_policy", _check_reported(_EMBEDDER)),
        (cross_origin_opener_policy, "cross_origin_opener_policy", _check_reported(_OPENER)),
        (cross_origin_resource_policy, "cross_origin_resource_policy", _check_one_of(_RESOURCE)),
        (permissions_policy, "permissions_policy", _write_permissions),
        (referrer_policy, "referrer_policy", _check_referrer),
        (x_content_type_options, "x_content_type_options", _check_one_of(("nosniff",))),
        (x_dns_prefetch_control, "x_dns_prefetch_control", _check_one_of(("on", "off"))),
        (x_permitted_cross_domain_policies, "x_permitted_cross_domain_policies", _check_one_of(_CROSS_DOMAIN)),
    )
    transport = _list_fields((strict_transport_security, "strict_transport_security", _check_transport))
    framing = _list_fields((x_frame_options, "x_frame_options", _check_framing))
    return _make_battery(fields, transport, framing, writers, is_secure)


def _make_battery(
    fields: Fields, transport: Fields, framing: Fields, writers: Writers, is_secure: Callable[..., Any] | None
) -> GuardBattery:
    apply_over_http = functools.partial(_set_fields, fields)
    apply_over_https = functools.partial(_set_fields, fields + transport)

    apply_framing = functools.partial(_set_fields, framing)

    def apply_by_scheme(request: web.Request, response: web.StreamResponse) -> None:
        # asked once more: `client_address()` may stand behind this
        (apply_over_https if is_https(request) else apply_over_http)(request, response)

    @guard_battery("secure_headers", provided=(CSP_NONCE,) if writers else ())
    async def secure_headers(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        if is_secure is None:
            apply = apply_over_https if is_https(request) else apply_by_scheme
        else:
            on_response(request, "secure_headers", apply_over_http)  # should `is_secure` raise
            on_response(request, "x_frame_options", apply_framing)
            apply = apply_over_https if await call(is_secure, request) else apply_over_http
        if writers:
            apply = functools.partial(_set_policies, writers, draw_nonce(request), apply)
        on_response(request, "secure_headers", apply)
        on_response(request, "x_frame_options", apply_framing)  # which the battery of that name sets as well
        return await handler(request) if handler else None

    return secure_headers


def _set_fields(fields: Fields, _: web.Request, response: web.StreamResponse) -> None:
    headers = response.headers
    for name, value in fields:
        headers.setdefault(name, value)


def _set_policies(
    writers: Writers,
    nonce: str,
    apply: Callable[[web.Request, web.StreamResponse], None],
    request: web.Request,
    response: web.StreamResponse,
) -> None:
    apply(request, response)
    if response.status == web.HTTPNotModified.status_code:
        return  # its headers replace those of the page that the client has kept (RFC 9111, section 3.2)
    for name, write in writers:
        if name not in response.headers:
            response.headers[name] = write(nonce)


# ---- options


def _split_policies(enforced: Policy | None, reported: Policy | None) -> tuple[Fields, Writers]:
    """Tell policies that are the same for each request from those with a nonce."""
    fields: Fields = ()
    writers: Writers = ()
    for option, policy in (
        ("content_security_policy", enforced),
        ("content_security_policy_report_only", reported),
    ):
        compiled = None if policy is None else compile_policy(policy, option, "secure_headers()")
        if isinstance(compiled, str):
            fields += ((_name_header(option), compiled),)
        elif compiled is not None:
            writers += ((_name_header(option), compiled),)
    return fields, writers


def _list_fields(*options: tuple[Any, str, Callable[[Any, str], str]]) -> Fields:
    """Check values that are not `None`, and pair each with the name of its header."""
    return tuple((_name_header(name), check(value, name)) for value, name, check in options if value is not None)


def _name_header(option: str) -> istr:
    return istr(option.replace("_", "-").title().replace("-Dns-", "-DNS-"))


def _refuse(problem: str, cure: str) -> ConfigurationError:
    return ConfigurationError("secure_headers()", problem, cure=cure)


def _check_one_of(words: Sequence[str]) -> Callable[[Any, str], str]:
    return lambda value, option: check_word(value, words, option, "secure_headers()")


def _check_reported(words: Sequence[str]) -> Callable[[Any, str], str]:
    """Check a word that may be followed by where to report to (HTML, cross-origin opener and embedder policies)."""

    def check(value: Any, option: str) -> str:
        word, found, report = value.partition(";") if isinstance(value, str) else (value, "", "")
        check_word(word, words, option, "secure_headers()")
        if found and not re.fullmatch(r' *report-to="[ !#-\[\]-~]+"', report):
            raise _refuse(f"{option}={value!r}", f"write '{word}; report-to=\"name\"'")
        return str(value)

    return check


def _check_framing(value: Any, option: str) -> str:
    return check_frame_options(value, option, "secure_headers()")


def _check_referrer(value: Any, option: str) -> str:
    for word in value.split(",") if isinstance(value, str) else (value,):
        check_word(word.strip(" ") if isinstance(word, str) else word, _REFERRER, option, "secure_headers()")
    return str(value)


def _check_transport(value: Any, option: str) -> str:
    """Check a policy against RFC 6797, section 6.1: each directive once, `max-age` among them."""
    directives = [one.strip(" ").lower() for one in value.split(";")] if isinstance(value, str) else [""]
    ages = [one for one in directives if re.fullmatch(r'max-age=(\d+|"\d+")', one, re.ASCII)]
    others = [one for one in directives if one and one not in ages]
    if len(ages) != 1 or len(set(others)) != len(others) or not set(others) <= {"includesubdomains", "preload"}:
        raise _refuse(f"{option}={value!r}", "write 'max-age=SECONDS', and '; includeSubDomains' for sub-domains")
    return str(value)


# ---- Permissions-Policy, section 5.2: a dictionary of structured fields (RFC 9651)

_FEATURE = r"[a-z*][a-z0-9_.*-]*"
_ORIGIN = r"[A-Za-z][A-Za-z0-9+.-]*:(?://(?:\*\.)?[A-Za-z0-9.-]+(?::(?:[0-9]+|\*))?)?"  # or a scheme alone
_ALLOWED = rf'(?:\*|self|"{_ORIGIN}")'
_MEMBER = re.compile(
    rf'{_FEATURE}=(?:{_ALLOWED}|\( *(?:{_ALLOWED}(?: +{_ALLOWED})*)? *\))(?:; *report-to="[ !#-\[\]-~]+")?'
)


def _write_permissions(policy: Any, option: str) -> str:
    if isinstance(policy, Mapping):
        members = [f"{feature}={_write_allowed(allowed, option)}" for feature, allowed in policy.items()]
    elif isinstance(policy, str):
        members = [member.strip(" ") for member in policy.split(",")]
    else:
        raise _refuse(f"{option} is {type(policy).__qualname__}", "pass a text, or a mapping of features")
    for member in members:
        if not _MEMBER.fullmatch(member):
            cure = """write {"camera": [], "geolocation": ["self", "https://example.com"]}, or camera=(), ..."""
            raise _refuse(f"{option} has {member!r}", cure)
    return ", ".join(members)


def _write_allowed(allowed: object, option: str) -> str:
    if allowed == "*":
        return "*"
    if isinstance(allowed, str) or not isinstance(allowed, Sequence):
        raise _refuse(f"{option} has {allowed!r}", 'write "*" for all, or a list of "self" and origins')
    return f"({' '.join(one if one in ('self', '*') else quote(str(one)) for one in allowed)})"
