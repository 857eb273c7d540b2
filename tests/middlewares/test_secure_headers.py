"""The headers of OWASP's proposal reach every response; each can be changed, switched off, or set by the handler."""

import re
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import RegistrationError, UrlDispatcherEx, chain, requires
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.client_address import client_address
from aiohttp_route_middleware.middlewares.secure_headers import (
    CSP_NONCE,
    DEFAULT_PERMISSIONS,
    DEFAULT_POLICY,
    NONCE,
    secure_headers,
)
from aiohttp_route_middleware.typedefs import Handler

from .matrix import MATRIX, Case, ask, make_app

# https://github.com/OWASP/www-project-secure-headers, ci/headers_add.json of 2026-07-19, less Cache-Control and
# Clear-Site-Data, which suit single responses only
PROPOSED = {
    "Content-Security-Policy": "default-src 'self'; form-action 'self'; base-uri 'self'; object-src 'none'; "
    "frame-ancestors 'none'; upgrade-insecure-requests",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "accelerometer=(), autoplay=(), camera=(), cross-origin-isolated=(), display-capture=(), "
    "encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), keyboard-map=(), magnetometer=(), "
    "microphone=(), midi=(), payment=(), picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), "
    "sync-xhr=(self), usb=(), web-share=(), xr-spatial-tracking=(), clipboard-read=(), clipboard-write=(), "
    "gamepad=(), hid=(), idle-detection=(), interest-cohort=(), serial=(), unload=()",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",
    "X-Frame-Options": "DENY",  # in any case (RFC 7034, section 2.1)
    "X-Permitted-Cross-Domain-Policies": "none",
}
OFF: dict[str, Any] = {name.lower().replace("-", "_"): None for name in PROPOSED}
REPORT_ONLY = "Content-Security-Policy-Report-Only"
ALL = (*PROPOSED, REPORT_ONLY)


def members(value: str) -> list[str]:
    return sorted(re.split(", ", value))


def found(headers: Any) -> dict[str, list[str]]:
    """What a response has of the headers that the battery can set."""
    return {name: headers.getall(name) for name in ALL if name in headers}


@web.middleware
async def behind_a_proxy(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request.clone(scheme="https"))


async def index(request: web.Request) -> web.Response:
    return web.Response(text=request.get(CSP_NONCE, ""), headers=request.query)


async def serve(aiohttp_client: AiohttpClient, *links: Any, around: Any = ()) -> TestClient[Any, Any]:
    app = web.Application(middlewares=around)
    setup(app)
    UrlDispatcherEx.install(app).add_get("/", *links, index)
    return await aiohttp_client(app)


# ---- which headers, and where


@pytest.mark.parametrize(("scope", "case"), MATRIX)
async def test_each_response_has_each_header_once(scope: str, case: Case, aiohttp_client: AiohttpClient) -> None:
    battery = secure_headers(content_security_policy_report_only={"img-src": "*"}, is_secure=lambda request: True)
    client = await aiohttp_client(make_app(scope, battery))
    async with ask(client, scope, case) as response:
        assert response.status == case.status
        headers = found(response.headers)
        assert members(headers.pop("Permissions-Policy")[0]) == members(PROPOSED["Permissions-Policy"])
        expected = {name: [value] for name, value in PROPOSED.items() if name != "Permissions-Policy"}
        assert headers == expected | {REPORT_ONLY: ["img-src *"]}


@pytest.mark.parametrize(("scope", "case"), MATRIX)
async def test_each_response_but_304_has_the_policies_with_the_nonce(
    scope: str, case: Case, aiohttp_client: AiohttpClient
) -> None:
    policy = {"script-src": NONCE}
    battery = secure_headers(content_security_policy=policy, content_security_policy_report_only=policy)
    client = await aiohttp_client(make_app(scope, battery))
    async with ask(client, scope, case) as response:
        assert response.status == case.status
        policies = [response.headers.getall(name, []) for name in ("Content-Security-Policy", REPORT_ONLY)]
        assert policies[0] == policies[1]
        assert len(policies[0]) == (0 if case.status == 304 else 1)
        assert response.headers.getall("X-Content-Type-Options") == ["nosniff"]


@pytest.mark.parametrize("name", PROPOSED)
async def test_each_header_can_be_switched_off(name: str, aiohttp_client: AiohttpClient) -> None:
    option: dict[str, Any] = {name.lower().replace("-", "_"): None}
    battery = secure_headers(is_secure=lambda request: True, **option)
    async with (await serve(aiohttp_client, battery)).get("/") as response:
        assert [*found(response.headers)] == [other for other in PROPOSED if other != name]


async def test_all_switched_off_sets_nothing(aiohttp_client: AiohttpClient) -> None:
    async with (await serve(aiohttp_client, secure_headers(**OFF))).get("/") as response:
        assert found(response.headers) == {}


@pytest.mark.parametrize(
    ("option", "given", "sent"),
    [
        ("content_security_policy", "default-src https:", "default-src https:"),
        ("content_security_policy", {"default-src": ["'self'"], "sandbox": True}, "default-src 'self'; sandbox"),
        ("content_security_policy_report_only", {"img-src": "*", "report-to": "csp"}, "img-src *; report-to csp"),
        ("cross_origin_embedder_policy", "credentialless", "credentialless"),
        ("cross_origin_embedder_policy", 'require-corp; report-to="coep"', 'require-corp; report-to="coep"'),
        ("cross_origin_opener_policy", "same-origin-allow-popups", "same-origin-allow-popups"),
        ("cross_origin_opener_policy", "noopener-allow-popups", "noopener-allow-popups"),
        ("cross_origin_opener_policy", 'unsafe-none;report-to="a b"', 'unsafe-none;report-to="a b"'),
        ("cross_origin_resource_policy", "cross-origin", "cross-origin"),
        ("permissions_policy", "camera=(), geolocation=(self)", "camera=(), geolocation=(self)"),
        (
            "permissions_policy",
            {"camera": [], "usb": "*", "geolocation": ["self", "https://*.example.com:8443"]},
            'camera=(), usb=*, geolocation=(self "https://*.example.com:8443")',
        ),
        ("referrer_policy", "strict-origin", "strict-origin"),
        ("referrer_policy", "no-referrer, strict-origin", "no-referrer, strict-origin"),
        ("strict_transport_security", "max-age=0", "max-age=0"),
        (
            "strict_transport_security",
            'includesubdomains ; MAX-AGE="1"; preload;',
            'includesubdomains ; MAX-AGE="1"; preload;',
        ),
        ("x_dns_prefetch_control", "on", "on"),
        ("x_frame_options", "sameorigin", "SAMEORIGIN"),
        ("x_permitted_cross_domain_policies", "master-only", "master-only"),
    ],
)
async def test_each_header_can_be_changed(option: str, given: Any, sent: str, aiohttp_client: AiohttpClient) -> None:
    battery = secure_headers(is_secure=lambda request: True, **{**OFF, option: given})
    async with (await serve(aiohttp_client, battery)).get("/") as response:
        ((name, values),) = found(response.headers).items()
        assert name.lower() == option.replace("_", "-")
        assert values == [sent]


@pytest.mark.parametrize("name", ALL)
async def test_what_the_handler_has_set_itself_stays(name: str, aiohttp_client: AiohttpClient) -> None:
    nonce = {"script-src": NONCE}
    for policy in (DEFAULT_POLICY, nonce):
        battery = secure_headers(
            content_security_policy=policy, content_security_policy_report_only=nonce, is_secure=lambda request: True
        )
        async with (await serve(aiohttp_client, battery)).get("/", params={name: "own"}) as response:
            assert response.headers.getall(name) == ["own"]
            assert sorted(found(response.headers)) == sorted(ALL)


async def test_the_innermost_decides_on_every_header(aiohttp_client: AiohttpClient) -> None:
    app = web.Application(middlewares=[behind_a_proxy, secure_headers()])
    setup(app)
    router = UrlDispatcherEx.install(app, secure_headers(referrer_policy="origin"))
    router.add_get("/router", index)
    group = router.group("", secure_headers(strict_transport_security=None, x_frame_options="SAMEORIGIN"))
    group.add_get("/group", index)
    group.add_get("/route", secure_headers(**OFF), index)
    client = await aiohttp_client(app)

    async def ask_for(path: str) -> dict[str, list[str]]:
        async with client.get(path) as response:
            return found(response.headers)

    assert (await ask_for("/nowhere"))["Referrer-Policy"] == ["no-referrer"]
    assert (await ask_for("/router"))["Referrer-Policy"] == ["origin"]
    at_group = await ask_for("/group")
    assert at_group["Referrer-Policy"] == ["no-referrer"]
    assert at_group["X-Frame-Options"] == ["SAMEORIGIN"]
    assert "Strict-Transport-Security" not in at_group
    assert await ask_for("/route") == {}


async def test_an_application_that_is_not_prepared_is_told_of_the_cure(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    app = web.Application()
    UrlDispatcherEx.install(app).add_get("/", secure_headers(), index)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.status == 500
    assert "secure_headers(): the application is not prepared" in caplog.text


# ---- https only


async def test_strict_transport_security_is_not_sent_over_http(aiohttp_client: AiohttpClient) -> None:
    async with (await serve(aiohttp_client, secure_headers())).get("/") as response:
        assert [*found(response.headers)] == [name for name in PROPOSED if name != "Strict-Transport-Security"]


async def test_what_a_client_forwards_of_itself_is_not_believed(aiohttp_client: AiohttpClient) -> None:
    client = await serve(aiohttp_client, secure_headers())
    forwarded = {"X-Forwarded-Proto": "https", "Forwarded": "proto=https", "X-Forwarded-Ssl": "on"}
    async with client.get("/", headers=forwarded) as response:
        assert "Strict-Transport-Security" not in response.headers


async def test_a_request_that_a_trusted_link_has_cloned_as_https_is_secure(aiohttp_client: AiohttpClient) -> None:
    async with (await serve(aiohttp_client, secure_headers(), around=[behind_a_proxy])).get("/") as response:
        assert response.headers.getall("Strict-Transport-Security") == ["max-age=63072000; includeSubDomains"]


async def is_secure_async(request: web.Request) -> bool:
    return request.headers.get("X-Scheme") == "https"


def is_secure_plain(request: web.Request) -> bool:
    return request.headers.get("X-Scheme") == "https"


@pytest.mark.parametrize("is_secure", [is_secure_async, is_secure_plain], ids=["async", "plain"])
@pytest.mark.parametrize(("scheme", "is_sent"), [("https", True), ("http", False)], ids=["https", "http"])
async def test_a_callable_tells_whether_the_client_has_asked_by_https(
    is_secure: Any, scheme: str, is_sent: bool, aiohttp_client: AiohttpClient
) -> None:
    client = await serve(aiohttp_client, secure_headers(is_secure=is_secure))
    async with client.get("/", headers={"X-Scheme": scheme}) as response:
        assert ("Strict-Transport-Security" in response.headers) is is_sent


# ---- nonces


async def test_the_handler_reads_the_nonce_of_the_policy_and_it_is_another_for_each_request(
    aiohttp_client: AiohttpClient,
) -> None:
    policy = {**DEFAULT_POLICY, "script-src": ["'self'", NONCE]}
    battery = secure_headers(content_security_policy=policy, content_security_policy_report_only=f"style-src {NONCE}")
    client = await serve(aiohttp_client, battery)
    nonces = set()
    for _ in range(3):
        async with client.get("/") as response:
            nonce = await response.text()
            assert f"; script-src 'self' 'nonce-{nonce}'" in response.headers["Content-Security-Policy"]
            assert response.headers[REPORT_ONLY] == f"style-src 'nonce-{nonce}'"
            assert re.fullmatch(r"[0-9a-f]{32}", nonce)
            nonces.add(nonce)
    assert len(nonces) == 3


async def test_no_nonce_is_drawn_when_no_policy_has_one(aiohttp_client: AiohttpClient) -> None:
    async with (await serve(aiohttp_client, secure_headers())).get("/") as response:
        assert await response.text() == ""


async def test_one_request_has_one_nonce_even_through_several_batteries_and_clones(
    aiohttp_client: AiohttpClient,
) -> None:
    seen = []

    async def look(request: web.Request) -> None:
        seen.append(request[CSP_NONCE])

    policy = {"script-src": NONCE}
    battery = secure_headers(content_security_policy=policy)
    client = await serve(
        aiohttp_client, look, behind_a_proxy, secure_headers(content_security_policy=policy), look, around=[battery]
    )
    async with client.get("/") as response:
        assert {*seen, await response.text()} == {seen[0]}
        assert response.headers.getall("Content-Security-Policy") == [f"script-src 'nonce-{seen[0]}'"]


async def test_the_nonce_of_a_clone_is_that_of_the_policy(aiohttp_client: AiohttpClient) -> None:
    battery = secure_headers(content_security_policy={"script-src": NONCE})
    async with (await serve(aiohttp_client, behind_a_proxy, battery)).get("/") as response:
        nonce = await response.text()
        assert response.headers["Content-Security-Policy"] == f"script-src 'nonce-{nonce}'"


async def test_an_outer_nonce_does_not_get_into_the_policy_of_an_inner_battery_without_one(
    aiohttp_client: AiohttpClient,
) -> None:
    outer = secure_headers(content_security_policy={"script-src": NONCE})
    async with (await serve(aiohttp_client, secure_headers(), around=[outer])).get("/") as response:
        assert response.headers.getall("Content-Security-Policy") == [PROPOSED["Content-Security-Policy"]]


async def test_where_no_policy_has_a_nonce_the_handler_that_reads_one_is_a_500(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def show(request: web.Request) -> web.Response:
        return web.Response(text=request[CSP_NONCE])

    app = web.Application()
    setup(app)
    UrlDispatcherEx.install(app).add_get("/", secure_headers(), show)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.status == 500
    assert "CSP_NONCE" in caplog.text


def test_the_nonce_is_declared_only_if_a_policy_has_one() -> None:
    @requires(CSP_NONCE)
    async def page(request: web.Request) -> web.Response:
        raise NotImplementedError

    chain(secure_headers(content_security_policy={"script-src": NONCE}), page)
    chain(secure_headers(content_security_policy_report_only={"script-src": NONCE}), page)
    with pytest.raises(RegistrationError, match="CSP_NONCE, which nothing before it provides"):
        chain(secure_headers(), page)


# ---- wrong options; of what is told apart, see tests/support


@pytest.mark.parametrize(
    ("option", "given", "problem"),
    [
        ("content_security_policy", {"scirpt-src": "'self'"}, "no directive of CSP Level 3; write 'script-src'"),
        ("content_security_policy", {"script-src": "'slef'"}, "'slef', which is no keyword; write \"'self'\""),
        ("content_security_policy_report_only", "img-src *\r\nX-A: b", "content_security_policy_report_only has img"),
        ("cross_origin_embedder_policy", "require-cors", "='require-cors'; write 'require-corp'"),
        ("cross_origin_opener_policy", "same-site", "cross_origin_opener_policy='same-site'; write 'same-origin'"),
        ("cross_origin_resource_policy", "same_site", "='same_site'; write 'same-site'"),
        ("permissions_policy", "camera=(), camera=(self)", "permissions_policy has camera twice"),
        ("referrer_policy", "no-referer", "referrer_policy='no-referer'; write 'no-referrer'"),
        ("strict_transport_security", 63072000, "strict_transport_security=63072000; write 'max-age=SECONDS'"),
        ("x_content_type_options", "sniff", "x_content_type_options='sniff'; write 'nosniff'"),
        ("x_dns_prefetch_control", False, "x_dns_prefetch_control=False; write one of 'off', 'on'"),
        ("x_frame_options", "ALLOW-FROM https://example.com", "frame-ancestors"),
        ("x_permitted_cross_domain_policies", "non", "x_permitted_cross_domain_policies='non'; write 'none'"),
        ("is_secure", True, "is_secure is bool; pass a function (request)"),
    ],
)
def test_a_wrong_option_is_refused_at_once_with_the_cure(option: str, given: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        secure_headers(**{option: given})
    assert str(refused.value).startswith(f"secure_headers(): {option}")
    assert problem in str(refused.value)
    assert str(refused.value).isprintable()


def test_options_are_named_not_numbered() -> None:
    factory: Any = secure_headers
    with pytest.raises(TypeError):
        factory("default-src 'self'")


async def test_the_default_permissions_can_be_extended(aiohttp_client: AiohttpClient) -> None:
    battery = secure_headers(permissions_policy={**DEFAULT_PERMISSIONS, "camera": ["self"]})
    client = await aiohttp_client(make_app("route", battery))
    async with client.get("/plain") as response:
        permissions = response.headers["Permissions-Policy"].split(", ")
    assert "camera=(self)" in permissions
    assert "microphone=()" in permissions


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["behind client_address", "around client_address"])
async def test_behind_a_proxy_the_scheme_is_that_of_the_client(
    order: tuple[int, int], aiohttp_client: AiohttpClient
) -> None:
    told = client_address(["127.0.0.1"], header="X-Forwarded-For", scheme_header="X-Forwarded-Proto")
    links = (told, secure_headers())
    client = await aiohttp_client(make_app("application", *(links[place] for place in order)))
    for scheme in ("https", "http"):
        async with client.get("/plain", headers={"X-Forwarded-Proto": scheme}) as response:
            assert ("Strict-Transport-Security" in response.headers) is (scheme == "https")


async def test_an_error_of_is_secure_is_answered_with_the_headers(aiohttp_client: AiohttpClient) -> None:
    def fail(request: web.Request) -> bool:
        raise RuntimeError("nobody knows")

    client = await aiohttp_client(make_app("route", secure_headers(is_secure=fail)))
    async with client.get("/plain") as response:
        assert response.status == 500
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"


@web.middleware
async def cloning(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request.clone())


@pytest.mark.parametrize("is_connected_by_https", [True, False], ids=["over https", "over http"])
@pytest.mark.parametrize(("scheme", "is_sent"), [("https", True), ("http", False), ("", None)], ids=str)
@pytest.mark.parametrize("between", [[], [cloning]], ids=["at once", "behind a clone"])
async def test_wherever_client_address_stands_it_tells_how_the_client_has_asked(
    is_connected_by_https: bool, scheme: str, is_sent: bool | None, between: Any, aiohttp_client: AiohttpClient
) -> None:
    told = client_address(["127.0.0.1"], header="X-Forwarded-For", scheme_header="X-Forwarded-Proto")
    around = [*([behind_a_proxy] if is_connected_by_https else []), secure_headers(), *between]
    client = await serve(aiohttp_client, told, around=around)
    async with client.get("/", headers={"X-Forwarded-Proto": scheme}) as response:
        expected = is_connected_by_https if is_sent is None else is_sent
        assert ("Strict-Transport-Security" in response.headers) is expected


@pytest.mark.parametrize("answer", ["http", 1, {"secure": False}, None, False], ids=repr)
async def test_nothing_but_true_says_that_the_client_has_asked_by_https(
    answer: Any, aiohttp_client: AiohttpClient
) -> None:
    client = await serve(aiohttp_client, secure_headers(is_secure=lambda request: answer))
    async with client.get("/") as response:
        assert "Strict-Transport-Security" not in response.headers
        assert "X-Content-Type-Options" in response.headers
