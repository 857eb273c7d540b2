"""An API key: looked for in one place, refused if it is there twice, and with a challenge like any other."""

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.api_key import api_key
from aiohttp_route_middleware.support.access.identity import Identity

from .identities import SCOPES, AskAs, ask_as, needs_identity

__all__ = ("ask_as",)

KNOWN: dict[str, Any] = {"good": "somebody", "true": True, "identity": Identity("id", frozenset({"a"})), "no": False}
PLACES: dict[str, dict[str, str]] = {
    "header": {"header": "X-API-Key"},
    "query": {"query": "api_key"},
    "cookie": {"cookie": "key"},
}


async def check_async(key: str) -> Any:
    return KNOWN.get(key)


def send(place: str, *keys: str) -> dict[str, Any]:
    """The options of a request that carries keys in a place."""
    if place == "query":
        return {"path": "/?" + "&".join(f"api_key={quote(key)}" for key in keys)}
    if place == "header":
        return {"headers": CIMultiDict([("x-api-key", key) for key in keys])}
    return {"headers": {"Cookie": "; ".join(["other=1", *(f"key={key}" for key in keys)])}}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("place", PLACES)
async def test_a_valid_key_is_let_in_and_others_are_not(place: str, scope: str, ask_as: AskAs) -> None:
    link = api_key(check_async, **PLACES[place])
    response = await ask_as(link, scope=scope, **send(place, "good"))
    assert (await response.json())["subject"] == "somebody"
    [name] = PLACES[place].values()
    for keys in ([], ["wrong"], ["no"], [""]):
        response = await ask_as(link, scope=scope, **send(place, *keys))
        assert response.status == 401
        assert response.headers.getall("WWW-Authenticate") == [
            f'ApiKey realm="protected", in="{place}", name="{name}"'
        ]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("keys", [["good", "good"], ["good", "wrong"], ["wrong", "good"]], ids=" ".join)
async def test_a_key_that_is_sent_twice_is_400(keys: list[str], place: str, ask_as: AskAs) -> None:
    response = await ask_as(api_key(check_async, **PLACES[place]), **send(place, *keys))
    assert response.status == 400
    assert "good" not in await response.text()


@pytest.mark.parametrize("place", PLACES)
async def test_a_key_in_another_place_is_not_taken(place: str, ask_as: AskAs) -> None:
    for other in PLACES:
        response = await ask_as(api_key(check_async, **PLACES[place]), **send(other, "good"))
        assert response.status == (200 if other == place else 401)


async def test_a_cookie_of_several_cookie_fields_counts(ask_as: AskAs) -> None:
    link = api_key(check_async, cookie="key")
    twice = CIMultiDict([("Cookie", "key=good"), ("Cookie", "key=good")])
    assert (await ask_as(link, headers=twice)).status == 400
    once = CIMultiDict([("Cookie", "key=good"), ("Cookie", "another=good")])
    assert (await ask_as(link, headers=once)).status == 200


async def test_a_cookie_within_a_quoted_cookie_is_not_taken(ask_as: AskAs) -> None:
    response = await ask_as(api_key(check_async, cookie="key"), headers={"Cookie": 'a="x; key=good"'})
    assert response.status == 401


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("a" * 4_097, id="too long"),
        pytest.param("é", id="not ASCII"),
        pytest.param("good\x00", id="a null"),
        pytest.param("good\n", id="a line break"),
    ],
)
async def test_what_cannot_be_a_key_is_refused_before_verify_sees_it(key: str, ask_as: AskAs) -> None:
    seen: list[str] = []
    assert (await ask_as(api_key(seen.append, query="api_key"), **send("query", key))).status == 401
    assert seen == []


async def test_the_longest_key_is_verified(ask_as: AskAs) -> None:
    response = await ask_as(api_key(lambda key: key == "a" * 4_096, header="X-API-Key"), **send("header", "a" * 4_096))
    assert response.status == 200


@pytest.mark.parametrize("verify", [check_async, KNOWN.get], ids=["async", "plain"])
@pytest.mark.parametrize(("key", "subject"), [("true", "api_key"), ("good", "somebody"), ("identity", "id")])
async def test_what_verify_returns_says_who_it_is_and_a_key_is_never_a_subject(
    key: str, subject: str, verify: Any, ask_as: AskAs
) -> None:
    response = await ask_as(api_key(verify, header="X-API-Key"), **send("header", key))
    assert (await response.json())["subject"] == subject


async def test_what_verify_returns_by_mistake_or_raises_lets_nobody_in(ask_as: AskAs) -> None:
    for verify in (lambda key: 1, lambda key: "", lambda key: 1 / 0):
        assert (await ask_as(api_key(verify, header="X-API-Key"), **send("header", "good"))).status == 500


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(key=st.text(st.characters(codec="utf-8"), max_size=20))
async def test_whatever_a_query_holds_is_answered(key: str, ask_as: AskAs) -> None:
    response = await ask_as(api_key(check_async, query="api_key"), **send("query", key))
    assert response.status == (200 if KNOWN.get(key) else 401)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({}, "0 places", id="no place"),
        pytest.param({"header": "X-Key", "query": "key"}, "2 places", id="two places"),
        pytest.param({"header": "X-Key", "query": "key", "cookie": "key"}, "3 places", id="three places"),
        pytest.param({"header": ""}, "header=''", id="an empty name"),
        pytest.param({"header": "X Key"}, "header='X Key'", id="no name of a header"),
        pytest.param({"cookie": "a=b"}, "cookie='a=b'", id="no name of a cookie"),
        pytest.param({"query": "k\n"}, "query=", id="a line break"),
        pytest.param({"query": 1}, "query=1", id="no text"),
        pytest.param({"header": "authorization"}, r"bearer_auth\(\)", id="a header of its own battery"),
        pytest.param({"header": "Cookie"}, "cookie=", id="the header of cookies"),
        pytest.param({"header": "X-Key", "realm": "a\nb"}, "realm=", id="a line break in the realm"),
    ],
)
def test_bad_configuration_is_refused(options: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"api_key\(\): .*{problem}"):
        api_key(check_async, **options)


def test_what_cannot_be_called_is_refused_and_not_shown() -> None:
    secret: Any = "a secret"
    with pytest.raises(ConfigurationError, match=r"verify is str; pass a function \(key\)") as raised:
        api_key(secret, header="X-API-Key")
    assert secret not in str(raised.value)


def test_links_behind_may_require_the_identity() -> None:
    chain(api_key(check_async, header="X-API-Key"), needs_identity)


@pytest.mark.parametrize(
    ("cookie", "status"),
    [
        pytest.param("x=1 key=good", 401, id="a blank in another cookie"),
        pytest.param("x=1, key=good", 401, id="a comma in another cookie"),
        pytest.param("\u2000key=good", 401, id="another blank before it"),
        pytest.param("key=bad; x=1 key=good", 401, id="beside a wrong one"),
        pytest.param("key=good; x=1 key=bad", 200, id="beside a right one"),
        pytest.param('\tkey="good" ', 200, id="quoted, between blanks"),
        pytest.param('key="good', 401, id="quoted on one side"),
        pytest.param("key; key=good", 200, id="beside a cookie without a value"),
    ],
)
async def test_no_other_cookie_can_bring_a_key(cookie: str, status: int, ask_as: AskAs) -> None:
    response = await ask_as(api_key(check_async, cookie="key"), headers={"Cookie": cookie})
    assert response.status == status
