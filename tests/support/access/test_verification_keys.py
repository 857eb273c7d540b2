"""A key serves only the algorithms that it fits and was meant for; nothing of it is told."""

import json
from contextlib import suppress
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.access.jws import read_payload
from aiohttp_route_middleware.support.access.verification_keys import (
    check_algorithms,
    is_symmetric,
    read_jwk,
    read_key,
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


def pem(public: Any) -> str:
    return str(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def private_pem(private: Any) -> str:
    return str(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def jwk_of(key: Any, **members: Any) -> dict[str, Any]:
    for algorithm in (RSAAlgorithm, ECAlgorithm, OKPAlgorithm):
        with suppress(Exception):
            return {**json.loads(algorithm.to_jwk(key)), "key_ops": ["verify"], **members}
    return {**json.loads(HMACAlgorithm.to_jwk(key)), **members}


@pytest.mark.parametrize("algorithm", SERVES)
@pytest.mark.parametrize("name", PRIVATE)
def test_a_public_key_serves_only_its_own_algorithms(algorithm: str, name: str) -> None:
    if name in SERVES[algorithm]:
        token = jwt.encode({"sub": "a"}, PRIVATE[name], algorithm)
        for key in (PUBLIC[name], pem(PUBLIC[name]), pem(PUBLIC[name]).encode()):
            assert read_payload(token, read_key("test()", key, [algorithm]), algorithm) == {"sub": "a"}
    else:
        for key in (PUBLIC[name], pem(PUBLIC[name])):
            with pytest.raises(ConfigurationError, match=rf"test\(\): the key is not one for {algorithm}; pass a pub"):
                read_key("test()", key, [algorithm])


@pytest.mark.parametrize("algorithm", SERVES)
@pytest.mark.parametrize("name", SERVES["RS256"] + SERVES["ES256"] + SERVES["EdDSA"])
def test_a_private_key_is_refused(algorithm: str, name: str) -> None:
    for key in (PRIVATE[name], private_pem(PRIVATE[name])):
        with pytest.raises(ConfigurationError, match="public"):
            read_key("test()", key, [algorithm])


@pytest.mark.parametrize("algorithm", SERVES)
@pytest.mark.parametrize("key", [SECRET, SECRET.encode(), "", b"", b"\xff" * 64, None, 1, {}], ids=repr)
def test_a_secret_is_no_public_key(algorithm: str, key: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"the key is not one for {algorithm}") as raised:
        read_key("test()", key, [algorithm])
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
        read_key("test()", key, [algorithm])


@pytest.mark.parametrize(("algorithm", "size"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_a_secret_is_no_shorter_than_the_hash(algorithm: str, size: int) -> None:
    read_key("test()", "k" * size, [algorithm])
    with pytest.raises(ConfigurationError, match=f"{size} bytes or more") as raised:
        read_key("test()", "k" * (size - 1), [algorithm])
    assert "kkk" not in str(raised.value)


def test_a_weak_rsa_key_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="2048 bits"):
        read_key("test()", pem(WEAK_RSA.public_key()), ["RS256"])
    assert read_jwk(jwk_of(WEAK_RSA.public_key()), ["RS256"]) is None


@pytest.mark.parametrize("key", [SECRET, pem(PUBLIC["RSA"])], ids=["a secret", "a public key"])
@pytest.mark.parametrize("algorithms", [["HS256", "RS256"], ["RS256", "HS256"]], ids=" ".join)
def test_one_key_never_serves_both_kinds(algorithms: list[str], key: str) -> None:
    with pytest.raises(ConfigurationError, match="the key is not one for"):
        read_key("test()", key, algorithms)


@pytest.mark.parametrize(
    "algorithms",
    [["none"], ["None"], ["NONE"], [""], ["HS256", "none"], ["hs256"], ["HS1"], ["ES521"], [1], [None], [["HS256"]]],
    ids=repr,
)
def test_what_is_no_algorithm_is_refused_and_none_is_none(algorithms: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"algorithms=.*; write (one of )?'"):
        check_algorithms("test()", algorithms)


@pytest.mark.parametrize(
    ("algorithms", "problem"),
    [([], "no algorithms are listed; write algorithms="), ((), "no algorithms are listed; write algorithms=")]
    + [(one, r"algorithms=.*; pass a list: algorithms=\['RS256'\]") for one in (None, "HS256", {"HS256": 1}, 1)],
    ids=repr,
)
def test_algorithms_are_listed(algorithms: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        check_algorithms("test()", algorithms)


def test_algorithms_that_are_listed_are_taken() -> None:
    assert check_algorithms("test()", ["RS256", "ES256"]) == ("RS256", "ES256")
    assert check_algorithms("test()", frozenset({"EdDSA"})) == ("EdDSA",)
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
    assert repr(read_key("test()", SECRET, ["HS512", "HS256"])) == "VerificationKey(HS256, HS512)"
