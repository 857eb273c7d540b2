"""What a shared cache may keep, and for how long, by the rules of RFC 9111."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiohttp_route_middleware.support.caching.freshness import (
    Freshness,
    find_obstacle,
    find_refusal,
    list_vary,
    may_share,
    measure,
)
from aiohttp_route_middleware.support.content.cache_directives import read_directives

NOW = 784_111_777
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
LATER = "Sun, 06 Nov 1994 08:50:37 GMT"
EARLIER = "Sun, 06 Nov 1994 08:48:37 GMT"


def control(value: str, **others: str) -> CIMultiDict[str]:
    return CIMultiDict({"Date": DATE, "Cache-Control": value, **others})


@pytest.mark.parametrize(
    ("headers", "lifetime", "age"),
    [
        pytest.param(control("max-age=60"), 60, 0, id="max-age"),
        pytest.param(control("max-age=60, s-maxage=5"), 5, 0, id="s-maxage before it"),
        pytest.param(control("max-age=60", Expires=DATE), 60, 0, id="before Expires"),
        pytest.param(CIMultiDict(Date=DATE, Expires=LATER), 60, 0, id="Expires"),
        pytest.param(CIMultiDict(Date=DATE, Expires=EARLIER), 0, 0, id="expired"),
        pytest.param(CIMultiDict(Date=DATE, Expires="0"), 0, 0, id="Expires that is no date"),
        pytest.param(CIMultiDict(Expires=LATER), 60, 0, id="without a Date"),
        pytest.param(control("max-age=x"), 0, 0, id="no number"),
        pytest.param(control("max-age=60", Age="7"), 60, 7, id="an Age"),
        pytest.param(control("max-age=60", Age="x"), 60, 0, id="an Age that is no number"),
        pytest.param(CIMultiDict({"Date": EARLIER, "Cache-Control": "max-age=90"}), 90, 60, id="an older Date"),
        pytest.param(CIMultiDict({"Date": LATER, "Cache-Control": "max-age=90"}), 90, 0, id="a Date to come"),
    ],
)
def test_how_long_a_response_is_fresh_is_told_by_itself(headers: CIMultiDict[str], lifetime: int, age: int) -> None:
    found = measure(headers, NOW, 1000)
    assert (found.lifetime, found.age, found.is_told) == (lifetime, age, True)


@pytest.mark.parametrize(("ttl", "lifetime"), [(None, 0), (30, 30)])
def test_what_tells_nothing_has_the_time_that_was_set(ttl: int | None, lifetime: int) -> None:
    found = measure(control("public"), NOW, ttl)
    assert (found.lifetime, found.is_told) == (lifetime, False)


@pytest.mark.parametrize(
    ("said", "updating", "failing", "useful"),
    [
        ("max-age=60, stale-while-revalidate=5, stale-if-error=9", 5, 9, 69),
        ("max-age=60", 0, 0, 60),
        ("max-age=60, stale-if-error=9, must-revalidate", 0, 0, 60),
        ("s-maxage=60, stale-if-error=9", 0, 0, 60),
        ("max-age=60, stale-while-revalidate=9, proxy-revalidate", 0, 0, 60),
    ],
)
def test_what_is_stale_is_used_only_if_that_is_allowed(said: str, updating: int, failing: int, useful: int) -> None:
    found = measure(control(said), NOW, None)
    assert (found.updating, found.failing, found.useful) == (updating, failing, useful)


@pytest.mark.parametrize(
    ("status", "headers", "obstacle"),
    [
        pytest.param(200, control("max-age=60"), None, id="fresh"),
        pytest.param(404, control("max-age=60"), None, id="an error that says so"),
        pytest.param(404, control("public"), "no-lifetime", id="an error that does not"),
        pytest.param(200, control("public"), None, id="by the time that was set"),
        pytest.param(200, control("max-age=0"), "stale", id="never fresh"),
        pytest.param(200, control("max-age=60", Age="60"), "stale", id="no longer fresh"),
        pytest.param(200, control("max-age=60, private"), "private", id="private"),
        pytest.param(200, control('max-age=60, private="x"'), "private", id="private for a field"),
        pytest.param(200, control("max-age=60, no-store"), "no-store", id="no-store"),
        pytest.param(200, control("max-age=60, no-cache"), "no-cache", id="no-cache"),
        pytest.param(200, control("max-age=60", Vary="*"), "Vary:*", id="varies with everything"),
        pytest.param(200, control("max-age=60", Vary="Accept, *"), "Vary:*", id="with something and everything"),
        pytest.param(200, control("max-age=60", **{"Set-Cookie": "a=b"}), "Set-Cookie", id="sets a cookie"),
        pytest.param(200, control("max-age=60", **{"Content-Range": "bytes 0-1/2"}), "Content-Range", id="a part"),
        pytest.param(206, control("max-age=60"), "status:206", id="206"),
        pytest.param(304, control("max-age=60"), "status:304", id="304"),
        pytest.param(101, control("max-age=60"), "status:101", id="101"),
    ],
)
def test_what_may_not_be_kept_is_told_why(status: int, headers: CIMultiDict[str], obstacle: str | None) -> None:
    assert find_obstacle(status, headers, measure(headers, NOW, 30)) == obstacle


@pytest.mark.parametrize("status", [200, 404])
def test_without_a_word_and_a_time_nothing_is_kept(status: int) -> None:
    headers = CIMultiDict(Date=DATE)
    assert find_obstacle(status, headers, measure(headers, NOW, None)) == "no-lifetime"


@pytest.mark.parametrize(
    ("said", "anonymous", "identified", "with_cookies"),
    [
        ("max-age=60", True, False, True),
        ("max-age=60, public", True, True, True),
        ("s-maxage=60", True, True, True),
        ("max-age=60, must-revalidate", True, True, True),
        ("", True, False, False),
    ],
)
def test_who_is_known_needs_leave(
    said: str,
    anonymous: bool,
    identified: bool,
    with_cookies: bool,
) -> None:
    headers = control(said)
    found = measure(headers, NOW, 30)
    assert may_share(headers, found, is_identified=False, has_cookies=False) is anonymous
    assert may_share(headers, found, is_identified=True, has_cookies=False) is identified
    assert may_share(headers, found, is_identified=False, has_cookies=True) is with_cookies


@pytest.mark.parametrize(
    ("asked", "age", "refusal"),
    [
        ("", 59, None),
        ("", 60, "stale"),
        ("no-cache", 0, "request"),
        ("max-age=10", 10, None),
        ("max-age=10", 11, "request"),
        ("max-age=x", 1, "request"),
        ("min-fresh=10", 50, None),
        ("min-fresh=10", 51, "request"),
        ("max-stale=10", 60, "stale"),
        ("no-cache", 60, "request"),
    ],
)
def test_a_request_may_want_it_fresher(asked: str, age: int, refusal: str | None) -> None:
    assert find_refusal(read_directives([asked]), Freshness(lifetime=60, age=0), age) == refusal


def test_the_names_in_vary_are_read() -> None:
    headers: CIMultiDict[str] = CIMultiDict([("Vary", "Accept, ,accept"), ("Vary", "COOKIE")])
    assert list_vary(headers) == {"accept", "cookie"}


@given(st.text("max-age=0129, svy"), st.integers(0, 2**33))
def test_any_text_in_a_header_is_measured_without_an_error(value: str, taken: int) -> None:
    headers = CIMultiDict({"Cache-Control": value, "Expires": value, "Age": value, "Date": value})
    found = measure(headers, taken, None)
    assert found.lifetime >= 0
    assert found.age >= 0
