"""What points to a target in a response points to the proxy instead, and nothing else is touched."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from yarl import URL

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.proxy.message.locations import map_prefix, rewrite_locations

PUBLIC = "https://shop.example"
TARGET = URL("http://localhost:8001")


def rewrite(value: str, target: str = "http://localhost:8001", public: str = PUBLIC, **options: Any) -> str:
    return rewrite_locations(**options).rewrite(value, target=URL(target), public=public)


@pytest.mark.parametrize(
    ("value", "target", "rewritten"),
    [
        ("http://localhost:8001/x?y#z", "http://localhost:8001", "https://shop.example/x?y#z"),
        ("http://localhost:8001", "http://localhost:8001", "https://shop.example/"),
        ("http://localhost:8001?y", "http://localhost:8001", "https://shop.example/?y"),
        ("http://localhost:8001#z", "http://localhost:8001", "https://shop.example/#z"),
        ("http://localhost:8001//x/%2F?a&a&", "http://localhost:8001", "https://shop.example//x/%2F?a&a&"),
        ("HTTP://LocalHost:8001/X", "http://localhost:8001", "https://shop.example/X"),
        ("http://localhost:08001/x", "http://localhost:8001", "https://shop.example/x"),
        ("http://localhost/x", "http://localhost", "https://shop.example/x"),
        ("http://localhost:80/x", "http://localhost", "https://shop.example/x"),
        ("http://localhost:/x", "http://localhost:80", "https://shop.example/x"),
        ("https://localhost/x", "https://localhost:443", "https://shop.example/x"),
        ("http://[0::1]:8001/x", "http://[::1]:8001", "https://shop.example/x"),
        ("//localhost:8001/x", "http://localhost:8001", "https://shop.example/x"),
        ("//localhost/x", "https://localhost", "https://shop.example/x"),
        ("http://localhost:8001/base/x", "http://localhost:8001/base", "https://shop.example/x"),
        ("http://localhost:8001/base/x", "http://localhost:8001/base/", "https://shop.example/x"),
        ("http://localhost:8001/base?y", "http://localhost:8001/base", "https://shop.example/?y"),
        ("http://localhost:8001/\u00e9 x", "http://localhost:8001", "https://shop.example/\u00e9 x"),
    ],
)
def test_what_points_to_the_target_points_to_where_the_client_has_asked(
    value: str, target: str, rewritten: str
) -> None:
    assert rewrite(value, target) == rewritten


UNTOUCHED = [
    "",
    "x",
    "../x",
    "?x",
    "#x",
    "/x",
    "/",
    "http://localhost/x",
    "http://localhost:8002/x",
    "https://localhost:8001/x",
    "http://localhost.evil:8001/x",
    "http://localhost:8001.evil/x",
    "http://localhost:8001@evil/x",
    "http://user@localhost:8001/x",
    "http://evil/http://localhost:8001/x",
    "//evil/x",
    "///localhost:8001/x",
    "http:/localhost:8001/x",
    "http:\\\\localhost:8001\\x",
    "http://localhost:8001\\x",
    "http://localhost:99999/x",
    "http://[::1/x",
    "http://local host:8001/x",
    "mailto:x@localhost",
    " http://localhost:8001/x",
    "http//localhost:8001/x",
    "://localhost:8001/x",
    "1://localhost:8001/x",
    f"http://{'x' * 600}/x",
]


@pytest.mark.parametrize("value", UNTOUCHED)
def test_other_hosts_relative_references_and_what_is_malformed_stay_as_they_are(value: str) -> None:
    assert rewrite(value) == value


@pytest.mark.parametrize("value", ["http://user@evil/x", "http://[fe80::1%25eth0]:8001/x", "http://e vil/x"])
def test_nothing_points_to_a_target_whose_host_no_client_could_name(value: str) -> None:
    assert rewrite(value, "http://[fe80::1%25eth0]:8001") == value


@pytest.mark.parametrize("path", ["/other", "/basement/x", "", "/"])
def test_what_is_not_below_the_base_path_of_the_target_stays_as_it_is(path: str) -> None:
    value = f"http://localhost:8001{path}"
    assert rewrite(value, "http://localhost:8001/base") == value


@pytest.mark.parametrize(
    ("prefixes", "path", "mapped"),
    [
        ({"/": "/api"}, "/x", "/api/x"),
        ({"/": "/api"}, "/", "/api/"),
        ({"/": "/api"}, "", "/api/"),
        ({"/v1": "/"}, "/v1/x?y", "/x?y"),
        ({"/v1": "/"}, "/v1", "/"),
        ({"/v1": "/api"}, "/v1//x", "/api//x"),
        ({"/": "/all", "/v1": "/one", "/v1/a": "/two"}, "/v1/a/x", "/two/x"),
        ({"/": "/all", "/v1": "/one", "/v1/a": "/two"}, "/v1/ab", "/one/ab"),
        ({"/": "/all", "/v1": "/one", "/v1/a": "/two"}, "/v10", "/all/v10"),
    ],
)
def test_a_path_is_mapped_back_where_a_segment_ends_by_the_longest_prefix(
    prefixes: dict[str, str], path: str, mapped: str
) -> None:
    assert rewrite(f"http://localhost:8001{path}", prefixes=prefixes) == f"{PUBLIC}{mapped}"


def test_a_path_that_the_proxy_does_not_serve_stays_as_it_is() -> None:
    assert rewrite("http://localhost:8001/v2/x", prefixes={"/v1": "/api"}) == "http://localhost:8001/v2/x"


def test_the_base_path_is_taken_off_before_a_prefix_is_mapped() -> None:
    value = "http://localhost:8001/base/v1/x"
    assert rewrite(value, "http://localhost:8001/base", prefixes={"/v1": "/api"}) == f"{PUBLIC}/api/x"


def test_a_public_origin_of_the_option_counts_and_not_what_the_client_says() -> None:
    rewriting = rewrite_locations(public="HTTPS://shop.example:443")
    assert rewriting.rewrite("http://localhost:8001/x", target=TARGET, public="https://evil") == f"{PUBLIC}/x"


@pytest.mark.parametrize("public", ["", "https://", "https://e vil", "https://a@b", "https://a/b", "https://a\r\nb"])
@pytest.mark.parametrize(
    ("value", "rewritten"),
    [("/x?y", "/x?y"), ("//evil/x", "/.//evil/x"), ("/\\evil", "/./\\evil"), ("/\t/evil", "/./\t/evil")],
)
def test_a_malformed_host_of_the_client_is_not_repeated_and_no_path_becomes_a_host(
    public: str, value: str, rewritten: str
) -> None:
    assert rewrite(f"http://localhost:8001{value}", public=public) == rewritten


@pytest.mark.parametrize(
    ("value", "mapped"),
    [
        ("/v1/login?next=/", "/login?next=/"),
        ("/v1", "/"),
        ("/v1//evil", "/.//evil"),
        ("/v1/\\evil", "/./\\evil"),
        ("/login", "/login"),
        ("//evil/v1", "//evil/v1"),
        ("/\\evil", "/\\evil"),
        ("/v1/\t/evil", "/v1/\t/evil"),
        ("v1/x", "v1/x"),
        ("", ""),
    ],
)
def test_a_path_alone_is_mapped_if_there_are_prefixes_unless_that_is_forbidden(value: str, mapped: str) -> None:
    assert rewrite(value, prefixes={"/v1": "/"}) == mapped
    assert rewrite(value, prefixes={"/v1": "/"}, map_paths=True) == mapped
    assert rewrite(value, prefixes={"/v1": "/"}, map_paths=False) == value


def test_without_prefixes_a_path_alone_is_mapped_only_if_that_is_asked_for() -> None:
    base = "http://localhost:8001/base"
    assert rewrite("/base/x", base) == "/base/x"
    assert rewrite("/base/x", base, map_paths=True) == "/x"


@pytest.mark.parametrize(
    ("value", "rewritten"),
    [
        ("0; url=http://localhost:8001/x", "0; url=https://shop.example/x"),
        ("5;URL = 'http://localhost:8001/x;y' z", "5;URL = 'https://shop.example/x;y' z"),
        ('5,url="http://localhost:8001/x"', '5,url="https://shop.example/x"'),
        ("5; http://localhost:8001/x", "5; https://shop.example/x"),
        ("5; url=/x", "5; url=/x"),
        ("5; url='http://localhost:8001/x", "5; url='http://localhost:8001/x"),
        ("5; url=", "5; url="),
        ("5", "5"),
        ("", ""),
        ("http://localhost:8001/x", "http://localhost:8001/x"),
    ],
)
def test_a_refresh_is_rewritten(value: str, rewritten: str) -> None:
    headers: CIMultiDict[str] = CIMultiDict({"Refresh": value})
    rewrite_locations().apply(headers, target=TARGET, public=PUBLIC)
    assert headers["Refresh"] == rewritten


def test_all_fields_of_a_response_and_their_order_and_case_are_kept() -> None:
    inside, outside = "http://localhost:8001/x", f"{PUBLIC}/x"
    headers: CIMultiDict[str] = CIMultiDict(
        (
            *[("Set-Cookie", "a=1"), ("LOCATION", inside), ("Link", inside), ("set-cookie", "b=2")],
            *[("location", inside), ("Content-location", inside), ("refresh", f"1;url={inside}"), ("X-Y", "")],
        )
    )
    rewrite_locations().apply(headers, target=TARGET, public=PUBLIC)
    assert list(headers.items()) == [
        *[("Set-Cookie", "a=1"), ("LOCATION", outside), ("Link", inside), ("set-cookie", "b=2")],
        *[("location", outside), ("Content-location", outside), ("refresh", f"1;url={outside}"), ("X-Y", "")],
    ]


@pytest.mark.parametrize("name", ["Location", "Content-Location", "Refresh", "X-Other"])
def test_a_response_that_points_elsewhere_is_kept(name: str) -> None:
    headers: CIMultiDict[str] = CIMultiDict([(name, "/x"), ("X-Y", "z")])
    rewrite_locations().apply(headers, target=TARGET, public=PUBLIC)
    assert list(headers.items()) == [(name, "/x"), ("X-Y", "z")]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"public": "shop.example"}, "public has 'shop.example', which is not an origin"),
        ({"public": "https://shop.example/"}, "leave out what follows the host"),
        ({"public": "wss://shop.example"}, "write that of the page"),
        ({"public": 5}, "public has 5"),
        ({"prefixes": {}}, 'prefixes is not a mapping of prefixes; write .* prefixes={"/v1": "/api"}'),
        ({"prefixes": "/api"}, "prefixes is not a mapping"),
        ({"prefixes": {"/api/": "/"}}, "prefixes='/api/'; begin it with a slash and end it without one"),
        ({"prefixes": {"/": "api"}}, "prefixes='api'"),
        ({"prefixes": {"/": None}}, "prefixes=None"),
        ({"prefixes": {"/": "/a?b"}}, "prefixes='/a\\?b'"),
        ({"prefixes": {"/": "//evil"}}, "prefixes='//evil'"),
        ({"map_paths": 1}, "map_paths=1; write True or False"),
    ],
)
def test_a_malformed_option_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^rewrite_locations\(\): .*{problem}"):
        rewrite_locations(**options)


# -- properties


REFERENCES = st.text(st.sampled_from("htp:/\\localhost8001.?#@[]v \t;x"), max_size=30) | st.text(max_size=20)


@given(REFERENCES)
def test_what_does_not_begin_as_the_target_is_returned_as_it_is(value: str) -> None:
    if not value.lower().startswith(("http://localhost", "//localhost")):
        assert rewrite(value) == value


@given(st.text(st.characters(codec="utf-8", exclude_characters="?#\\"), max_size=20))
def test_what_follows_the_target_is_kept_to_the_letter(rest: str) -> None:
    assert rewrite(f"http://localhost:8001/{rest}") == f"{PUBLIC}/{rest}"


@given(REFERENCES, REFERENCES, st.booleans())
def test_no_text_raises_and_no_path_becomes_a_host(value: str, public: str, map_paths: bool) -> None:
    rewritten = rewrite(value, public=public, prefixes={"/v": "/"}, map_paths=map_paths)
    if rewritten != value and not rewritten.startswith("h"):
        assert rewritten.startswith("/")
        assert not rewritten.replace("\t", "").replace("\\", "/").startswith("//")


@given(st.text(st.sampled_from("0;, url='\"htp:/x"), max_size=30))
def test_no_refresh_that_does_not_name_the_target_is_changed(value: str) -> None:
    headers: CIMultiDict[str] = CIMultiDict({"Refresh": value})
    rewrite_locations().apply(headers, target=TARGET, public=PUBLIC)
    assert headers["Refresh"] == value


@given(st.text(st.sampled_from("/av1"), max_size=10).map(lambda text: f"/{text}"))
def test_a_path_that_is_mapped_and_mapped_back_is_the_same(path: str) -> None:
    mapped = map_prefix(path, (("", "/v1"),))
    assert mapped == f"/v1{path}"
    assert map_prefix(f"/v1{path}", (("/v1", ""),)) == path
