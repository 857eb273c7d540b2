"""Paths are rewritten on purpose, and nothing that is inserted leads out of them."""

import re
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.proxy.message.path_rewriting import (
    add_prefix,
    join_rewrites,
    quote_segment,
    replace_path,
    replace_prefix,
    strip_prefix,
)
from aiohttp_route_middleware.proxy.message.paths import find_fault


@pytest.mark.parametrize(
    ("prefix", "sent", "left"),
    [
        ("/api", "/api", "/"),
        ("/api", "/api/", "/"),
        ("/api", "/api?x", "/?x"),
        ("/api", "/api?", "/?"),
        ("/api", "/api/posts?page=2", "/posts?page=2"),
        ("/api", "/api//x", "//x"),
        ("/api", "/api/api/x", "/api/x"),
        ("/api", "/%61pi/x", "/x"),
        ("/api", "/%61%70%69%2Fx", "/%61%70%69%2Fx"),
        ("/api", "/api%2Fx", "/api%2Fx"),
        ("/api", "/apix", "/apix"),
        ("/api", "/API/x", "/API/x"),
        ("/api", "/api;v=1/x", "/api;v=1/x"),
        ("/api", "//api/x", "//api/x"),
        ("/api", "/x?/api/", "/x?/api/"),
        ("/api/v1", "/api/v1/%2F?a&a", "/%2F?a&a"),
        ("/api/v1", "/api/v1.0", "/api/v1.0"),
        ("/a.b", "/axb/x", "/axb/x"),
        ("/J", "/%4a/x", "/x"),
        ("/J", "/%6a/x", "/%6a/x"),
        ("/b\u00fccher", "/b%c3%BCcher/x", "/x"),
        ("/a b", "/a%20b/x", "/x"),
        ("/a|b", "/a|b/x", "/x"),
        ("/a|b", "/a%7Cb/x", "/x"),
    ],
)
def test_a_prefix_is_stripped_where_a_segment_ends(prefix: str, sent: str, left: str) -> None:
    assert strip_prefix(prefix)(sent) == left


@pytest.mark.parametrize("sent", ["/", "/x?y", "//x", "/%2F", "/?"])
def test_a_prefix_is_put_before_the_path(sent: str) -> None:
    assert add_prefix("/v1")(sent) == f"/v1{sent}"


NO_PREFIXES = ["", "/", "api", "/api/", "/a?b", "/a#b", "/a/../b", "/a\n", None, 5]


@pytest.mark.parametrize("prefix", [*NO_PREFIXES, "/a%20b", "/a%"])
def test_a_prefix_that_could_not_be_stripped_is_refused(prefix: Any) -> None:
    cure = r'; begin it with a slash and end it without one, as in "/api", and do not percent-encode it'
    with pytest.raises(ConfigurationError, match=rf"^strip_prefix\(\): prefix=.*{cure}$"):
        strip_prefix(prefix)


@pytest.mark.parametrize("prefix", [*NO_PREFIXES, "/\u00e9", "/a%", "/a b"])
def test_a_prefix_that_could_not_be_sent_is_refused(prefix: Any) -> None:
    with pytest.raises(ConfigurationError, match=r'^add_prefix\(\): prefix=.* as in "/api"$'):
        add_prefix(prefix)


@pytest.mark.parametrize(
    ("sent", "replaced"),
    [
        ("/a", "/b"),
        ("/a?x", "/b?x"),
        ("/a/?x", "/b/?x"),
        ("/a/c%2Fd?a&a", "/b/c%2Fd?a&a"),
        ("/%61/x", "/b/x"),
        ("/apple", "/apple"),
        ("/x/a", "/x/a"),
        ("/x?/a", "/x?/a"),
    ],
)
def test_a_prefix_is_replaced_where_a_segment_ends_and_no_slash_is_added(sent: str, replaced: str) -> None:
    assert replace_prefix("/a", "/b")(sent) == replaced


@pytest.mark.parametrize("prefix", NO_PREFIXES)
def test_a_prefix_that_could_not_be_replaced_or_sent_is_refused(prefix: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^replace_prefix\(\): prefix="):
        replace_prefix(prefix, "/b")
    with pytest.raises(ConfigurationError, match=r"^replace_prefix\(\): replacement="):
        replace_prefix("/a", prefix)


@pytest.mark.parametrize(
    ("pattern", "replacement", "sent", "replaced"),
    [
        (r"^/users/(\d+)", r"/accounts/\1", "/users/7/x?/users/8", "/accounts/7/x?/users/8"),
        (r"^/users/(?P<id>\d+)$", r"/accounts/\g<id>", "/users/7?", "/accounts/7?"),
        (r"-", "_", "/a-b-c?d-e", "/a_b_c?d-e"),
        (r"^/x$", "/y", "/z?x", "/z?x"),
        (re.compile("^/X", re.IGNORECASE), "/y", "/x/x", "/y/x"),
        (re.compile("^/x  # a comment", re.VERBOSE), "/y", "/x?q=1", "/y?q=1"),
        ("(?i)^/X", "/y", "/x", "/y"),
        (r"^/(a)?b", r"/c\1", "/b", "/c"),
    ],
)
def test_what_an_expression_finds_in_the_path_is_replaced(
    pattern: str, replacement: str, sent: str, replaced: str
) -> None:
    assert replace_path(pattern, replacement)(sent) == replaced


@pytest.mark.parametrize(
    ("pattern", "replacement", "problem"),
    [
        ("(", "", "pattern='\\('; write an expression of re: "),
        ("", "", "pattern=''"),
        (None, "", "pattern=None"),
        (re.compile(b"/x"), "", "pattern="),
        ("/x", None, "replacement=None; pass a text"),
        ("/(x)", r"\2", "name groups that the pattern has"),
        ("/(x)", r"\g<y>", "name groups that the pattern has"),
        (re.compile("/x # (", re.VERBOSE), r"\1", "name groups that the pattern has"),
    ],
)
def test_a_malformed_expression_or_replacement_is_refused(pattern: Any, replacement: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^replace_path\(\): .*{problem}"):
        replace_path(pattern, replacement)


def test_rewritings_are_applied_in_order() -> None:
    rewrite = join_rewrites("proxy()", [strip_prefix("/api"), add_prefix("/v1"), replace_path("posts", "articles")])
    assert rewrite("/api/posts?posts&%2F") == "/v1/articles?posts&%2F"


def test_what_no_rewriting_matches_is_kept() -> None:
    rewrite = join_rewrites("proxy()", [strip_prefix("/api"), replace_path("^/x$", "/y")])
    assert rewrite("/apix//%2F?") == "/apix//%2F?"


def test_no_rewriting_is_asked_about_the_server_as_a_whole() -> None:
    assert join_rewrites("proxy()", [add_prefix("/v1")])("*") == "*"


def insert(value: str) -> Any:
    def insert_shop(path_and_query: str) -> str:
        return f"/shops/{value}{path_and_query}"

    return insert_shop


@pytest.mark.parametrize(
    "value", ["../x", "..", "%2e%2e", "..%2f", "x\r\nHost:evil", "a b", "\u00e9", "a#b", "%00", "%zz"]
)
def test_what_leads_out_of_a_path_is_an_error_that_names_the_function_and_not_the_value(value: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^proxy\(\): what .*insert_shop \(.*test_path_rewriting.py:\d+\) returned has a"
    ) as refused:
        join_rewrites("proxy()", [strip_prefix("/api"), insert(value)])("/api/x")
    assert "/shops" not in str(refused.value)
    assert "quote_segment()" in str(refused.value)


@pytest.mark.parametrize(("returned", "shown"), [(None, "NoneType"), (b"/x", "bytes"), (["/secret"], "list")])
def test_what_is_no_text_is_an_error(returned: Any, shown: str) -> None:
    def rewrite_shop_path(path_and_query: str) -> Any:
        return returned

    with pytest.raises(
        ConfigurationError, match=rf"rewrite_shop_path \(.*:\d+\) returned {shown}; return path and query"
    ):
        join_rewrites("proxy()", [rewrite_shop_path])("/x")


@pytest.mark.parametrize("returned", ["", "x", "*", "http://evil/x", "?x"])
def test_what_is_no_path_is_an_error(returned: str) -> None:
    with pytest.raises(ConfigurationError, match="returned does not begin with a slash"):
        join_rewrites("proxy()", [lambda _: returned])("/x")


def test_what_else_is_wrong_is_an_error_also_beside_dot_segments_that_were_allowed() -> None:
    with pytest.raises(ConfigurationError, match="returned has a malformed percent code"):
        join_rewrites("proxy()", [insert("%zz")])("/a/../b")


def test_dot_segments_that_a_client_was_allowed_may_stay() -> None:
    assert join_rewrites("proxy()", [add_prefix("/v1")])("/a/../b") == "/v1/a/../b"


def test_what_is_no_function_is_refused() -> None:
    no_function: Any = "/api"
    with pytest.raises(ConfigurationError, match=r"^proxy\(\): a rewriting is .*pass a function \(path_and_query\)"):
        join_rewrites("proxy()", [no_function])


@pytest.mark.parametrize(
    ("value", "segment"),
    [
        ("7", "7"),
        ("a/b?c", "a%2Fb%3Fc"),
        ("a b+c&d=e#f;g", "a%20b%2Bc%26d%3De%23f%3Bg"),
        ("\u00e9", "%C3%A9"),
        ("%2e%2e", "%252e%252e"),
        ("...", "..."),
        ("a\r\nb", "a%0D%0Ab"),
        (".hidden", ".hidden"),
    ],
)
def test_a_value_is_written_as_one_segment(value: str, segment: str) -> None:
    assert quote_segment(value) == segment


@pytest.mark.parametrize(
    "value", ["", ".", "..", "../x", "a/..", "a/../b", "..\\x", "..;x", "\x00", "a\x00", "\udcff"]
)
def test_a_value_that_leads_out_of_a_segment_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"segment|surrogates"):
        quote_segment(value)


@given(st.text())
def test_a_quoted_value_is_one_segment_that_decodes_to_it(value: str) -> None:
    try:
        segment = quote_segment(value)
    except ValueError:
        return
    assert unquote(segment) == value
    assert not set(segment) & set("/?#;\\")
    assert not find_fault(f"/x/{segment}/y?{segment}")


SENT = st.text(st.sampled_from("/ap%61i?x;."), max_size=12).map(lambda text: f"/{text}")


@given(SENT)
def test_stripping_keeps_all_bytes_after_the_prefix(sent: str) -> None:
    left = strip_prefix("/ap")(sent)
    assert left.startswith("/")
    assert sent.endswith(left.removeprefix("/"))


@given(st.text(min_size=1))
def test_each_prefix_that_is_allowed_is_found_encoded(text: str) -> None:
    try:
        strip = strip_prefix(f"/{text}")
    except ConfigurationError:
        return
    assert strip(f"/{quote(text)}/x?y") == "/x?y"


@given(SENT)
def test_added_and_stripped_is_what_was_sent(sent: str) -> None:
    assert strip_prefix("/v1")(add_prefix("/v1")(sent)) == sent
