"""A signed token lets in whose claims and signature hold, and its keys come from a real server that fails at times."""

import asyncio
import json
import logging
import time
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from pytest_aiohttp.plugin import AiohttpClient, AiohttpServer

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.any_of import any_of
from aiohttp_route_middleware.middlewares.jwt_auth import (
    ExpiredError,
    KeySource,
    SignatureError,
    TokenError,
    jwt_auth,
)
from aiohttp_route_middleware.naming import name_link
from aiohttp_route_middleware.typedefs import Handler

from ..clock import Clock
from ..support.access.publishing import Publisher
from .identities import SCOPES, AskAs, ask_as, make_app, needs_identity

__all__ = ("ask_as",)

SECRET = "0123456789abcdef" * 2
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
RSA_PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
NOW = 1_700_000_000.0
CLAIMS: dict[str, Any] = {"sub": "somebody", "exp": NOW + 60}
MISSING = 'Bearer realm="protected"'
INVALID = 'Bearer realm="protected", error="invalid_token"'
MALFORMED = 'Bearer realm="protected", error="invalid_request"'


def sign(claims: Any = None, key: Any = SECRET, algorithm: str = "HS256", **header: Any) -> str:
    text = claims if isinstance(claims, bytes) else json.dumps(CLAIMS if claims is None else claims).encode()
    return jwt.api_jws.encode(text, key, algorithm, headers=header)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def clock() -> float:
    return NOW


def with_secret(**options: Any) -> Any:
    return jwt_auth(**{"key": SECRET, "algorithms": ["HS256"], "clock": clock, **options})


@pytest.mark.parametrize("scope", SCOPES)
async def test_who_bears_a_valid_token_is_let_in_and_others_are_not(scope: str, ask_as: AskAs) -> None:
    link = with_secret()
    claims = {**CLAIMS, "scope": "post:read post:write", "role": "author"}
    response = await ask_as(link, scope=scope, headers=bearer(sign(claims)))
    assert await response.json() == {"subject": "somebody", "scopes": ["post:read", "post:write"], "claims": claims}
    for headers, challenge in (({}, MISSING), (bearer(sign(key="x" * 32)), INVALID), (bearer("abc"), INVALID)):
        response = await ask_as(link, scope=scope, headers=headers)
        assert response.status == 401
        assert response.headers.getall("WWW-Authenticate") == [challenge]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([("Authorization", "Bearer")], id="no token"),
        pytest.param([("Authorization", f"Bearer {sign()} {sign()}")], id="two tokens"),
        pytest.param([("Authorization", f"Bearer {sign()}")] * 2, id="two fields"),
        pytest.param([("Authorization", "Bearer " + "a" * 8_000)], id="huge"),
    ],
)
async def test_a_malformed_request_is_400(headers: Any, ask_as: AskAs) -> None:
    response = await ask_as(with_secret(), headers=headers)
    assert (response.status, response.headers["WWW-Authenticate"]) == (400, MALFORMED)


async def test_a_token_in_the_query_is_not_taken(ask_as: AskAs) -> None:
    response = await ask_as(with_secret(), path=f"/?access_token={sign()}")
    assert (response.status, response.headers["WWW-Authenticate"]) == (401, MISSING)


CONFUSED = {
    "none": f"{jwt.api_jws.encode(json.dumps(CLAIMS).encode(), '', 'none')}",
    "crit": sign(crit=["exp"], exp=1),
    "a long kid": sign(kid="k" * 257),
    "another algorithm": sign(key=SECRET * 2, algorithm="HS512"),
}


@pytest.mark.parametrize("token", CONFUSED.values(), ids=CONFUSED)
async def test_a_token_that_asks_for_something_else_is_refused(token: str, ask_as: AskAs) -> None:
    response = await ask_as(with_secret(), headers=bearer(token))
    assert (response.status, response.headers["WWW-Authenticate"]) == (401, INVALID)


async def test_a_public_key_is_never_taken_for_a_secret(ask_as: AskAs) -> None:
    link = jwt_auth(key=RSA_PEM, algorithms=["RS256"], clock=clock)
    assert (await ask_as(link, headers=bearer(sign(key=RSA, algorithm="RS256")))).status == 200
    first, second = (part.rstrip("=") for part in sign(key="x" * 32).split(".")[:2])
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        f"{first}.{second}".encode(), RSA_PEM.encode()
    )
    forged = f"{first}.{second}.{jwt.utils.base64url_encode(mac).decode()}"
    assert (await ask_as(link, headers=bearer(forged))).status == 401


async def test_the_true_time_is_the_clock_unless_told_otherwise(ask_as: AskAs) -> None:
    link = jwt_auth(key=SECRET, algorithms=["HS256"])
    now = time.time()
    for expires, status in ((now + 3_600, 200), (now - 3_600, 401)):
        assert (await ask_as(link, headers=bearer(sign({"sub": "a", "exp": expires})))).status == status


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "true", '"1900000000"', "null"])
async def test_a_time_that_is_no_finite_number_is_401_as_it_is_sent(name: str, value: str, ask_as: AskAs) -> None:
    rest = {key: one for key, one in CLAIMS.items() if key != name}
    token = sign(f'{{"{name}": {value}, {json.dumps(rest)[1:]}'.encode())
    assert (await ask_as(with_secret(), headers=bearer(token))).status == 401


async def test_exp_is_required_unless_told_otherwise(ask_as: AskAs) -> None:
    headers = bearer(sign({"sub": "a"}))
    assert (await ask_as(with_secret(), headers=headers)).status == 401
    assert (await ask_as(with_secret(required=()), headers=headers)).status == 200
    assert (await ask_as(with_secret(required=["sub", "jti"]), headers=headers)).status == 401
    expired = bearer(sign({"sub": "a", "exp": NOW - 1}))
    assert (await ask_as(with_secret(required=()), headers=expired)).status == 401


async def test_options_are_kept(ask_as: AskAs) -> None:
    link = with_secret(issuer=["i", "j"], audience="a", leeway=5, subject_claim="client_id", scope_claim="roles")
    claims = {"client_id": "c", "roles": ["x"], "scope": "y", "iss": "j", "aud": ["a", "b"], "exp": NOW - 4}
    response = await ask_as(link, headers=bearer(sign(claims)))
    told = await response.json()
    assert (told["subject"], told["scopes"]) == ("c", ["x"])
    for changes in ({"iss": "k"}, {"aud": "b"}, {"exp": NOW - 5}):
        assert (await ask_as(link, headers=bearer(sign({**claims, **changes})))).status == 401


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        pytest.param(sign({"sub": "a", "exp": NOW - 1}), "ExpiredError: exp is over", id="expired"),
        pytest.param(sign({"sub": "a"}), "ClaimError: exp is missing", id="missing"),
        pytest.param(sign(key="x" * 32), "SignatureError: the signature is wrong", id="forged"),
        pytest.param(sign(b"garbage"), "MalformedTokenError: it is no signed JWT", id="garbage"),
        pytest.param(sign(kid="k" * 300), "KeyIdError", id="a long key id"),
    ],
)
async def test_why_a_token_is_refused_is_told_only_to_the_log_and_without_the_token(
    token: str, reason: str, ask_as: AskAs, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "aiohttp_route_middleware")
    response = await ask_as(with_secret(), headers=bearer(token))
    ours = [record for record in caplog.records if record.name.startswith("aiohttp_route_middleware")]
    [record] = ours
    assert record.levelno == logging.DEBUG
    assert f"jwt_auth() refused a token: {reason}" in record.getMessage()
    assert record.exc_info is None
    for part in (*token.split("."), "kkk", "garbage", SECRET):
        assert part not in caplog.text
    assert await response.text() == "401: Unauthorized"


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        pytest.param(sign({"sub": "a", "exp": NOW - 1}), ExpiredError, id="expired"),
        pytest.param(sign(key="x" * 32), SignatureError, id="forged"),
    ],
)
async def test_a_link_around_finds_the_reason_as_the_cause_of_the_401(
    token: str, reason: type[TokenError], aiohttp_client: AiohttpClient
) -> None:
    causes = []

    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPUnauthorized as error:
            causes.append(type(error.__cause__))
            raise

    client = await aiohttp_client(make_app([count, with_secret()]))
    async with client.get("/", headers=bearer(token)) as response:
        assert response.status == 401
    assert causes == [reason]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({"algorithms": []}, "no algorithms are listed", id="no algorithms"),
        pytest.param({"algorithms": ["none"]}, "algorithms='none'; write one of 'ES256', ", id="none"),
        pytest.param(
            {"algorithms": ["HS256", "none"]}, "algorithms='none'; write one of 'ES256', ", id="none among others"
        ),
        pytest.param({"key": None}, "pass either key= or jwks_url=", id="no key"),
        pytest.param({"jwks_url": "https://example.com"}, "pass either key= or jwks_url=", id="two ways to a key"),
        pytest.param({"key": "short secret"}, "a random secret of 32 bytes", id="a weak secret"),
        pytest.param({"key": RSA_PEM}, "the key is not one for HS256", id="HS256 with a public key"),
        pytest.param({"algorithms": ["RS256"]}, "the key is not one for RS256", id="RS256 with a secret"),
        pytest.param({"algorithms": ["HS256", "RS256"]}, "the key is not one for RS256", id="both kinds"),
        pytest.param({"key": None, "jwks_url": "https://example.com"}, "is no secret", id="HS256 with a key set"),
        pytest.param({"leeway": -1}, "leeway=-1", id="a leeway below 0"),
        pytest.param({"leeway": float("nan")}, "leeway=nan", id="a leeway that is none"),
        pytest.param({"leeway": float("inf")}, "leeway=inf", id="a leeway without end"),
        pytest.param({"leeway": True}, "leeway=True", id="a leeway that is a boolean"),
        pytest.param({"issuer": None}, "issuer=None", id="an issuer that was not set"),
        pytest.param({"issuer": ["a", ""]}, "issuer=''", id="an empty issuer"),
        pytest.param({"audience": None}, "audience=None", id="an audience that was not set"),
        pytest.param({"audience": 1}, "audience=1", id="an audience that is no text"),
        pytest.param({"required": [1]}, "required=1", id="a claim that is no text"),
        pytest.param({"subject_claim": ""}, "subject_claim=''", id="no subject claim"),
        pytest.param({"scope_claim": ["a"]}, "scope_claim=", id="several scope claims"),
        pytest.param({"realm": "a\nb"}, "realm=", id="a line break in the realm"),
        pytest.param({"max_length": 0}, "max_length=0", id="no length"),
        pytest.param({"clock": 1.0}, "clock is float", id="no clock"),
    ],
)
def test_bad_configuration_is_refused_and_no_secret_is_shown(options: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as raised:
        with_secret(**options)
    for secret in (SECRET, "short secret"):
        assert secret not in str(raised.value)


def test_a_key_set_over_http_is_refused_unless_told_otherwise() -> None:
    with pytest.raises(ConfigurationError, match=r"write https://, or KeySource\(url, allow_http=True\)"):
        jwt_auth(jwks_url="http://example.com/keys", algorithms=["RS256"])
    jwt_auth(jwks_url="https://example.com/keys", algorithms=["RS256"])


def test_links_behind_may_require_the_identity_and_the_name_tells_the_algorithms() -> None:
    link = with_secret(algorithms=["HS256"])
    chain(link, needs_identity)
    assert name_link(link) == "jwt_auth(HS256)"


async def test_two_secrets_are_two_ways_in(ask_as: AskAs) -> None:
    link = any_of(with_secret(key="n" * 32), with_secret(key="o" * 32))
    for key, status in (("n" * 32, 200), ("o" * 32, 200), ("x" * 32, 401)):
        assert (await ask_as(link, headers=bearer(sign(key=key)))).status == status


class KeyPublisher(Publisher):
    """Publishes keys that check signatures."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[dict[str, Any]] = [publish(RSA, "one")]
        self.status = 200
        self.clock = Clock()

    async def publish(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"keys": self.keys}, status=self.status)

    def link(self, algorithms: tuple[str, ...] = ("RS256",)) -> Any:
        source = KeySource(self.url, allow_http=True, clock=self.clock)
        return jwt_auth(jwks_url=source, algorithms=algorithms, clock=clock)


def publish(key: Any, kid: str | None = None, **members: Any) -> dict[str, Any]:
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    jwk = {**json.loads(algorithm.to_jwk(key.public_key())), **members}
    return jwk if kid is None else {**jwk, "kid": kid}


@pytest.fixture
async def publisher(aiohttp_server: AiohttpServer) -> KeyPublisher:
    publisher = KeyPublisher()
    await publisher.start(aiohttp_server)
    return publisher


def sign_rsa(kid: str | None, key: Any = RSA, algorithm: str = "RS256") -> dict[str, str]:
    return bearer(sign(key=key, algorithm=algorithm, **({} if kid is None else {"kid": kid})))


async def test_a_token_is_checked_by_the_published_key_of_its_id(publisher: KeyPublisher, ask_as: AskAs) -> None:
    publisher.keys.append(publish(OTHER_RSA, "two"))
    link = publisher.link()
    for kid, key, status in (
        ("one", RSA, 200),
        ("two", OTHER_RSA, 200),
        ("one", OTHER_RSA, 401),
        ("two", RSA, 401),
        ("three", RSA, 401),
        (None, RSA, 401),  # either key may have signed it
    ):
        response = await ask_as(link, headers=sign_rsa(kid, key))
        assert (response.status, response.headers.get("WWW-Authenticate")) == (
            status,
            INVALID if status == 401 else None,
        )
    assert publisher.count == 1


async def test_a_token_without_a_key_id_is_checked_by_the_only_key_that_fits(
    publisher: KeyPublisher, ask_as: AskAs
) -> None:
    publisher.keys = [publish(RSA), publish(EC), publish(RSA, use="enc"), {"kty": "oct", "k": "AAAA"}]
    link = publisher.link(("RS256", "ES256"))
    assert (await ask_as(link, headers=sign_rsa(None))).status == 200
    assert (await ask_as(link, headers=sign_rsa(None, EC, "ES256"))).status == 200
    assert (await ask_as(link, headers=sign_rsa(None, OTHER_RSA))).status == 401


async def test_keys_of_one_id_and_two_kinds_are_told_apart(publisher: KeyPublisher, ask_as: AskAs) -> None:
    publisher.keys = [publish(RSA, "one"), publish(EC, "one")]
    link = publisher.link(("RS256", "ES256"))
    assert (await ask_as(link, headers=sign_rsa("one"))).status == 200
    assert (await ask_as(link, headers=sign_rsa("one", EC, "ES256"))).status == 200


async def test_a_published_key_serves_only_what_it_was_published_for(publisher: KeyPublisher, ask_as: AskAs) -> None:
    publisher.keys = [publish(RSA, "one", alg="PS256")]
    link = publisher.link(("RS256", "PS256"))
    assert (await ask_as(link, headers=sign_rsa("one"))).status == 401
    assert (await ask_as(link, headers=sign_rsa("one", algorithm="PS256"))).status == 200


async def test_a_rotated_key_is_found_and_the_old_one_ends(publisher: KeyPublisher, ask_as: AskAs) -> None:
    link = publisher.link()
    assert (await ask_as(link, headers=sign_rsa("one"))).status == 200
    publisher.keys = [publish(OTHER_RSA, "two")]
    publisher.clock.now += 30
    assert (await ask_as(link, headers=sign_rsa("two", OTHER_RSA))).status == 200
    assert (await ask_as(link, headers=sign_rsa("one"))).status == 401


async def test_while_no_key_can_be_fetched_the_answer_is_503(publisher: KeyPublisher, ask_as: AskAs) -> None:
    publisher.status = 500
    link = publisher.link()
    response = await ask_as(link, headers=sign_rsa("one"))
    assert (response.status, response.headers["Retry-After"]) == (503, "30")
    assert (await ask_as(link)).status == 401  # who sends nothing is told so
    publisher.status = 200
    publisher.clock.now += 30
    assert (await ask_as(link, headers=sign_rsa("one"))).status == 200
    publisher.status = 500
    publisher.clock.now += 7_200
    assert (await ask_as(link, headers=sign_rsa("one"))).status == 200  # the last good keys


async def test_a_key_that_may_be_withdrawn_is_not_trusted_for_ever(publisher: KeyPublisher, ask_as: AskAs) -> None:
    link = publisher.link()
    assert (await ask_as(link, headers=sign_rsa("one"))).status == 200
    publisher.status = 500
    for seconds, status in ((3_600 + 86_399, 200), (1, 503), (86_400, 503)):
        publisher.clock.now += seconds
        response = await ask_as(link, headers=sign_rsa("one"))
        assert (response.status, "Retry-After" in response.headers) == (status, status == 503)
    publisher.status = 200
    publisher.clock.now += 30
    assert (await ask_as(link, headers=sign_rsa("one"))).status == 200


async def test_many_made_up_key_ids_at_once_make_one_fetch(
    publisher: KeyPublisher, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_app(publisher.link()))

    async def ask(kid: str) -> int:
        async with client.get("/", headers=sign_rsa(kid)) as response:
            return response.status

    assert await ask("one") == 200
    publisher.clock.now += 30
    assert await asyncio.gather(*(ask(f"made up {number}") for number in range(20))) == [401] * 20
    assert await ask("one") == 200
    assert publisher.count == 2


async def test_what_cannot_be_signed_by_an_allowed_algorithm_asks_nobody(
    publisher: KeyPublisher, ask_as: AskAs
) -> None:
    link = publisher.link()
    for token in (sign(kid="one"), sign_rsa("k" * 300)["Authorization"][7:], "garbage"):
        assert (await ask_as(link, headers=bearer(token))).status == 401
    assert publisher.count == 0


@pytest.mark.parametrize("option", ["issuer", "audience"])
@pytest.mark.parametrize("value", [[], set(), "", None], ids=repr)
def test_what_was_not_set_is_not_taken_for_any(option: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=option):
        jwt_auth(key="k" * 32, algorithms=["HS256"], **{option: value})


async def test_while_the_keys_of_one_issuer_cannot_be_fetched_those_of_another_are_let_in(
    publisher: KeyPublisher, ask_as: AskAs
) -> None:
    publisher.status = 500
    links = [publisher.link(), jwt_auth(key=OTHER_RSA.public_key(), algorithms=["RS256"], clock=clock)]
    for either in (any_of(*links), any_of(*reversed(links))):
        assert (await ask_as(either, headers=sign_rsa("two", OTHER_RSA))).status == 200
        response = await ask_as(either, headers=sign_rsa("one"))  # who may be of the first
        assert (response.status, "Retry-After" in response.headers) == (503, True)
        assert (await ask_as(either)).status == 401
