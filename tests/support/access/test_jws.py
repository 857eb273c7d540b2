"""A token is what RFC 7515 calls one, signed by one key that is known; nothing of it is told."""

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import HMACAlgorithm

from aiohttp_route_middleware.support.access.jws import Header, choose_key, read_header, read_payload
from aiohttp_route_middleware.support.access.token_errors import (
    AlgorithmError,
    KeyIdError,
    MalformedTokenError,
    SignatureError,
    TokenError,
)
from aiohttp_route_middleware.support.access.verification_keys import VerificationKey, read_key

SECRET = "0123456789abcdef" * 4
RFC_7515_A1 = (  # an example of RFC 7515, appendix A.1
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)
RFC_7515_A1_KEY = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"


def encode(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def test_the_example_of_rfc_7515_is_read() -> None:
    secret = base64.urlsafe_b64decode(RFC_7515_A1_KEY + "==")
    key = read_key("test()", secret, ["HS256"])
    assert read_header(RFC_7515_A1, ["HS256"]) == Header("HS256", None)
    claims = read_payload(RFC_7515_A1, key, "HS256")
    assert claims == {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}
    with pytest.raises(SignatureError):
        read_payload(RFC_7515_A1[:-4] + "AAAA", key, "HS256")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("header", "error"),
    [
        pytest.param({"alg": "none"}, AlgorithmError, id="none"),
        pytest.param({"alg": "None"}, AlgorithmError, id="none in another case"),
        pytest.param({"alg": "RS256"}, AlgorithmError, id="not allowed"),
        pytest.param({"alg": ""}, AlgorithmError, id="empty"),
        pytest.param({"alg": None}, AlgorithmError, id="null"),
        pytest.param({"alg": ["HS256"]}, AlgorithmError, id="a list"),
        pytest.param({}, AlgorithmError, id="missing"),
        pytest.param({"alg": "HS256", "crit": ["exp"]}, MalformedTokenError, id="crit"),
        pytest.param({"alg": "HS256", "crit": []}, MalformedTokenError, id="crit that is empty"),
        pytest.param({"alg": "HS256", "crit": ["b64"], "b64": False}, MalformedTokenError, id="crit that PyJWT knows"),
        pytest.param({"alg": "HS256", "b64": True}, MalformedTokenError, id="b64"),
        pytest.param({"alg": "HS256", "kid": ""}, KeyIdError, id="an empty key id"),
        pytest.param({"alg": "HS256", "kid": None}, KeyIdError, id="a key id that is null"),
        pytest.param({"alg": "HS256", "kid": 1}, KeyIdError, id="a key id that is a number"),
        pytest.param({"alg": "HS256", "kid": ["a"]}, KeyIdError, id="a key id that is a list"),
        pytest.param({"alg": "HS256", "kid": "k" * 257}, KeyIdError, id="a key id that is too long"),
        pytest.param([], MalformedTokenError, id="no object"),
        pytest.param(b"{", MalformedTokenError, id="no JSON"),
        pytest.param(b"", MalformedTokenError, id="nothing"),
        pytest.param(b'{"alg": "HS256", "x": NaN}', MalformedTokenError, id="NaN"),
        pytest.param(b"\xff\xfe{\x00}\x00", MalformedTokenError, id="UTF-16"),
        pytest.param(b"[" * 100_000, MalformedTokenError, id="nested without end"),
        pytest.param(b'{"alg": %s}' % (b"1" * 5_000), TokenError, id="a number without end"),
    ],
)
def test_a_header_that_cannot_be_trusted_to_choose_is_refused(header: Any, error: type[Exception]) -> None:
    with pytest.raises(error) as raised:
        read_header(f"{encode(header)}.e30.", ["HS256"])
    assert not encode(header) or encode(header)[:40] not in str(raised.value)


def test_the_longest_key_id_is_read() -> None:
    assert read_header(encode({"alg": "HS256", "kid": "k" * 256}) + "..", ["HS256"]).kid == "k" * 256


def signed(payload: Any, header: Any = None) -> str:
    first, second = encode(header or {"alg": "HS256"}), encode(payload)
    mac = HMACAlgorithm(HMACAlgorithm.SHA256).sign(f"{first}.{second}".encode(), SECRET.encode())
    return f"{first}.{second}.{encode(mac)}"


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="no JSON"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b'"text"', id="a text"),
        pytest.param(b'{"exp": NaN}', id="NaN"),
        pytest.param(b'{"exp": Infinity}', id="Infinity"),
        pytest.param(b'{"a": [-Infinity]}', id="-Infinity within"),
        pytest.param(b"\xff\xfe{\x00}\x00", id="UTF-16"),
        pytest.param(b"[" * 100_000, id="nested without end"),
        pytest.param(b'{"exp": %s}' % (b"1" * 5_000), id="a number without end"),
    ],
)
def test_what_is_signed_and_no_json_object_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedTokenError):
        read_payload(signed(payload), read_key("test()", SECRET, ["HS256"]), "HS256")


def test_what_was_changed_or_signed_by_others_is_refused() -> None:
    key = read_key("test()", SECRET, ["HS256"])
    first, second, third = signed({"sub": "a"}).split(".")
    for token in (
        f"{first}.{encode({'sub': 'b'})}.{third}",
        f"{first}.{second}.{encode(b'x' * 32)}",
        f"{first}.{second}.",
    ):
        with pytest.raises(SignatureError):
            read_payload(token, key, "HS256")
    for token in (f"{first}.{second}", first, "", "..", f"{first}.{second}.{third}.{third}"):
        with pytest.raises(TokenError):
            read_payload(token, key, "HS256")


def test_a_key_is_not_used_for_another_algorithm() -> None:
    token = signed({"sub": "a"})
    with pytest.raises(AlgorithmError):
        read_payload(token, VerificationKey(SECRET.encode(), frozenset({"HS512"})), "HS256")
    with pytest.raises(TokenError):  # the header says HS256
        read_payload(token, read_key("test()", SECRET, ["HS512"]), "HS512")


@given(st.text("ABCabc019._~+/-=", max_size=60))
def test_whatever_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(TokenError):
        read_header(text, ["HS256"])
    with pytest.raises(TokenError):
        read_payload(text, read_key("test()", SECRET, ["HS256"]), "HS256")


@given(JSON, JSON)
def test_whatever_is_signed_is_claims_or_refused(header: Any, payload: Any) -> None:
    with suppress(TokenError):
        read_header(signed(payload, header), ["HS256"])
    token = signed(json.dumps(payload).encode())
    with suppress(TokenError):
        assert isinstance(read_payload(token, read_key("test()", SECRET, ["HS256"]), "HS256"), dict)


@pytest.mark.parametrize("spell", [lambda one: one + "=", lambda one: one[:-1] + "+", lambda one: one + "\n"])
def test_a_token_has_one_spelling(spell: Any) -> None:
    token = signed({"sub": "ada"})
    read_header(token, ["HS256"])
    with pytest.raises(MalformedTokenError, match="base64url without padding"):
        read_header(spell(token), ["HS256"])


@pytest.mark.parametrize(
    ("algorithms", "is_found"),
    [
        pytest.param([], False, id="none"),
        pytest.param(["RS256"], False, id="of another kind"),
        pytest.param(["HS256"], True, id="one"),
        pytest.param(["RS256", "HS256"], True, id="one of two"),
        pytest.param(["HS256", "HS256"], False, id="two"),
    ],
)
def test_one_key_alone_may_have_signed_a_token(algorithms: list[str], is_found: bool) -> None:
    keys = [VerificationKey(SECRET, frozenset({algorithm})) for algorithm in algorithms]
    if is_found:
        assert choose_key(keys, "HS256") is keys[-1]
        return
    with pytest.raises(KeyIdError, match=r"\d keys may have signed it"):
        choose_key(keys, "HS256")
