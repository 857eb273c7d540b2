"""Credentials in queries, headers and addresses are masked, however they are written; all else stays as it was."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.telemetry import masking
from aiohttp_route_middleware.support.telemetry.masking import (
    SECRET_HEADERS,
    SECRET_PARAMETERS,
    SecretNames,
    mask_header,
    mask_query,
    mask_text,
)

PARAMETERS = SecretNames("test()", "secret_parameters", SECRET_PARAMETERS)
NAMES = SecretNames("test()", "secret_headers", SECRET_HEADERS)

QUERIES = [
    ("", ""),
    ("a=1&b=2", "a=1&b=2"),
    ("token=hunter2", "token=***"),
    ("a=1&Token=hunter2&b", "a=1&Token=***&b"),
    ("t%6Fken=hunter2", "t%6Fken=***"),
    ("t%256Fken=hunter2", "t%256Fken=***"),
    ("token+=hunter2", "token+=***"),
    ("token", "token"),
    ("token=", "token=***"),
    ("token=a=b", "token=***"),
    ('token=a,b;c"d e', "token=***"),
    ("tokens=hunter2&apiKeys=hunter2&codes[]=hunter2", "tokens=***&apiKeys=***&codes[]=***"),
    ("tokenValue=hunter2&apiKey.value=hunter2", "tokenValue=***&apiKey.value=***"),
    ("TOKEN_VALUES=hunter2&key_str=hunter2&pinText=hunter2", "TOKEN_VALUES=***&key_str=***&pinText=***"),
    ("tokenvalue=hunter2&passwordString=hunter2", "tokenvalue=***&passwordString=***"),
    ("tokensType=1&value=2&text=3&s=4&status=5&address=6", "tokensType=1&value=2&text=3&s=4&status=5&address=6"),
    ("api-key=hunter2", "api-key=***"),
    ("apiKey=hunter2", "apiKey=***"),
    ("user[api.key][]=hunter2", "user[api.key][]=***"),
    ("jwt=hunter2", "jwt=***"),
    ("session_id=hunter2", "session_id=***"),
    ("PHPSESSID=hunter2", "PHPSESSID=***"),
    ("csrftoken=hunter2", "csrftoken=***"),
    ("password2=hunter2", "password2=***"),
    ("X-Amz-Signature=hunter2&X-Amz-Expires=9", "X-Amz-Signature=***&X-Amz-Expires=9"),
    ("X-Amz-Credential=hunter2&X-Amz-Security-Token=hunter2", "X-Amz-Credential=***&X-Amz-Security-Token=***"),
    ("X-Goog-Signature=hunter2", "X-Goog-Signature=***"),
    ("sv=2024&sig=hunter2", "sv=2024&sig=***"),
    ("code=hunter2&state=hunter2", "code=***&state=***"),
    ("a=1;token=hunter2", "a=1;token=***"),
    ("next=/?token=hunter2&page=2", "next=/?token=***&page=2"),
    ("next=https%3A%2F%2Fa%2F%3Fcode%3Dhunter2&page=2", "next=***&page=2"),
    ("next=%252F%253Ftoken%253Dhunter2", "next=***"),
    ("next=%2Fposts%2F7", "next=%2Fposts%2F7"),
    ("filter=%7B%22token%22%3A%22hunter2%22%7D", "filter=***"),
    ("a%3Dtoken%3Dhunter2", "***"),
    ("a%3dtoken%3dhunter2=1", "***"),
    ("next=%2525252525252541", "next=***"),
    ("sigma=1&keyboard=2&monkey=3&discode=4", "sigma=1&keyboard=2&monkey=3&discode=4"),
    ("=&&=1", "=&&=1"),
]
HEADERS = [
    ("User-Agent", "Mozilla/5.0 (X11; rv:1) a/1", "Mozilla/5.0 (X11; rv:1) a/1"),
    ("Authorization", "Bearer hunter2", "Bearer ***"),
    ("authorization", "hunter2", "***"),
    ("Authorization", "hunter2 hunter2", "***"),
    ("Authorization", "Bearer", "***"),
    ("Authorization", "AWS4-HMAC-SHA256 Credential=hunter2", "AWS4-HMAC-SHA256 ***"),
    ("Proxy-Authorization", "Basic aHVudGVyMg==", "Basic ***"),
    ("X-Forwarded-Authorization", "Digest a=hunter2", "Digest ***"),
    ("Cookie", "a=hunter2; b=1", "***"),
    ("X-API-Key", "hunter2 hunter2", "***"),
    ("X-API-Key", "Bearer hunter2", "***"),
    ("api-key", "hunter2", "***"),
    ("X_API_KEY", "hunter2", "***"),
    ("X-XSRF-Token", "hunter2", "***"),
    ("X-CSRFToken", "hunter2", "***"),
    ("X-Hub-Signature-256", "hunter2", "***"),
    ("Cf-Access-Jwt-Assertion", "hunter2", "***"),
    ("DPoP", "hunter2", "***"),
    ("Sec-WebSocket-Protocol", "bearer, hunter2", "***"),
    ("Referer", "https://a/b?token=hunter2&c=1", "https://a/b?token=***&c=1"),
    ("Referer", "https://a/#access_token=hunter2&c=1", "https://a/#access_token=***&c=1"),
    ("Referer", "https://me:hunter2@a/b", "https://***@a/b"),
    ("Referer", "https://a/?next=%3Ftoken%3Dhunter2", "https://a/?next=***"),
    ("X-Note", "page=1, token=hunter2,hunter2; b=2", "page=1, token=*** b=2"),
    ("X-Note", 'token="hunter2 hunter2", b=2', "token=***"),
    ("X-Note", '{"a": 1, "token": "hunter2"}', '{"a": 1, "token":***'),
    ("X-Note", "token = hunter2", "token =***"),
    ("X-Note", "sent by bearer hunter2", "sent by bearer ***"),
]


@pytest.mark.parametrize(("query", "masked"), QUERIES)
def test_values_of_secret_parameters_are_masked(query: str, masked: str) -> None:
    assert mask_query(query, PARAMETERS) == masked


@pytest.mark.parametrize(("name", "value", "masked"), HEADERS)
def test_values_of_secret_headers_and_secrets_within_others_are_masked(name: str, value: str, masked: str) -> None:
    assert mask_header(name, value, NAMES, PARAMETERS) == masked


def test_names_of_ones_own_are_compared_by_their_words_as_well() -> None:
    names = SecretNames("test()", "secret_parameters", ["Tax_Id", "card_value", "--"])
    assert mask_query("cardValue=1&value=2&card=3&taxIds=4", names) == "cardValue=***&value=2&card=3&taxIds=***"
    assert mask_query("userTaxId=1&tax-id=2&id=3&token=4&=5", names) == "userTaxId=***&tax-id=***&id=3&token=4&=5"


@pytest.mark.parametrize("names", ["token", {"token": 1}, [""], [1], None])
def test_what_is_no_list_of_names_is_refused(names: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^test\(\): secret_headers="):
        SecretNames("test()", "secret_headers", names)


def change_case(name: str) -> st.SearchStrategy[str]:
    flags = st.lists(st.booleans(), min_size=len(name), max_size=len(name))
    return flags.map(lambda upper: "".join(one.upper() if up else one for one, up in zip(name, upper, strict=True)))


def join_words(names: frozenset[str]) -> st.SearchStrategy[str]:
    """Names as others write them: `X-Api-Key`, `user[api.key]`, `API_KEY`."""
    joined = st.tuples(st.sampled_from(sorted(names)), st.sampled_from("-_.")).map(
        lambda one: one[0].replace("_", one[1])
    )
    before, after = st.sampled_from(["", "x-", "user_", "a.", "my["]), st.sampled_from(["", "]", "[]", "[0]", "2"])
    return st.tuples(
        before, joined.flatmap(lambda name: st.sampled_from([name, name.upper(), name.title()])), after
    ).map("".join)


SECRETS = st.from_regex(r"[G-Zg-z0-9_.,;=~-]{0,4}hunter2[\w.,;~-]{0,4}", fullmatch=True)
WRAPPINGS: list[Callable[[str], str]] = [
    lambda query: query,
    lambda query: f"page=2&{query}&c=3",
    lambda query: f"next={quote('/?' + query, safe='')}",
    lambda query: f"next={quote(quote('https://a/b?c=1&' + query, safe=''), safe='')}&d=4",
    lambda query: f"page=1;{query}",
]


@given(join_words(SECRET_PARAMETERS), SECRETS, st.sampled_from(WRAPPINGS))
def test_no_value_of_a_secret_parameter_is_left(name: str, secret: str, wrap: Callable[[str], str]) -> None:
    query = wrap(f"{name}={secret}")
    assert "hunter2" not in mask_query(query, PARAMETERS)
    assert "hunter2" not in mask_header("Referer", f"https://a/b?{query}", NAMES, PARAMETERS)
    assert "hunter2" not in mask_text(f"/b;{query}", PARAMETERS)


BEHIND = st.sampled_from(["s", "_value", "-values", "Value", "s.text", "_str", "[string]", "_value_str"])


@given(st.sampled_from(sorted(SECRET_PARAMETERS)), BEHIND, SECRETS)
def test_no_plural_or_value_of_a_secret_shows_it(name: str, behind: str, secret: str) -> None:
    assert "hunter2" not in mask_query(f"{name}{behind}={secret}", PARAMETERS)


@given(st.sampled_from(sorted(SECRET_PARAMETERS)).flatmap(change_case), SECRETS)
def test_no_case_of_a_name_shows_its_value(name: str, secret: str) -> None:
    assert "hunter2" not in mask_query(f"{name}={secret}", PARAMETERS)


@given(join_words(SECRET_HEADERS), st.text())
def test_no_value_of_a_secret_header_is_left(name: str, text: str) -> None:
    assert "hunter2" not in mask_header(name, f"hunter2{text}", NAMES, PARAMETERS)
    assert "hunter2" not in mask_header(name, f"hunter2 {text}", NAMES, PARAMETERS)


@given(st.text(alphabet='ba\u017fsic BEARer=:@%"&;#/?\n2') | st.text())
def test_a_text_is_left_at_once_only_if_there_is_nothing_to_mask(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(masking, "_MAY_HIDE", re.compile(""))
        expected = mask_text(text, PARAMETERS)
    assert mask_text(text, PARAMETERS) == expected


def test_a_name_is_judged_alike_each_time_and_few_are_remembered() -> None:
    names = SecretNames("test()", "secret_parameters", ["token"])
    for _ in range(2):
        for number in range(1000):
            assert f"{number}_token" in names
            assert f"token_{number}_x" not in names
    assert f"{'x' * 10_000}_token" in names
    remembered: Any = names._remembered  # there is no other door
    assert remembered.cache_info().currsize == remembered.cache_info().maxsize < 1000


@given(st.text(), st.text())
def test_whatever_is_sent_is_read(name: str, text: str) -> None:
    mask_query(text, PARAMETERS)
    mask_header(name, text, NAMES, PARAMETERS)


@pytest.mark.parametrize(
    "text",
    [
        "a=" * 9000,
        " " * 9000 + "=",
        "//" * 9000,
        "%25" * 9000,
        "aB" * 9000 + "=",
        '"' * 9000,
        "s" * 9000 + "=",
        "Values" * 3000 + "=",
    ],
)
def test_what_is_long_is_read(text: str) -> None:
    """Each of these would keep a search busy that goes back and forth."""
    assert mask_query(text, PARAMETERS)
    assert mask_text(text, PARAMETERS)
