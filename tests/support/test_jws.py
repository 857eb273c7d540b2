"""A key serves only the algorithms that it fits; a token is what RFC 7515 calls one, and nothing of it is told."""

import base64
import importlib
import json
import sys
from contextlib import suppress
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm

from aiohttp_route_middleware.errors import ConfigurationError, MissingDependencyError
from aiohttp_route_middleware.support.jws import (
    AlgorithmError,
    Header,
    KeyIdError,
    MalformedTokenError,
    SignatureError,
    TokenError,
    VerificationKey,
    check_algorithms,
    is_symmetric,
    read_header,
    read_jwk,
    read_key,
    read_payload,
)

SECRET = "0123456789abcdef" * 4
PRIVATE: dict[str, Any] = {
    "RSA": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "P-384": ec.generate_private_key(ec.SECP384R1()),
    "P-521": ec.generate_private_key(ec.SECP521R1()),
    "secp256k1": ec.generate_private_key(ec.SECP256K1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    "Ed448": ed448.Ed448PrivateKey.generate(),
}
WEAK_RSA = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # on purpose
PUBLIC = {name: key.public_key() for name, key in PRIVATE.items()}
SERVES = {
    "RS256": ["RSA"],
    "RS384": ["RSA"],
    "RS512": ["RSA"],
    "PS256": ["RSA"],
    "PS384": ["RSA"],
    "PS512": ["RSA"],
    "ES256": ["P-256"],
    "ES256K": ["secp256k1"],
    "ES384": ["P-384"],
    "ES512": ["P-521"],
    "EdDSA": ["Ed25519", "Ed448"],
}
RFC_7515_A1 = (  # an example of RFC 7515, appendix A.1
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)
RFC_7515_A1_KEY = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"


def pem(public: Any) -> str:
    return str(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def private_pem(private: Any) -> str:
    return str(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def jwk_of(key: Any, **members: Any) -> dict[str, Any]:
    for algorithm in (RSAAlgorithm, ECAlgorithm, OKPAlgorithm):
        with suppress(Exception):
            return {**json.loads(algorithm.to_jwk(key)), "key_ops": ["verify"], **members}
    return {**json.loads(HMACAlgorithm.to_jwk(key)), **members}


def encode(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def test_the_example_of_rfc_7515_is_read() -> None:
    secret = base64.urlsafe_b64decode(RFC_7515_A1_KEY + "==")
    key = read_key(secret, ["HS256"], "test()")
    assert read_header(RFC_7515_A1, ["HS256"]) == Header("HS256", None)
    claims = read_payload(RFC_7515_A1, key, "HS256")
    assert claims == {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}
    with pytest.raises(SignatureError):
        read_payload(RFC_7515_A1[:-4] + "AAAA", key, "HS256")


@pytest.mark.parametrize("algorithm", SERVES)
@pytest.mark.parametrize("name", PRIVATE)
def test_a_public_key_serves_only_its_own_algorithms(algorithm: str, name: str) -> None:
    if name in SERVES[algorithm]:
        token = jwt.encode({"sub": "a"}, PRIVATE[name], algorithm)
        for key in (PUBLIC[name], pem(PUBLIC[name]), pem(PUBLIC[name]).encode()):
            assert read_payload(token, read_key(key, [algorithm], "test()"), algorithm) == {"sub": "a"}
    else:
        for key in (PUBLIC[name], pem(PUBLIC[name])):
            with pytest.raises(ConfigurationError, match=rf"test\(\): the key is not one for {algorithm}; pass a pub"):
                read_key(key, [algorithm], "test()")


@pytest.mark.parametrize("algorithm", SERVES)
@pytest.mark.parametrize("name", SERVES["RS256"] + SERVES["ES256"] + SERVES["EdDSA"])
def test_a_private_key_is_refused(algorithm: str, name: str) -> None:
    for key in (PRIVATE[name], private_pem(PRIVATE[name])):
        with pytest.raises(ConfigurationError, match="public"):
            read_key(key, [algorithm], "test()")


@pytest.mark.parametrize("algorithm", SERVES)
@pytest.mark.parametrize("key", [SECRET, SECRET.encode(), "", b"", b"\xff" * 64, None, 1, {}], ids=repr)
def test_a_secret_is_no_public_key(algorithm: str, key: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"the key is not one for {algorithm}") as raised:
        read_key(key, [algorithm], "test()")
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize(
    "key",
    [
        pytest.param(pem(PUBLIC["RSA"]), id="PEM"),
        pytest.param(pem(PUBLIC["P-521"]).encode(), id="PEM as bytes"),
        pytest.param(private_pem(PRIVATE["RSA"]), id="a private key"),
        pytest.param(PUBLIC["RSA"].public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH), id="SSH"),
        pytest.param(PUBLIC["RSA"].public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), id="DER"),
        pytest.param(json.dumps(jwk_of(PUBLIC["RSA"])), id="JWK"),
        pytest.param(json.dumps({"keys": [jwk_of(PUBLIC["RSA"])]}), id="JWKS"),
        pytest.param(PUBLIC["RSA"], id="an object"),
        pytest.param(bytearray(64), id="no bytes"),
        pytest.param(None, id="none"),
    ],
)
def test_what_is_published_is_no_secret(algorithm: str, key: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"the key is not one for {algorithm}; pass a random secret"):
        read_key(key, [algorithm], "test()")


@pytest.mark.parametrize(("algorithm", "size"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_a_secret_is_no_shorter_than_the_hash(algorithm: str, size: int) -> None:
    read_key("k" * size, [algorithm], "test()")
    with pytest.raises(ConfigurationError, match=f"{size} bytes or more") as raised:
        read_key("k" * (size - 1), [algorithm], "test()")
    assert "kkk" not in str(raised.value)


def test_a_weak_rsa_key_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="2048 bits"):
        read_key(pem(WEAK_RSA.public_key()), ["RS256"], "test()")
    assert read_jwk(jwk_of(WEAK_RSA.public_key()), ["RS256"]) is None


@pytest.mark.parametrize("key", [SECRET, pem(PUBLIC["RSA"])], ids=["a secret", "a public key"])
@pytest.mark.parametrize("algorithms", [["HS256", "RS256"], ["RS256", "HS256"]], ids=" ".join)
def test_one_key_never_serves_both_kinds(algorithms: list[str], key: str) -> None:
    with pytest.raises(ConfigurationError, match="the key is not one for"):
        read_key(key, algorithms, "test()")


@pytest.mark.parametrize(
    "algorithms",
    [["none"], ["None"], ["NONE"], [""], ["HS256", "none"], ["hs256"], ["HS1"], ["ES521"], [1], [None], [["HS256"]]],
    ids=repr,
)
def test_what_is_no_algorithm_is_refused_and_none_is_none(algorithms: Any) -> None:
    with pytest.raises(ConfigurationError, match="choose from HS256, HS384, HS512, RS256"):
        check_algorithms(algorithms, "test()")


@pytest.mark.parametrize("algorithms", [[], (), None, "HS256", {"HS256": 1}, 1], ids=repr)
def test_algorithms_are_listed(algorithms: Any) -> None:
    with pytest.raises(ConfigurationError, match="no algorithms are listed; write algorithms="):
        check_algorithms(algorithms, "test()")


def test_algorithms_that_are_listed_are_taken() -> None:
    assert check_algorithms(["RS256", "ES256"], "test()") == ("RS256", "ES256")
    assert check_algorithms(frozenset({"EdDSA"}), "test()") == ("EdDSA",)
    assert is_symmetric("HS256")
    assert not is_symmetric("RS256")


ALL = [*SERVES, "HS256", "HS384", "HS512"]


@pytest.mark.parametrize("name", PUBLIC)
def test_a_published_key_serves_what_it_fits(name: str) -> None:
    if name == "Ed448":  # PyJWT wants to be told its algorithm
        assert read_jwk(jwk_of(PUBLIC[name]), ALL) is None
    jwk = jwk_of(PUBLIC[name], **({"alg": "EdDSA"} if name == "Ed448" else {}))
    key = read_jwk(jwk, ALL)
    assert key is not None
    assert key.algorithms == {algorithm for algorithm, names in SERVES.items() if name in names}


@pytest.mark.parametrize(
    ("jwk", "algorithms"),
    [
        pytest.param(jwk_of(PUBLIC["RSA"], use="sig"), {"RS256", "PS256"}, id="for signatures"),
        pytest.param(jwk_of(PUBLIC["RSA"], alg="PS256"), {"PS256"}, id="for one algorithm"),
        pytest.param(jwk_of(PUBLIC["RSA"], alg="RS512"), None, id="for one that is not allowed"),
        pytest.param(jwk_of(PUBLIC["RSA"], alg="ES256"), None, id="for one that it does not fit"),
        pytest.param(jwk_of(PUBLIC["RSA"], alg="HS256"), None, id="for one that needs a secret"),
        pytest.param(jwk_of(PUBLIC["RSA"], alg="RSA-OAEP"), None, id="for encryption, by its algorithm"),
        pytest.param(jwk_of(PUBLIC["RSA"], use="enc"), None, id="for encryption, by its use"),
        pytest.param(jwk_of(PUBLIC["RSA"], key_ops=["encrypt"]), None, id="for encryption, by its operations"),
        pytest.param(jwk_of(PUBLIC["RSA"], key_ops=5), None, id="operations that are none"),
        pytest.param(jwk_of(PUBLIC["RSA"], alg=["RS256"]), None, id="an algorithm that is none"),
        pytest.param(jwk_of(PRIVATE["RSA"]), None, id="a private key"),
        pytest.param(jwk_of(SECRET), None, id="a secret"),
        pytest.param(jwk_of(SECRET, alg="RS256"), None, id="a secret for another algorithm"),
        pytest.param({"kty": "RSA", "n": "AQAB"}, None, id="half a key"),
        pytest.param({"kty": "RSA", "n": 1, "e": 2}, None, id="numbers that are none"),
        pytest.param({"kty": "oct"}, None, id="no secret"),
        pytest.param({"kty": "XYZ"}, None, id="an unknown kind"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_a_published_key_serves_what_it_is_meant_for(jwk: dict[str, Any], algorithms: Any) -> None:
    key = read_jwk(jwk, ["RS256", "PS256", "ES256"])
    assert (key and key.algorithms) == algorithms


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
KINDS = st.sampled_from(["RSA", "EC", "OKP", "oct", "P-256", "Ed25519", "Ed448", "RS256", "EdDSA", "AQAB", "sig"])


@given(st.dictionaries(st.sampled_from(["kty", "crv", "alg", "use", "x", "y", "d", "n", "e", "k"]), KINDS | JSON))
def test_whatever_is_published_is_a_key_or_none(jwk: dict[str, Any]) -> None:
    assert read_jwk(jwk, ALL) is None


def test_a_key_does_not_show_itself() -> None:
    assert repr(read_key(SECRET, ["HS512", "HS256"], "test()")) == "VerificationKey(HS256, HS512)"


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
        read_payload(signed(payload), read_key(SECRET, ["HS256"], "test()"), "HS256")


def test_what_was_changed_or_signed_by_others_is_refused() -> None:
    key = read_key(SECRET, ["HS256"], "test()")
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
        read_payload(token, read_key(SECRET, ["HS512"], "test()"), "HS512")


@given(st.text("ABCabc019._~+/-=", max_size=60))
def test_whatever_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(TokenError):
        read_header(text, ["HS256"])
    with pytest.raises(TokenError):
        read_payload(text, read_key(SECRET, ["HS256"], "test()"), "HS256")


@given(JSON, JSON)
def test_whatever_is_signed_is_claims_or_refused(header: Any, payload: Any) -> None:
    with suppress(TokenError):
        read_header(signed(payload, header), ["HS256"])
    token = signed(json.dumps(payload).encode())
    with suppress(TokenError):
        assert isinstance(read_payload(token, read_key(SECRET, ["HS256"], "test()"), "HS256"), dict)


@pytest.mark.parametrize("library", ["jwt", "cryptography.exceptions"])
def test_what_is_not_installed_is_named_with_its_extra(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    room = "aiohttp_route_middleware.support.jws"
    monkeypatch.delitem(sys.modules, room)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingDependencyError, match=r"PyJWT\[crypto\] is not installed; pip install '.*\[jwt\]'"):
        importlib.import_module(room)


@pytest.mark.parametrize("spell", [lambda one: one + "=", lambda one: one[:-1] + "+", lambda one: one + "\n"])
def test_a_token_has_one_spelling(spell: Any) -> None:
    token = signed({"sub": "ada"})
    read_header(token, ["HS256"])
    with pytest.raises(MalformedTokenError, match="base64url without padding"):
        read_header(spell(token), ["HS256"])
