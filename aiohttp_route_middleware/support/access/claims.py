"""What a token claims, and whether it may be believed (RFC 7519, section 4.1); its signature was checked before."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from .identity import Identity
from .token_errors import AudienceError, ClaimError, ExpiredError, IssuerError, NotYetValidError

__all__ = ("ClaimRules", "check_claims", "read_scopes")


@dataclass(frozen=True, kw_only=True)
class ClaimRules:
    """What the claims of a token must be.

    Args:
        issuers: one of which `iss` must be; empty for any.
        audiences: one of which `aud` must name; empty for tokens that name none.
        required: claims that must be there.
        leeway: seconds that clocks may differ.
        subject_claim: the claim that says who it is.
        scope_claims: the first of these that is there says what it may do.
    """

    issuers: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    required: tuple[str, ...] = ("exp",)
    leeway: float = 0.0
    subject_claim: str = "sub"
    scope_claims: tuple[str, ...] = ("scope", "scp")


def check_claims(claims: Mapping[str, Any], rules: ClaimRules, now: float) -> Identity:
    """Return whose token it is, if its claims are as they must be.

    Args:
        claims: whose signature was checked.
        rules: that they must keep.
        now: in seconds since the epoch.

    Raises:
        ClaimError: one is missing, or not of its type.
        ExpiredError: it is over.
        NotYetValidError: it is issued, or valid, in the future.
        IssuerError: it is of another issuer.
        AudienceError: it is for others.
    """
    for name in rules.required:
        if claims.get(name) is None:
            raise ClaimError(f"{name} is missing")
    _check_times(claims, rules.leeway, now)
    if rules.issuers and claims.get("iss") not in rules.issuers:
        raise IssuerError("iss is another")
    _check_audience(claims, rules.audiences)
    subject = claims.get(rules.subject_claim)
    if not isinstance(subject, str) or not subject:
        raise ClaimError(f"{rules.subject_claim} is no text, or empty")
    return Identity(subject, read_scopes(claims, rules.scope_claims), MappingProxyType(claims))


def read_scopes(claims: Mapping[str, Any], names: Sequence[str]) -> frozenset[str]:
    """Return the scopes of the first of these claims that is there: a text with spaces (RFC 8693), or a list of texts.

    What is neither grants nothing.
    """
    value = next((claims[name] for name in names if name in claims), None)
    if isinstance(value, str):
        value = value.split(" ")
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return frozenset()
    return frozenset(one for one in value if one)


def _check_times(claims: Mapping[str, Any], leeway: float, now: float) -> None:
    expires, begins, issued = (_read_time(claims, name) for name in ("exp", "nbf", "iat"))
    # RFC 7519, section 4.1.4: the current time must be before it
    if expires is not None and now - leeway >= expires:
        raise ExpiredError("exp is over")
    # RFC 7519, section 4.1.5: the current time must be at it, or after
    if begins is not None and now + leeway < begins:
        raise NotYetValidError("nbf is in the future")
    if issued is not None and now + leeway < issued:
        raise NotYetValidError("iat is in the future")


def _read_time(claims: Mapping[str, Any], name: str) -> float | None:
    if name not in claims:
        return None
    value = claims[name]
    # RFC 7519, section 2: a JSON number, which is finite; 1e999 is read as infinity, and True is a number in Python
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return value
    raise ClaimError(f"{name} is no finite number")


def _check_audience(claims: Mapping[str, Any], audiences: Sequence[str]) -> None:
    named = claims.get("aud", [])
    listed = [named] if isinstance(named, str) else named
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise AudienceError("aud is neither a text nor a list of them")
    # RFC 7519, section 4.1.3: who does not find itself in the audience must reject the token
    if (audiences or "aud" in claims) and not any(one in audiences for one in listed):
        raise AudienceError("aud names others")
