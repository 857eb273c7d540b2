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

Make it once and use it on many routes: the keys are kept in it. A key that the issuer withdraws is taken until the set
is fetched again, an hour later at most; while it cannot be fetched, because somebody blocks the way perhaps, for
another day at most, and then the answer is 503. `jwks_url=KeySource(url, max_age=600, max_stale=3_600)` shortens both.
To change a key of your own, take both for a while: `any_of(jwt_auth(key=new, ...), jwt_auth(key=old, ...))`. Several
issuers stand in `any_of()` as well: while the keys of one cannot be fetched, tokens of the others are let in.

A client is not told why its token was refused. A link around that counts refusals finds it as the `__cause__` of the
401: a `TokenError`, such as `ExpiredError` or `SignatureError`, all of which are imported from here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from aiohttp import hdrs, web

from ..errors import ConfigurationError
from ..option_checks import check_function, check_seconds, check_text, check_texts
from ..support.access.claims import ClaimRules, check_claims
from ..support.access.credentials import MAX_LENGTH, Bearer
from ..support.access.identity import IDENTITY
from ..support.access.jwks import KeySet, KeysUnavailableError
from ..support.access.jws import choose_key, read_header, read_payload
from ..support.access.key_source import KeySource
from ..support.access.token_errors import (
    AlgorithmError,
    AudienceError,
    ClaimError,
    ExpiredError,
    IssuerError,
    KeyIdError,
    MalformedTokenError,
    NotYetValidError,
    SignatureError,
    TokenError,
)
from ..support.access.verification_keys import VerificationKey, check_algorithms, is_symmetric, read_jwk, read_key
from ..support.battery import GuardBattery, guard_battery
from ..typedefs import Handler

__all__ = (
    "AlgorithmError",
    "AudienceError",
    "ClaimError",
    "ExpiredError",
    "IssuerError",
    "KeyIdError",
    "KeySource",
    "MalformedTokenError",
    "NotYetValidError",
    "SignatureError",
    "TokenError",
    "jwt_auth",
)

_BATTERY = "jwt_auth()"
_logger = logging.getLogger(__name__)

FindKeys = Callable[[str | None], Awaitable[Sequence[VerificationKey]]]  # by the key id of a token


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
        set cannot be fetched and the key is not known, or too old. Why a token was refused is told only to the log, at
        debug.

    Reads/Sets:
        reads `Authorization`; sets `IDENTITY`, with the subject, the scopes and all claims.

    Source:
        RFC 7519, section 7.2; RFC 8725, section 3; RFC 6750, section 3.

    Example:
        jwt_auth(key=os.environ["JWT_SECRET"], algorithms=["HS256"], issuer="shop", audience="shop")
    """
    allowed = check_algorithms(_BATTERY, algorithms)
    bearer = Bearer(_BATTERY, realm, max_length)
    find_keys = _find_keys_in(key, jwks_url, allowed)
    check_function(_BATTERY, "clock", clock, takes="")
    rules = ClaimRules(
        issuers=_read_texts("issuer", issuer),
        audiences=_read_texts("audience", audience),
        required=_read_texts("required", required),
        leeway=check_seconds(_BATTERY, "leeway", leeway, at_least=0),
        subject_claim=check_text(_BATTERY, "subject_claim", subject_claim),
        scope_claims=("scope", "scp") if scope_claim is None else (check_text(_BATTERY, "scope_claim", scope_claim),),
    )

    @guard_battery(f"jwt_auth({', '.join(allowed)})", provided=(IDENTITY,))
    async def jwt_auth(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        token = bearer.read(request.headers)
        try:
            header = read_header(token, allowed)
            found = choose_key(await find_keys(header.kid), header.algorithm)
            request[IDENTITY] = check_claims(read_payload(token, found, header.algorithm), rules, clock())
        except TokenError as error:
            _logger.debug("%s refused a token: %s: %s", _BATTERY, type(error).__name__, error)
            raise bearer.refuse() from error
        except KeysUnavailableError as error:
            raise web.HTTPServiceUnavailable(headers={hdrs.RETRY_AFTER: str(error.retry_after)}) from error
        return await handler(request) if handler else None

    return jwt_auth


def _find_keys_in(key: object, jwks_url: str | KeySource | None, algorithms: Sequence[str]) -> FindKeys:
    if (key is None) is (jwks_url is None):
        raise ConfigurationError(_BATTERY, "there is no key, or two ways to it", cure="pass either key= or jwks_url=")
    if jwks_url is None:
        keys = (read_key(_BATTERY, key, algorithms),)

        async def find_keys(kid: str | None) -> Sequence[VerificationKey]:
            return keys

        return find_keys
    if any(map(is_symmetric, algorithms)):
        raise ConfigurationError(
            _BATTERY, "what is published at jwks_url is no secret", cure="leave HS256, HS384 and HS512 to key="
        )
    source = jwks_url if isinstance(jwks_url, KeySource) else KeySource(jwks_url)
    return KeySet(source, partial(read_jwk, algorithms=algorithms)).find


def _read_texts(option: str, value: object) -> tuple[str, ...]:
    return () if value == () else check_texts(_BATTERY, option, value)  # the default; [] and None are refused
