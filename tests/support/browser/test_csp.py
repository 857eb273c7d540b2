"""Content Security Policies: what a browser would pass over in silence is refused; nonces are fresh."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.browser.csp import (
    CSP_NONCE,
    DEFAULT_POLICY,
    NONCE,
    draw_nonce,
    write_content_policy,
)


def write(policy: Any) -> Any:
    return write_content_policy("battery()", "csp", policy)


@pytest.mark.parametrize(
    ("policy", "written"),
    [
        pytest.param(
            DEFAULT_POLICY,
            "default-src 'self'; form-action 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; "
            "upgrade-insecure-requests",
            id="OWASP's",
        ),
        pytest.param({"default-src": "'self'"}, "default-src 'self'", id="one value as text"),
        pytest.param({"default-src": "'self'  https:"}, "default-src 'self' https:", id="several values as text"),
        pytest.param({"img-src": ["*", "data:"]}, "img-src * data:", id="a list"),
        pytest.param({"img-src": ("*",)}, "img-src *", id="a tuple"),
        pytest.param({"IMG-Src": ["*"]}, "img-src *", id="names in any case"),
        pytest.param({"upgrade-insecure-requests": True}, "upgrade-insecure-requests", id="True without values"),
        pytest.param({"upgrade-insecure-requests": []}, "upgrade-insecure-requests", id="no values"),
        pytest.param({"upgrade-insecure-requests": ""}, "upgrade-insecure-requests", id="an empty text"),
        pytest.param({"block-all-mixed-content": True}, "block-all-mixed-content", id="the other one without values"),
        pytest.param({"img-src": "*", "upgrade-insecure-requests": False}, "img-src *", id="False switches off"),
        pytest.param({"sandbox": []}, "sandbox", id="an empty sandbox"),
        pytest.param({"sandbox": ["allow-forms"]}, "sandbox allow-forms", id="a sandbox with words"),
        pytest.param({"trusted-types": True}, "trusted-types", id="no trusted types"),
        pytest.param(
            {"require-trusted-types-for": "'script'", "report-to": "csp"},
            "require-trusted-types-for 'script'; report-to csp",
            id="other values",
        ),
        pytest.param({"script-src": "'none'"}, "script-src 'none'", id="'none' alone"),
        pytest.param({"script-src": f"'sha256-{'A' * 43}='"}, f"script-src 'sha256-{'A' * 43}='", id="a hash"),
        pytest.param("default-src 'self'", "default-src 'self'", id="text"),
        pytest.param(" ; default-src\t 'self' ;; img-src * ; ", "default-src 'self'; img-src *", id="loose text"),
        pytest.param("sandbox; upgrade-insecure-requests", "sandbox; upgrade-insecure-requests", id="text, no values"),
        pytest.param({"fenced-frame-src": "https:"}, "fenced-frame-src https:", id="fenced frames"),
        pytest.param({"webrtc": "'block'"}, "webrtc 'block'", id="webrtc"),
    ],
)
def test_a_policy_is_written_as_it_is_sent(policy: Any, written: str) -> None:
    assert write(policy) == written


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        pytest.param(7, "csp is int; pass a text, or a mapping of directives", id="a number"),
        pytest.param(["img-src *"], "csp is list; pass a text, or a mapping", id="a list"),
        pytest.param("", "csp is empty; write a directive, or None to send no policy", id="empty text"),
        pytest.param({}, "csp is empty", id="empty mapping"),
        pytest.param({"upgrade-insecure-requests": False}, "csp is empty", id="all switched off"),
        pytest.param(
            {"scirpt-src": "'self'"},
            "csp has 'scirpt-src', which is no directive of CSP Level 3; write 'script-src'",
            id="a typo",
        ),
        pytest.param("default_src 'self'", "write 'default-src'", id="a typo in text"),
        pytest.param(
            {7: "'self'"}, "csp has 7, which is no directive of CSP Level 3; write one of 'base-uri',", id="7"
        ),
        pytest.param({"plugin-types": "a/b"}, "no directive of CSP Level 3", id="a directive of Level 2"),
        pytest.param(
            "img-src *; IMG-SRC a.example",
            "csp has img-src twice, and browsers pass over the second; write all of its values in one",
            id="twice in text",
        ),
        pytest.param({"img-src": "*", "Img-Src": "*"}, "csp has img-src twice", id="twice in a mapping"),
        pytest.param({"img-src": ["*; script-src *"]}, "csp has img-src with '*; script-src *'", id="a semicolon"),
        pytest.param({"img-src": "*;script-src"}, "without ; and , (in a URL as %3B and %2C)", id="in a text"),
        pytest.param({"img-src": ["a.example,"]}, "csp has img-src with 'a.example,'", id="a comma"),
        pytest.param({"img-src": ["a.example\r\nX-A: b"]}, "csp has img-src with", id="a line break"),
        pytest.param({"img-src": "*\n"}, "csp has img-src with '*\\n'", id="a line break in a text"),
        pytest.param({"img-src": ["a.example b.example"]}, "csp has img-src with", id="a space in a list"),
        pytest.param({"img-src": ["ü.example"]}, "csp has img-src with", id="not ASCII"),
        pytest.param("img-src *\nscript-src *", "csp has img-src with '*\\nscript-src'", id="text of two lines"),
        pytest.param("default-src 'self', img-src *", "csp has default-src with \"'self',\"", id="two policies"),
        pytest.param("\nimg-src *", "csp has '\\nimg-src', which is no directive", id="text that begins with a line"),
        pytest.param({"img-src": [7]}, "csp has img-src with 7", id="no text in a list"),
        pytest.param({"img-src": 7}, "csp has img-src=7; pass a list of texts, or True", id="a number for a list"),
        pytest.param({"img-src": None}, "csp has img-src=None", id="None for a list"),
        pytest.param({"img-src": []}, "csp has img-src without a value; write \"'none'\"", id="no source"),
        pytest.param({"img-src": True}, "csp has img-src without a value", id="True for a source"),
        pytest.param({"report-to": ""}, "csp has report-to without a value; write its value", id="no value"),
        pytest.param(
            {"upgrade-insecure-requests": "1"},
            'csp has upgrade-insecure-requests with values; write "upgrade-insecure-requests": True',
            id="a value too many",
        ),
        pytest.param(
            {"script-src": "self"}, "self, which is a host without quotes; write \"'self'\"", id="without quotes"
        ),
        pytest.param({"script-src": "Unsafe-Inline"}, "write \"'unsafe-inline'\"", id="without quotes, in capitals"),
        pytest.param(
            {"script-src": "'none' 'self'"}, "'none' beside others, and browsers ignore it", id="'none' and others"
        ),
        pytest.param(
            {"script-src": "'nonce-r4nd0m'"},
            "csp has script-src with a nonce that never changes; write NONCE, or \"'nonce-{nonce}'\"",
            id="a nonce that never changes",
        ),
        pytest.param({"script-src": "'NONCE-{nonce}'"}, "a nonce that never changes", id="another case of NONCE"),
        pytest.param(
            {"script-src": ["'self'", "'unsafe-inlin'"]},
            "csp has script-src with 'unsafe-inlin', which is no keyword; write \"'unsafe-inline'\"",
            id="a typo in quotes",
        ),
        pytest.param({"trusted-types": "'none' app"}, "'none' beside others", id="'none' and other trusted types"),
    ],
)
def test_what_a_browser_would_not_take_as_it_is_meant_is_refused(policy: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        write(policy)
    assert str(refused.value).startswith("battery(): csp ")
    assert problem in str(refused.value)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "policy",
    [{"script-src": ["'self'", NONCE], "style-src": NONCE}, f"script-src 'self' {NONCE}; style-src {NONCE}"],
    ids=["mapping", "text"],
)
def test_a_policy_with_a_nonce_is_a_function_of_it(policy: Any) -> None:
    assert write(policy)("r4nd0m") == "script-src 'self' 'nonce-r4nd0m'; style-src 'nonce-r4nd0m'"


def test_a_nonce_has_128_bits_is_drawn_once_for_a_request_and_anew_for_the_next() -> None:
    request: dict[Any, Any] = {}
    nonce = draw_nonce(request)
    assert request == {CSP_NONCE: nonce}
    assert draw_nonce({"anything": "else"}) != nonce
    assert draw_nonce(request) == nonce
    assert re.fullmatch(r"[0-9a-f]{32}", nonce)  # 4 bits each
    assert len({draw_nonce({}) for _ in range(1000)}) == 1000


names = st.sampled_from(["default-src", "script-src", "img-src", "style-src"])
values = st.lists(st.text(max_size=8) | st.sampled_from(["'self'", "https:", "a.example/b"]), min_size=1, max_size=3)


@given(st.dictionaries(names, values, min_size=1))
def test_no_value_can_begin_another_directive_policy_or_header(policy: dict[str, list[str]]) -> None:
    try:
        written = write(policy)
    except ConfigurationError:
        return
    assert written.isascii()
    assert written.isprintable()
    assert "," not in written
    assert [directive.split()[0] for directive in written.split(";")] == [*policy]


@given(st.text())
def test_what_is_written_is_read_as_the_same(text: str) -> None:
    try:
        written = write(text)
    except ConfigurationError:
        return
    assert isinstance(written, str)
    assert write(written) == written
