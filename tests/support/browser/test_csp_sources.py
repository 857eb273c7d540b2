"""What a directive lists: what CSP Level 3 allows passes; what browsers pass over in silence is found."""

import base64
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.support.browser.csp_sources import NONCE, find_mistake

DIGESTS = {name: base64.b64encode(hashlib.new(name, b"script").digest()).decode() for name in ("sha256", "sha384")}
URL_SAFE = base64.urlsafe_b64encode(b"\xfb\xff" * 16).decode()

# the examples of CSP Level 3, section 2.3.1, and more of what its grammar allows
ALLOWED = [
    "'none'",
    "'SELF'",
    "'unsafe-inline'",
    "'wasm-unsafe-eval'",
    "'unsafe-allow-redirects'",
    "'report-sha512'",
    "'unsafe-webtransport-hashes'",
    "'inline-speculation-rules'",
    NONCE,
    f"'sha256-{DIGESTS['sha256']}'",
    f"'SHA384-{DIGESTS['sha384']}'",
    f"'sha256-{URL_SAFE}'",
    f"'sha512-{'A' * 86}=='",
    f"'url-sha256-{DIGESTS['sha256']}'",
    f"'eval-sha256-{DIGESTS['sha256']}'",
    "*",
    "*:8080",
    "https:",
    "htps:",
    "custom-scheme:",
    "another.custom-scheme:",
    "https://*",
    "https://*:*",
    "example.com",
    "example.com.",
    "EXAMPLE.com",
    "*.example.com",
    "https://*.example.com:12/path/to/file.js",
    "localhost:8080",
    "127.0.0.1",
    "ws://socket.example.com/",
    "xn--tdaaaaaa.de",
    "some_host.example.com",
    "chrome-extension://abcdef/",
    "example.com/a%20b/~ada/it's",
    "example.com/!$&()*+=:@-._~",
    "example.com//twice",
]


@pytest.mark.parametrize("value", ALLOWED)
def test_what_the_grammar_allows_passes(value: str) -> None:
    assert find_mistake("script-src", value) is None


@pytest.mark.parametrize(
    ("value", "problem", "cure"),
    [
        pytest.param("'unsafe-inlin'", "which is no keyword", "write \"'unsafe-inline'\"", id="a letter is missing"),
        pytest.param("'slef'", "which is no keyword", "write \"'self'\"", id="two letters are swapped"),
        pytest.param("'self", "which is no keyword", "write \"'self'\"", id="a quote is missing"),
        pytest.param('"self"', "which is no keyword", "write \"'self'\"", id="the other quotes"),
        pytest.param(
            "'https://example.com'",
            "which is no keyword",
            "write https://example.com without quotes",
            id="a host in quotes",
        ),
        pytest.param("'https:'", "which is no keyword", "write https: without quotes", id="a scheme in quotes"),
        pytest.param("'anything'", "which is no keyword", "write one of \"'inline", id="nothing like a keyword"),
        pytest.param("'sha1-AAAA'", "which is no digest", "write 'sha256-...' with 44", id="another algorithm"),
        pytest.param("'sha-256-AAAA'", "which is no digest", "write 'sha256-...'", id="its name misspelt"),
        pytest.param(f"'sha256-{'A' * 42}=='", "which is no digest", "44 characters of base64", id="too short"),
        pytest.param(
            f"'sha256-{DIGESTS['sha384']}'", "which is no digest", "write 'sha256", id="of another algorithm"
        ),
        pytest.param(f"'sha256-{'A' * 43}'", "which is no digest", "44 characters", id="no padding"),
        pytest.param(f"'sha256-{'A' * 42}B='", "which is no digest", "44 characters", id="bits too many"),
        pytest.param(f"'sha256-{'a1' * 32}'", "which is no digest", "44 characters", id="hexadecimal"),
        pytest.param("'sha256-?'", "which is no digest", "44 characters", id="no base64"),
        pytest.param("'sha256-AAAA", "which is no digest", "44 characters", id="a hash without its end"),
        pytest.param(
            "NONCE", "NONCE, which is a host", f'write "{NONCE}", which is what NONCE', id="a name of Python"
        ),
        pytest.param("'nonce-abc'", "a nonce that never changes", 'write NONCE, or "', id="a nonce"),
        pytest.param("self", "self, which is a host without quotes", "write \"'self'\"", id="without quotes"),
        pytest.param("Report-Sha256", "which is a host without", "write \"'report-sha256'\"", id="others without"),
        pytest.param("*example.com", "which is neither a scheme nor a host", "without ? and #", id="half a wildcard"),
        pytest.param("example.*", "which is neither", "'https://*.example.com:8443/path'", id="a wildcard last"),
        pytest.param("*.*.example.com", "which is neither", "write one as in", id="two wildcards"),
        pytest.param("https://", "which is neither", "write one as in", id="no host"),
        pytest.param("//example.com", "which is neither", "write one as in", id="relative to the scheme"),
        pytest.param("/static/", "which is neither", "write one as in", id="a path alone"),
        pytest.param("https:example.com", "which is neither", "write one as in", id="no slashes"),
        pytest.param("example.com:port", "which is neither", "write one as in", id="a port in letters"),
        pytest.param("example..com", "which is neither", "write one as in", id="two dots"),
        pytest.param("https://ada@example.com", "which is neither", "write one as in", id="a user"),
        pytest.param("http://[::1]:8080", "which is neither", "write one as in", id="IPv6"),
        pytest.param("example.com/a?b=c", "which is neither", "without ? and #", id="a query"),
        pytest.param("example.com/a#b", "which is neither", "without ? and #", id="a fragment"),
        pytest.param("data:image/png", "which is neither", "'https:'", id="more than a scheme"),
        pytest.param("<script>", "which is neither", "write one as in", id="garbage"),
    ],
)
def test_what_browsers_pass_over_is_found(value: str, problem: str, cure: str) -> None:
    mistake = find_mistake("script-src", value)
    assert mistake is not None
    assert problem in mistake.problem
    assert mistake.cure.startswith(cure) or cure in mistake.cure


@pytest.mark.parametrize(
    ("directive", "value", "cure"),
    [
        pytest.param("frame-ancestors", "'self'", None, id="an ancestor"),
        pytest.param("frame-ancestors", "https://example.com", None, id="an ancestor by its host"),
        pytest.param("frame-ancestors", "'unsafe-inline'", "write one of", id="a keyword for sources"),
        pytest.param("frame-ancestors", NONCE, "write one of \"'none'\", \"'self'\"", id="a nonce for ancestors"),
        pytest.param("frame-ancestors", f"'sha256-{DIGESTS['sha256']}'", "write one of", id="a hash for ancestors"),
        pytest.param("require-trusted-types-for", "'script'", None, id="scripts"),
        pytest.param("require-trusted-types-for", "script", "write \"'script'\"", id="scripts without quotes"),
        pytest.param("require-trusted-types-for", "'scripts'", "write \"'script'\"", id="too many scripts"),
        pytest.param("trusted-types", "dompurify", None, id="a trusted policy"),
        pytest.param("trusted-types", "*", None, id="any trusted policy"),
        pytest.param("trusted-types", "none", None, id="a trusted policy with the name of a keyword"),
        pytest.param("trusted-types", "'allow-duplicates'", None, id="a keyword for trusted types"),
        pytest.param("trusted-types", "'allow-duplicate'", "write \"'allow-duplicates'\"", id="a letter is missing"),
        pytest.param("webrtc", "'block'", None, id="no webrtc"),
        pytest.param("webrtc", "block", "write \"'block'\"", id="webrtc without quotes"),
    ],
)
def test_each_directive_has_its_own_words(directive: str, value: str, cure: Any) -> None:
    mistake = find_mistake(directive, value)
    assert mistake is None if cure is None else mistake is not None and mistake.cure.startswith(cure)


labels = st.text("abcXYZ019-", min_size=1, max_size=5)
hosts = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "*."]),
    st.lists(labels, min_size=1, max_size=3).map(".".join),
    st.sampled_from(["", "."]),
)
schemes = st.builds("{}{}".format, st.sampled_from("abZ"), st.text("ab1+-.", max_size=4))
ports = st.just("") | st.integers(0, 99999).map(":{}".format) | st.just(":*")
paths = st.just("") | st.text("abc019/-._~!$&'()*+=:@%", max_size=8).map("/".__add__)


@given(schemes.map("{}://".format) | st.just(""), hosts | st.just("*"), ports, paths)
def test_no_host_of_the_grammar_is_refused(scheme: str, host: str, port: str, path: str) -> None:
    assert find_mistake("img-src", scheme + host + port + path) is None


@given(schemes)
def test_no_scheme_of_the_grammar_is_refused(scheme: str) -> None:
    assert find_mistake("img-src", f"{scheme}:") is None


@given(st.sampled_from(["sha256", "sha384", "sha512"]), st.binary(max_size=70), st.booleans())
def test_a_hash_passes_if_it_has_the_length_of_its_digest(algorithm: str, digest: bytes, is_url_safe: bool) -> None:
    digest = digest if len(digest) % 2 else hashlib.new(algorithm, digest).digest()
    encode = base64.urlsafe_b64encode if is_url_safe else base64.b64encode
    passes = find_mistake("script-src", f"'{algorithm}-{encode(digest).decode()}'") is None
    assert passes is (len(digest) == hashlib.new(algorithm).digest_size)


@given(st.sampled_from(["script-src", "frame-ancestors", "trusted-types", "webrtc"]), st.text(min_size=1))
def test_every_value_passes_or_has_a_problem_and_a_cure(directive: str, value: str) -> None:
    mistake = find_mistake(directive, value)
    assert mistake is None or (mistake.problem and mistake.cure)
