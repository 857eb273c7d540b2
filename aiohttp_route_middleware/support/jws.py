"""Signatures of tokens and the keys that check them, on PyJWT (RFC 7515, RFC 7518; RFC 8725 for what goes wrong).

Rules kept here:
- a key serves the algorithms that it was given or published for, and fits each of them in kind and strength, so that a
  public key is never taken for a secret (RFC 8725, section 3.1);
- `none` is no algorithm; a token's header chooses only among those that are allowed;
- a header that says what must be understood is refused, for no extension is (RFC 7515, section 4.1.11);
- no error holds anything of a token or of a key.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from ..errors import ConfigurationError, MissingDependencyError
from .options import in_order

try:
    import jwt
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
except ImportError as _error:
    raise MissingDependencyError("PyJWT[crypto]", "jwt") from _error

__all__ = (
    "AlgorithmError",
    "Header",
    "KeyIdError",
    "MalformedTokenError",
    "SignatureError",
    "TokenError",
    "VerificationKey",
    "check_algorithms",
    "fits",
    "is_symmetric",
    "load_object",
    "read_header",
    "read_jwk",
    "read_key",
    "read_payload",
)

_SECRETS = {"HS256": 32, "HS384": 48, "HS512": 64}  # bytes: RFC 7518, section 3.2: no shorter than the hash
_CURVES = {"ES256": "secp256r1", "ES256K": "secp256k1", "ES384": "secp384r1", "ES512": "secp521r1"}
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_RSA_BITS = 2048  # RFC 7518, sections 3.3 and 3.5
_ALGORITHMS = (*_SECRETS, *_RSA, *_CURVES, "EdDSA")
_KEY_ERRORS = (jwt.PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, KeyError)
_COMPACT = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){2}")
_MAX_KID = 256  # characters

_jws = jwt.PyJWS(algorithms=_ALGORITHMS)


class TokenError(Exception):
    """A token was refused; the text says why."""


class MalformedTokenError(TokenError):
    """It is no signed JWT, or asks for something that is not understood."""


class AlgorithmError(TokenError):
    """It is signed by an algorithm that is not allowed."""


class KeyIdError(TokenError):
    """No key that is known can have signed it."""


class SignatureError(TokenError):
    """It was changed, or signed by somebody else."""


class Header(NamedTuple):
    """What the header of a token says of its signature; nothing of it is proven."""

    algorithm: str
    kid: str | None


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key as PyJWT takes it, and the algorithms that it may be used with."""

    material: Any
    algorithms: frozenset[str]

    def __repr__(self) -> str:
        return f"VerificationKey({', '.join(sorted(self.algorithms))})"  # the material may be a secret


def check_algorithms(algorithms: object, battery: str) -> tuple[str, ...]:
    """Return the algorithms that are allowed; refuse none at all, and what is no algorithm.

    Raises:
        ConfigurationError: as it says.
    """
    listed = algorithms if isinstance(algorithms, (list, tuple, set, frozenset)) else ()
    if not listed:
        raise ConfigurationError(battery, "no algorithms are listed", cure='write algorithms=["RS256"] or the like')
    for algorithm in listed:
        if algorithm not in _ALGORITHMS:  # `none` is not, in any case
            raise ConfigurationError(
                battery, f"algorithms={algorithms!r}", cure=f"choose from {', '.join(_ALGORITHMS)}"
            )
    return tuple(in_order(listed))


def is_symmetric(algorithm: str) -> bool:
    """Whether who can check a signature can make one as well."""
    return algorithm in _SECRETS


def fits(algorithm: str, material: object) -> bool:
    """Whether a key is of the kind and strength that an algorithm needs; a private key never is."""
    if algorithm in _SECRETS:
        return isinstance(material, bytes) and len(material) >= _SECRETS[algorithm]
    if algorithm in _CURVES:
        return isinstance(material, EllipticCurvePublicKey) and material.curve.name == _CURVES[algorithm]
    if algorithm in _RSA:
        return isinstance(material, RSAPublicKey) and material.key_size >= _RSA_BITS
    return isinstance(material, (Ed25519PublicKey, Ed448PublicKey))


def read_key(key: object, algorithms: Sequence[str], battery: str) -> VerificationKey:
    """Return a configured key, ready for each of the algorithms.

    Raises:
        ConfigurationError: it does not fit one of them: RS256 and HS256 never share a key.
    """
    material: object = None
    for algorithm in algorithms:
        material = _prepare(algorithm, key)
        if not fits(algorithm, material):
            raise ConfigurationError(battery, f"the key is not one for {algorithm}", cure=f"pass {_needed(algorithm)}")
    return VerificationKey(material, frozenset(algorithms))


def read_jwk(jwk: Mapping[str, Any], algorithms: Iterable[str]) -> VerificationKey | None:
    """Return a published key (RFC 7517, section 4); `None` if it does not check signatures by these algorithms."""
    try:
        if jwk.get("use", "sig") != "sig" or "verify" not in jwk.get("key_ops", ("verify",)):
            return None
        material = jwt.PyJWK(dict(jwk)).key
    except _KEY_ERRORS:
        return None
    meant = jwk.get("alg")
    usable = frozenset(one for one in algorithms if meant in (None, one) and fits(one, material))
    return VerificationKey(material, usable) if usable else None


def read_header(token: str, algorithms: Sequence[str]) -> Header:
    """Read what is needed to choose a key.

    Raises:
        MalformedTokenError: there is no header, or it lists what must be understood.
        AlgorithmError: the algorithm is not allowed.
        KeyIdError: the key id is no text, empty or too long.
    """
    encoded = token.partition(".")[0]
    if not _COMPACT.fullmatch(token):  # RFC 7515, section 2: a token has one spelling, by which it can be revoked
        raise MalformedTokenError("it is not written in base64url without padding")
    try:
        header = load_object(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except ValueError:
        raise MalformedTokenError("there is no header") from None
    if "crit" in header or "b64" in header:  # RFC 7515, section 4.1.11; RFC 7797, section 6
        raise MalformedTokenError("crit and b64 are not understood")
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise AlgorithmError("the algorithm is not allowed")
    if "kid" in header and not (isinstance(kid, str) and 0 < len(kid) <= _MAX_KID):
        raise KeyIdError("the key id is no text, empty or too long")
    return Header(algorithm, kid)


def read_payload(token: str, key: VerificationKey, algorithm: str) -> dict[str, Any]:
    """Check the signature, and return the claims that were signed.

    Raises:
        AlgorithmError: the key is not for that algorithm.
        SignatureError: the signature is wrong.
        MalformedTokenError: it is no JWT.
    """
    if algorithm not in key.algorithms:
        raise AlgorithmError("the key is not for this algorithm")
    try:
        signed = _jws.decode_complete(token, key.material, algorithms=[algorithm])
        return load_object(signed["payload"])
    # what PyJWT says may quote the token, and so it is not passed on
    except jwt.InvalidSignatureError:
        raise SignatureError("the signature is wrong") from None
    except (jwt.PyJWTError, ValueError):
        raise MalformedTokenError("it is no signed JWT") from None


def load_object(text: bytes) -> dict[str, Any]:
    """Read a JSON object in UTF-8; raise `ValueError` if it is none, or holds `NaN` or `Infinity` (RFC 8259)."""
    try:
        loaded = json.loads(text.decode(), parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if not isinstance(loaded, dict):
        raise ValueError("it is no object")
    return loaded


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _prepare(algorithm: str, key: object) -> object:
    try:
        return _jws.get_algorithm_by_name(algorithm).prepare_key(key)
    except _KEY_ERRORS:
        return None


def _needed(algorithm: str) -> str:
    if algorithm in _SECRETS:
        return f"a random secret of {_SECRETS[algorithm]} bytes or more, and none that is published"
    if algorithm in _CURVES:
        return f"a public key on the curve {_CURVES[algorithm]}, as PEM"
    return "a public Ed25519 or Ed448 key, as PEM" if algorithm == "EdDSA" else f"a public RSA key of {_RSA_BITS} bits"
