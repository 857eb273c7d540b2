"""Signed tokens, which speak for themselves: JSON Web Tokens as bearer tokens (RFC 7519, RFC 6750, RFC 8725).

For APIs behind an identity provider, whose public keys are fetched from `jwks_url`; and for tokens that you sign
yourself, with `key`. Each token must say who it is of and, by default, until when it is valid.

It does **not** know of tokens that were revoked: they are valid until they expire, so let them expire soon. It does
not read encrypted tokens, and it takes no key from a token (`jku`, `jwk` and `x5u` are ignored). It trusts who holds
the key: name `issuer` and `audience` when that is somebody who signs for others as well, or a token for another
service opens this one. An id token of OpenID Connect is no access token; only its audience tells them apart.

    authenticate = jwt_auth(
        jwks_url="https://login.example.com/.well-known/jwks.json",
        algorithms=["RS256"],
        issuer="https://login.example.com/",
        audience="https://api.example.com",
    )
    router.add_get("/posts", authenticate, authorise(["post:read"]), list_posts)

Make it once and use it on many routes: the keys are kept in it. To change a key of your own, take both for a while:
`any_of(jwt_auth(key=new, ...), jwt_auth(key=old, ...))`.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from aiohttp import hdrs, web

from ..errors import ConfigurationError
from ..support.battery import GuardBattery, guard_battery
from ..support.credentials import MAX_LENGTH, Bearer
from ..support.identity import IDENTITY, Identity
from ..support.jwks import KeySet, KeySource, KeysUnavailableError
from ..support.jws import (
    KeyIdError,
    TokenError,
    VerificationKey,
    check_algorithms,
    is_symmetric,
    read_header,
    read_jwk,
    read_key,
    read_payload,
)
from ..typedefs import Handler

__all__ = (
    "AudienceError",
    "ClaimError",
    "ClaimRules",
    "ExpiredError",
    "IssuerError",
    "KeySource",
    "NotYetValidError",
    "check_claims",
    "jwt_auth",
    "read_scopes",
)

_log = logging.getLogger(__name__)
_BATTERY = "jwt_auth()"


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


def jwt_auth(
    *,
    algorithms: Sequence[str],
    key: Any = None,
    jwks_url: str | KeySource | None = None,
    issuer: str | Sequence[str] = (),
    audience: str | Sequence[str] = (),
    leeway: float = 0.0,
    required: Sequence[str] = ("exp",),
    subject_claim: str = "sub",
    scope_claim: str | None = None,
    realm: str = "protected",
    max_length: int = MAX_LENGTH,
    clock: Callable[[], float] = time.time,
) -> GuardBattery:
    """Let in who bears a signed token that is valid.

    Args:
        algorithms: that tokens may be signed by, such as `["RS256"]`; `none` is never allowed.
        key: that they are signed with: a public key as PEM or as an object of `cryptography`, or for HS256, HS384 and
            HS512 a secret of at least 32, 48 or 64 bytes; or
        jwks_url: where the issuer publishes its keys; a `KeySource` says how they are fetched.
        issuer: what `iss` must be, or several; default any.
        audience: what `aud` must name, or several; by default a token that names an audience is refused, as
            RFC 7519, section 4.1.3, demands.
        leeway: seconds that the clocks of issuer and server may differ; default 0.
        required: claims that must be there; default `exp`. `exp`, `nbf` and `iat` are checked whenever they are there.
        subject_claim: which claim is the subject of the identity, a text that is not empty; default `sub`.
        scope_claim: which claim holds the scopes, as a text with spaces or as a list; default `scope`, else `scp`.
        realm: of the challenge; default `"protected"`.
        max_length: of the `Authorization` field, in characters; default 8,000.
        clock: tells seconds since the epoch; default `time.time`.

    Raises:
        ConfigurationError: an option is wrong; a key does not fit an algorithm in kind or strength.

    Responds:
        401 with `Bearer realm="..."`, and `error="invalid_token"` if there was a token; 400 with
        `error="invalid_request"` if the field is repeated, too long, or no token; 503 with `Retry-After` while the key
        set cannot be fetched and the key is not known. Why a token was refused is told only to the log, at debug.

    Reads:
        `Authorization`.

    Sets:
        `IDENTITY`, with the subject, the scopes and all claims.

    Source:
        RFC 7519, section 7.2; RFC 8725, section 3; RFC 6750, section 3.

    Example:
        jwt_auth(key=os.environ["JWT_SECRET"], algorithms=["HS256"], issuer="shop", audience="shop")
    """
    allowed = check_algorithms(algorithms, _BATTERY)
    bearer = Bearer(realm, _BATTERY, max_length)
    find_keys = _choose_keys(key, jwks_url, allowed)
    rules = ClaimRules(
        issuers=_read_texts("issuer", issuer),
        audiences=_read_texts("audience", audience),
        required=_read_texts("required", required),
        leeway=_check_leeway(leeway),
        subject_claim=_check_text("subject_claim", subject_claim),
        scope_claims=("scope", "scp") if scope_claim is None else (_check_text("scope_claim", scope_claim),),
    )

    @guard_battery(f"jwt_auth({', '.join(allowed)})", provided=(IDENTITY,))
    async def jwt_auth(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        token = bearer.read(request.headers)
        try:
            header = read_header(token, allowed)
            found = _pick(await find_keys(header.kid), header.algorithm)
            request[IDENTITY] = check_claims(read_payload(token, found, header.algorithm), rules, clock())
        except TokenError as error:
            _log.debug("%s refused a token: %s: %s", _BATTERY, type(error).__name__, error)
            raise bearer.refuse() from error
        except KeysUnavailableError as error:
            raise web.HTTPServiceUnavailable(headers={hdrs.RETRY_AFTER: str(error.retry_after)}) from error
        return await handler(request) if handler else None

    return jwt_auth


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


def _choose_keys(key: Any, jwks_url: str | KeySource | None, algorithms: Sequence[str]) -> Callable[[str | None], Any]:
    if (key is None) is (jwks_url is None):
        raise ConfigurationError(_BATTERY, "there is no key, or two ways to it", cure="pass either key= or jwks_url=")
    if jwks_url is None:
        keys = (read_key(key, algorithms, _BATTERY),)

        async def find_keys(kid: str | None) -> Sequence[VerificationKey]:
            return keys

        return find_keys
    if any(map(is_symmetric, algorithms)):
        raise ConfigurationError(
            _BATTERY, "what is published at jwks_url is no secret", cure="leave HS256, HS384 and HS512 to key="
        )
    source = jwks_url if isinstance(jwks_url, KeySource) else KeySource(jwks_url)
    return KeySet(source, partial(read_jwk, algorithms=algorithms)).find


def _pick(found: Sequence[VerificationKey], algorithm: str) -> VerificationKey:
    fitting = [key for key in found if algorithm in key.algorithms]
    if len(fitting) != 1:
        raise KeyIdError(f"{len(fitting)} keys may have signed it")
    return fitting[0]


def _read_texts(option: str, value: object) -> tuple[str, ...]:
    if value == ():  # the default
        return ()
    if isinstance(value, (list, tuple, set, frozenset)) and value:
        return tuple(_check_text(option, one) for one in value)
    return (_check_text(option, value),)  # None and [] as well: what was not set must not be taken for "any"


def _check_text(option: str, value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise ConfigurationError(_BATTERY, f"{option}={value!r}", cure="pass a text that is not empty")


def _check_leeway(leeway: object) -> float:
    if isinstance(leeway, bool) or not isinstance(leeway, (int, float)) or not 0 <= leeway < math.inf:
        raise ConfigurationError(_BATTERY, f"leeway={leeway!r}", cure="pass seconds, 0 or more")
    return leeway
