"""Why a token was refused, as one tree.

TokenError
├── MalformedTokenError  it is no signed JWT, or asks for something that is not understood
├── AlgorithmError       it is signed by an algorithm that is not allowed
├── KeyIdError           no key that is known can have signed it
├── SignatureError       it was changed, or signed by somebody else
├── ClaimError           a claim is missing, or not of its type
├── ExpiredError         its time is over
├── NotYetValidError     its time has not come
├── IssuerError          it is of another issuer
└── AudienceError        it is for others

Rule kept here: no error holds anything of a token.
"""

from __future__ import annotations

from ...errors import RouteMiddlewareError

__all__ = (
    "AlgorithmError",
    "AudienceError",
    "ClaimError",
    "ExpiredError",
    "IssuerError",
    "KeyIdError",
    "MalformedTokenError",
    "NotYetValidError",
    "SignatureError",
    "TokenError",
)


class TokenError(RouteMiddlewareError):
    """A token was refused; the text says why."""


class MalformedTokenError(TokenError):
    """It is no signed JWT, or asks for something that is not understood."""


class AlgorithmError(TokenError):
    """It is signed by an algorithm that is not allowed."""


class KeyIdError(TokenError):
    """No key that is known can have signed it."""


class SignatureError(TokenError):
    """It was changed, or signed by somebody else."""


class ClaimError(TokenError):
    """A claim is missing, or not of its type."""


class ExpiredError(TokenError):
    """The time of the token is over."""


class NotYetValidError(TokenError):
    """The time of the token has not come."""


class IssuerError(TokenError):
    """The token is of another issuer."""


class AudienceError(TokenError):
    """The token is for others."""
