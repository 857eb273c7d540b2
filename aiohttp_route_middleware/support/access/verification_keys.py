"""Keys that check signatures, and the algorithms that each of them serves, on PyJWT (RFC 7517, RFC 7518).

Rules kept here:
- a key serves the algorithms that it was given or published for, and fits each of them in kind and strength, so that a
  public key is never taken for a secret (RFC 8725, section 3.1);
- `none` is no algorithm;
- no error holds anything of a key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import ConfigurationError, MissingDependencyError
from ...option_checks import check_choice, check_list

try:
    import jwt
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
except ImportError as _error:
    raise MissingDependencyError("PyJWT[crypto]", "jwt") from _error

__all__ = ("ALGORITHMS", "VerificationKey", "check_algorithms", "fits", "is_symmetric", "read_jwk", "read_key")

_SECRETS = {"HS256": 32, "HS384": 48, "HS512": 64}  # bytes: RFC 7518, section 3.2: no shorter than the hash
_CURVES = {"ES256": "secp256r1", "ES256K": "secp256k1", "ES384": "secp384r1", "ES512": "secp521r1"}
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_RSA_BITS = 2048  # RFC 7518, sections 3.3 and 3.5
ALGORITHMS = (*_SECRETS, *_RSA, *_CURVES, "EdDSA")
_KEY_ERRORS = (jwt.PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, KeyError)

_jws = jwt.PyJWS(algorithms=ALGORITHMS)


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key as PyJWT takes it, and the algorithms that it may be used with."""

    material: Any
    algorithms: frozenset[str]

    def __repr__(self) -> str:
        return f"VerificationKey({', '.join(sorted(self.algorithms))})"  # the material may be a secret


def check_algorithms(battery: str, algorithms: object) -> tuple[str, ...]:
    """Return the algorithms that are allowed; refuse none at all, and what is no algorithm.

    Raises:
        ConfigurationError: as it says.
    """
    listed = check_list(battery, "algorithms", algorithms, example="RS256")
    if not listed:
        raise ConfigurationError(battery, "no algorithms are listed", cure='write algorithms=["RS256"] or the like')
    return tuple(check_choice(battery, "algorithms", one, ALGORITHMS) for one in listed)  # `none` is no choice


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


def read_key(battery: str, key: object, algorithms: Sequence[str]) -> VerificationKey:
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
