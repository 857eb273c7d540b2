"""Signed tokens: headers, signatures and what was signed, on PyJWT (RFC 7515; RFC 8725 for what goes wrong).

Rules kept here:
- a token's header chooses only among the algorithms that are allowed; no more than one key may have signed it;
- a header that says what must be understood is refused, for no extension is (RFC 7515, section 4.1.11);
- no error holds anything of a token.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from ...errors import MissingDependencyError
from .token_errors import AlgorithmError, KeyIdError, MalformedTokenError, SignatureError
from .verification_keys import ALGORITHMS, VerificationKey

try:
    import jwt
except ImportError as _error:
    raise MissingDependencyError("PyJWT[crypto]", "jwt") from _error

__all__ = ("Header", "choose_key", "read_header", "read_payload")

_COMPACT = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){2}")
_MAX_KID = 256  # characters

_jws = jwt.PyJWS(algorithms=ALGORITHMS)


class Header(NamedTuple):
    """What the header of a token says of its signature; nothing of it is proven."""

    algorithm: str
    kid: str | None


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
        header = _read_json_object(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
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


def choose_key(found: Sequence[VerificationKey], algorithm: str) -> VerificationKey:
    """Return the one key that may have signed a token.

    Raises:
        KeyIdError: there is none, or more than one.
    """
    fitting = [key for key in found if algorithm in key.algorithms]
    if len(fitting) != 1:
        raise KeyIdError(f"{len(fitting)} keys may have signed it")
    return fitting[0]


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
        return _read_json_object(signed["payload"])
    # what PyJWT says may quote the token, and so it is not passed on
    except jwt.InvalidSignatureError:
        raise SignatureError("the signature is wrong") from None
    except (jwt.PyJWTError, ValueError):
        raise MalformedTokenError("it is no signed JWT") from None


def _read_json_object(text: bytes) -> dict[str, Any]:
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
