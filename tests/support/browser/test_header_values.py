"""The headers that make browsers careful: values that browsers read pass, what they would pass over is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.browser.csp import NONCE
from aiohttp_route_middleware.support.browser.header_values import check_frame_options, write_fields, write_policies


@pytest.mark.parametrize(
    ("option", "value", "name"),
    [
        ("cross_origin_embedder_policy", 'require-corp; report-to="coep"', "Cross-Origin-Embedder-Policy"),
        ("cross_origin_embedder_policy", "credentialless", "Cross-Origin-Embedder-Policy"),
        ("cross_origin_opener_policy", 'unsafe-none;report-to="a b"', "Cross-Origin-Opener-Policy"),
        ("cross_origin_resource_policy", "cross-origin", "Cross-Origin-Resource-Policy"),
        ("permissions_policy", "camera=()", "Permissions-Policy"),
        ("referrer_policy", "no-referrer, strict-origin", "Referrer-Policy"),
        ("strict_transport_security", 'includesubdomains ; MAX-AGE="1"; preload;', "Strict-Transport-Security"),
        ("strict_transport_security", "max-age=0", "Strict-Transport-Security"),
        ("x_content_type_options", "nosniff", "X-Content-Type-Options"),
        ("x_dns_prefetch_control", "on", "X-DNS-Prefetch-Control"),
        ("x_frame_options", "SAMEORIGIN", "X-Frame-Options"),
        ("x_permitted_cross_domain_policies", "master-only", "X-Permitted-Cross-Domain-Policies"),
    ],
)
def test_a_value_that_browsers_read_is_paired_with_the_name_of_its_header(option: str, value: str, name: str) -> None:
    fields = write_fields("battery()", **{option: value})
    assert [(str(name), value) for name, value in fields] == [(name, value)]


def test_none_writes_no_header() -> None:
    assert write_fields("battery()", x_frame_options=None, referrer_policy=None) == ()
    assert write_policies("battery()", content_security_policy=None) == ((), ())


def test_policies_with_a_nonce_are_told_from_those_without() -> None:
    policies: dict[str, Any] = {
        "content_security_policy": {"script-src": NONCE},
        "content_security_policy_report_only": "img-src *",
    }
    fields, writers = write_policies("battery()", **policies)
    assert fields == (("Content-Security-Policy-Report-Only", "img-src *"),)
    assert [(str(name), write("r4nd0m")) for name, write in writers] == [
        ("Content-Security-Policy", "script-src 'nonce-r4nd0m'")
    ]


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("cross_origin_embedder_policy", "require-cors", "='require-cors'; write 'require-corp'"),
        ("cross_origin_embedder_policy", "require-corp\r\nX-A: b", "write 'require-corp'"),
        ("cross_origin_embedder_policy", "require-corp; report-to=coep", "write 'require-corp; report-to=\"name\"'"),
        ("cross_origin_embedder_policy", 'require-corp; report-to="a\r\nX-A: b"', "report-to"),
        ("cross_origin_embedder_policy", True, "=True; write one of 'credentialless', 'require-corp', 'unsafe-none'"),
        ("cross_origin_opener_policy", "same-site", "cross_origin_opener_policy='same-site'; write 'same-origin'"),
        ("cross_origin_opener_policy", "same-origin;", "write 'same-origin; report-to=\"name\"'"),
        ("cross_origin_resource_policy", "same_site", "='same_site'; write 'same-site'"),
        ("cross_origin_resource_policy", 'same-site; report-to="a"', "write one of 'cross-origin', 'same-origin'"),
        ("permissions_policy", "camera=(), camera=()", "permissions_policy has camera twice"),
        ("referrer_policy", "no-referer", "referrer_policy='no-referer'; write 'no-referrer'"),
        ("referrer_policy", "origin\r\nX-A: b", "referrer_policy='origin\\r\\nX-A: b'; write 'origin'"),
        ("referrer_policy", "", "referrer_policy=''; write one of 'no-referrer',"),
        ("referrer_policy", 7, "referrer_policy=7"),
        ("strict_transport_security", 63072000, "strict_transport_security=63072000; write 'max-age=SECONDS'"),
        ("strict_transport_security", "", "strict_transport_security=''; write"),
        ("strict_transport_security", "includeSubDomains", "write 'max-age=SECONDS'"),
        ("strict_transport_security", "max-age=-1", "write 'max-age=SECONDS'"),
        ("strict_transport_security", "max-age=1; max-age=1", "write 'max-age=SECONDS'"),
        ("strict_transport_security", "max-age=1; preload; preload", "write 'max-age=SECONDS'"),
        ("strict_transport_security", "max-age=1; includeSubdomain", "with '; includeSubDomains' if you like"),
        ("strict_transport_security", "max-age=1\r\nX-A: b", "write 'max-age=SECONDS'"),
        ("strict_transport_security", "max-age=1, max-age=2", "write 'max-age=SECONDS'"),
        ("x_content_type_options", "sniff", "x_content_type_options='sniff'; write 'nosniff'"),
        ("x_dns_prefetch_control", False, "x_dns_prefetch_control=False; write one of 'off', 'on'"),
        ("x_frame_options", "ALLOW-FROM https://example.com", "frame-ancestors"),
        ("x_permitted_cross_domain_policies", "non", "x_permitted_cross_domain_policies='non'; write 'none'"),
    ],
)
def test_what_browsers_pass_over_is_refused_with_the_cure(option: str, value: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        write_fields("battery()", **{option: value})
    assert str(refused.value).startswith(f"battery(): {option}")
    assert problem in str(refused.value)
    assert str(refused.value).isprintable()


OPTIONS = [
    *("cross_origin_embedder_policy", "cross_origin_opener_policy", "cross_origin_resource_policy"),
    *("permissions_policy", "referrer_policy", "strict_transport_security", "x_content_type_options"),
    *("x_dns_prefetch_control", "x_frame_options", "x_permitted_cross_domain_policies"),
]


@given(st.sampled_from(OPTIONS), st.text() | st.sampled_from(["same-origin", "origin", "max-age=1"]), st.text())
def test_no_value_lets_a_line_break_through(option: str, start: str, end: str) -> None:
    with pytest.raises(ConfigurationError):
        write_fields("battery()", **{option: f"{start}\r\n{end}"})


@pytest.mark.parametrize(
    ("given", "checked"), [("DENY", "DENY"), ("deny", "DENY"), ("sameorigin", "SAMEORIGIN")], ids=lambda value: value
)
def test_frame_options_are_written_in_capitals(given: str, checked: str) -> None:
    assert check_frame_options("battery()", "value", given) == checked


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("ALLOW-FROM https://example.com", 'Content-Security-Policy: {"frame-ancestors": ["https://example.com"]}'),
        ("allow-from", "browsers ignore ALLOW-FROM"),
        ("SAME-ORIGIN", "value='SAME-ORIGIN'; write 'SAMEORIGIN'"),
        ("DENY\n", "value='DENY\\n'; write 'DENY'"),
        ("", "value=''; write one of 'DENY', 'SAMEORIGIN'"),
        (None, "value=None; write one of 'DENY', 'SAMEORIGIN'"),
    ],
    ids=str,
)
def test_other_frame_options_are_refused(given: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^battery\(\): value=") as refused:
        check_frame_options("battery()", "value", given)
    assert problem in str(refused.value)
