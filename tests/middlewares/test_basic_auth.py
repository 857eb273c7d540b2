"""A user name and a password: read as RFC 7617 has it, and refused with a challenge that browsers understand."""

import base64
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.declarations import provided_by
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.any_of import any_of
from aiohttp_route_middleware.middlewares.basic_auth import basic_auth, decode_basic
from aiohttp_route_middleware.middlewares.bearer_auth import bearer_auth
from aiohttp_route_middleware.naming import name_link
from aiohttp_route_middleware.support.access.identity import IDENTITY, Identity

from .identities import SCOPES, AskAs, ask_as, needs_identity

__all__ = ("ask_as",)

USERS = {"Aladdin": "open sesame", "test": "123£", "colon": "a:b:c"}
CHALLENGE = 'Basic realm="protected", charset="UTF-8"'


def basic(user: str, password: str, scheme: str = "Basic") -> dict[str, str]:
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"{scheme} {encoded}"}


@pytest.mark.parametrize("scope", SCOPES)
async def test_who_knows_the_password_is_let_in_and_others_are_not(scope: str, ask_as: AskAs) -> None:
    link = basic_auth(USERS)
    response = await ask_as(link, scope=scope, headers=basic("Aladdin", "open sesame"))
    assert (await response.json())["subject"] == "Aladdin"
    for headers in ({}, basic("Aladdin", "open"), basic("Nobody", "open sesame")):
        response = await ask_as(link, scope=scope, headers=headers)
        assert response.status == 401
        assert response.headers.getall("WWW-Authenticate") == [CHALLENGE]


@pytest.mark.parametrize(
    ("credentials", "read"),
    [
        pytest.param("QWxhZGRpbjpvcGVuIHNlc2FtZQ==", ("Aladdin", "open sesame"), id="RFC 7617, section 2"),
        pytest.param("dGVzdDoxMjPCow==", ("test", "123£"), id="RFC 7617, section 2.1"),
        pytest.param("YTpiOmM6ZA==", ("a", "b:c:d"), id="the first colon"),
        pytest.param("Og==", ("", ""), id="both empty"),
        pytest.param("YTo=", ("a", ""), id="an empty password"),
        pytest.param("YWJj", None, id="no colon"),
        pytest.param("", None, id="nothing"),
        pytest.param("YTpi=", None, id="too much padding"),
        pytest.param("YTpi====", None, id="far too much padding"),
        pytest.param("YTp=", None, id="bits behind the end"),
        pytest.param("YTo", None, id="no padding"),
        pytest.param("YT piOmM=", None, id="a space within"),
        pytest.param("YTpi!", None, id="no base64"),
        pytest.param("YTpi, Bearer x", None, id="another challenge"),
        pytest.param("YTrDvw--", None, id="base64url"),
        pytest.param("é", None, id="not ASCII"),
        pytest.param(base64.b64encode(b"test:123\xa3").decode(), None, id="Latin-1"),
        pytest.param(base64.b64encode(b"a:b\x00").decode(), None, id="a null"),
        pytest.param(base64.b64encode(b"a\n:b").decode(), None, id="a line break"),
        pytest.param(base64.b64encode(b"a:b\x7f").decode(), None, id="a delete"),
    ],
)
async def test_basic_credentials_are_read(credentials: str, read: Any, ask_as: AskAs) -> None:
    assert decode_basic(credentials) == read
    headers = {"Authorization": f"Basic {credentials}"}
    seen: list[Any] = []

    def verify(user: str, password: str) -> str:
        seen.append((user, password))
        return "somebody"

    response = await ask_as(basic_auth(verify), headers=headers)
    assert (response.status, seen) == ((200, [read]) if read else (401, []))


@given(st.text(), st.text())
def test_what_is_encoded_is_read_back_or_may_not_be_sent(user: str, password: str) -> None:
    read = decode_basic(base64.b64encode(f"{user}:{password}".encode()).decode())
    is_allowed = not any(ord(one) < 32 or ord(one) == 127 for one in user + password)
    whole = f"{user}:{password}"
    assert read == ((whole.split(":")[0], whole.partition(":")[2]) if is_allowed else None)


@given(st.text())
def test_whatever_is_sent_is_read_or_refused(credentials: str) -> None:
    read = decode_basic(credentials)
    assert read is None or ":" not in read[0]


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "bAsIc"])
async def test_the_scheme_is_read_in_any_case(scheme: str, ask_as: AskAs) -> None:
    response = await ask_as(basic_auth(USERS), headers=basic("colon", "a:b:c", scheme))
    assert response.status == 200


async def test_another_scheme_is_asked_for_a_password(ask_as: AskAs) -> None:
    response = await ask_as(basic_auth(USERS), headers=basic("colon", "a:b:c", "Bearer"))
    assert (response.status, response.headers["WWW-Authenticate"]) == (401, CHALLENGE)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([basic("test", "123£"), basic("test", "123£")], id="twice"),
        pytest.param([basic("test", "123£"), {"Authorization": "Bearer x"}], id="two schemes"),
        pytest.param([{"Authorization": "Basic " + "Y" * 8_000}], id="huge"),
    ],
)
async def test_several_fields_or_a_huge_one_are_400(fields: list[dict[str, str]], ask_as: AskAs) -> None:
    headers = [pair for field in fields for pair in field.items()]
    assert (await ask_as(basic_auth(USERS), headers=headers)).status == 400


async def check_async(user: str, password: str) -> Any:
    return ANSWERS[user]


def check_plain(user: str, password: str) -> Any:
    return ANSWERS[user]


ANSWERS: dict[str, Any] = {
    "true": True,
    "subject": "somebody",
    "identity": Identity("id", frozenset({"a"}), {"b": 1}),
    "none": None,
    "false": False,
}


@pytest.mark.parametrize("verify", [check_async, check_plain], ids=["async", "plain"])
@pytest.mark.parametrize(
    ("user", "told"),
    [
        ("true", {"subject": "true", "scopes": [], "claims": {}}),
        ("subject", {"subject": "somebody", "scopes": [], "claims": {}}),
        ("identity", {"subject": "id", "scopes": ["a"], "claims": {"b": 1}}),
        ("none", None),
        ("false", None),
    ],
)
async def test_what_verify_returns_says_who_it_is(verify: Any, user: str, told: Any, ask_as: AskAs) -> None:
    response = await ask_as(basic_auth(verify), headers=basic(user, "x"))
    assert (await response.json() if response.status == 200 else None) == told
    assert response.status == (200 if told else 401)


async def test_what_verify_returns_by_mistake_or_raises_lets_nobody_in(ask_as: AskAs) -> None:
    for verify in (lambda user, password: 1, lambda user, password: "", lambda user, password: 1 / 0):
        assert (await ask_as(basic_auth(verify), headers=basic("test", "x"))).status == 500


async def test_the_realm_is_quoted(ask_as: AskAs) -> None:
    response = await ask_as(basic_auth(USERS, realm=r'a "b" \c'))
    assert response.headers["WWW-Authenticate"] == r'Basic realm="a \"b\" \\c", charset="UTF-8"'


@pytest.mark.parametrize(
    ("verify", "options", "problem"),
    [
        pytest.param("secret", {}, r"verify is str; pass a function \(user, password\)", id="no callable"),
        pytest.param({}, {}, "no users", id="no users"),
        pytest.param({"a": ""}, {}, "user 'a' has no password", id="an empty password"),
        pytest.param({"a": None}, {}, "user 'a' has no password", id="no password"),
        pytest.param({"a": b"secret"}, {}, "user 'a' has no password", id="bytes"),
        pytest.param({1: "secret"}, {}, "user 1 has no password", id="no name"),
        pytest.param({"a:b": "secret"}, {}, "user 'a:b' can never log in", id="a colon in a name"),
        pytest.param({"a": "secret\n"}, {}, "user 'a' can never log in", id="a control character"),
        pytest.param({"a": "secret\udc80"}, {}, "user 'a' can never log in", id="no UTF-8"),
        pytest.param({"a": "secret"}, {"realm": "a\r\nb"}, "realm=", id="a line break in the realm"),
        pytest.param({"a": "secret"}, {"realm": "é"}, "realm=", id="a realm that is not ASCII"),
        pytest.param({"a": "secret"}, {"realm": None}, "realm=", id="no realm"),
    ],
)
def test_bad_configuration_is_refused_and_no_password_is_shown(verify: Any, options: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as raised:
        basic_auth(verify, **options)
    assert "secret" not in str(raised.value)


def test_links_behind_may_require_the_identity_and_the_name_tells_nothing() -> None:
    link = basic_auth(USERS)
    chain(link, needs_identity)
    assert provided_by(link) == (IDENTITY,)
    assert name_link(link) == "basic_auth"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="none"),
        pytest.param(basic("test", "123£"), 200, id="Basic"),
        pytest.param({"Authorization": "Bearer good"}, 200, id="Bearer"),
        pytest.param({"Authorization": "Bearer bad"}, 401, id="a wrong token"),
        pytest.param({"Authorization": "Bearer b ad"}, 400, id="no token"),
    ],
)
async def test_either_scheme_is_a_way_in(headers: Any, status: int, ask_as: AskAs) -> None:
    link = any_of(basic_auth(USERS), bearer_auth({"good": "somebody"}.get))
    response = await ask_as(link, headers=headers)
    assert response.status == status
    if status == 401:
        first, second = response.headers.getall("WWW-Authenticate")
        assert first == CHALLENGE
        assert second == 'Bearer realm="protected"' + (', error="invalid_token"' if headers else "")


async def test_verify_is_asked_about_an_empty_password_and_a_mapping_never_takes_one(ask_as: AskAs) -> None:
    """A client may send a key in place of the name; a directory takes such a name for a visitor."""

    def check_key(user: str, password: str) -> str | None:
        return "somebody" if (user, password) == ("key", "") else None

    assert (await ask_as(basic_auth(check_key), headers=basic("key", ""))).status == 200
    assert (await ask_as(basic_auth(USERS), headers=basic("test", ""))).status == 401


async def test_a_refusal_by_an_exception_of_verify_is_that_refusal(ask_as: AskAs) -> None:
    def verify(user: str, password: str) -> None:
        raise web.HTTPTooManyRequests

    assert (await ask_as(basic_auth(verify), headers=basic("a", "b"))).status == 429
