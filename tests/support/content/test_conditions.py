"""Conditions, in the order and by the comparisons of RFC 9110."""

import pytest
from aiohttp import ETag
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from aiohttp_route_middleware.support.content.conditions import (
    Decision,
    decide,
    decide_by,
    drop_representation,
    has_conditions,
)
from aiohttp_route_middleware.support.content.entity_tags import Validators, validators_of

DAY = "Sun, 06 Nov 1994 08:49:37 GMT"
EARLIER = "Sat, 05 Nov 1994 08:49:37 GMT"
MOMENT = 784_111_777
STRONG = Validators(ETag("a"), MOMENT)
WEAK = Validators(ETag("a", is_weak=True), MOMENT)
UNTAGGED = Validators(None, MOMENT)
UNDATED = Validators(ETag("a"))
NOTHING = Validators(exists=False)
GO_ON, NOT_MODIFIED, FAILED = Decision.GO_ON, Decision.NOT_MODIFIED, Decision.FAILED


def fields(*headers: tuple[str, str]) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict(headers))


CASES = [
    pytest.param(STRONG, [("If-None-Match", '"a"')], NOT_MODIFIED, FAILED, id="the tag"),
    pytest.param(STRONG, [("If-None-Match", 'W/"a"')], NOT_MODIFIED, FAILED, id="compared weakly"),
    pytest.param(WEAK, [("If-None-Match", '"a"')], NOT_MODIFIED, FAILED, id="a weak one, compared weakly"),
    pytest.param(STRONG, [("If-None-Match", '"b", W/"a"')], NOT_MODIFIED, FAILED, id="in a list"),
    pytest.param(STRONG, [("If-None-Match", '"b"'), ("If-None-Match", '"a"')], NOT_MODIFIED, FAILED, id="two fields"),
    pytest.param(STRONG, [("If-None-Match", '"b"')], GO_ON, GO_ON, id="another"),
    pytest.param(STRONG, [("If-None-Match", "a")], GO_ON, GO_ON, id="without quotes"),
    pytest.param(STRONG, [("If-None-Match", "*")], NOT_MODIFIED, FAILED, id="any"),
    pytest.param(NOTHING, [("If-None-Match", "*")], GO_ON, GO_ON, id="any, where nothing is"),
    pytest.param(UNTAGGED, [("If-None-Match", '"a"')], GO_ON, GO_ON, id="of what has none"),
    pytest.param(STRONG, [("If-Match", '"a"')], GO_ON, GO_ON, id="expected"),
    pytest.param(STRONG, [("If-Match", '"b", "a"')], GO_ON, GO_ON, id="expected in a list"),
    pytest.param(STRONG, [("If-Match", 'W/"a"')], FAILED, FAILED, id="expected weakly"),
    pytest.param(WEAK, [("If-Match", 'W/"a"')], FAILED, FAILED, id="weak, compared strongly"),
    pytest.param(STRONG, [("If-Match", '"b"')], FAILED, FAILED, id="another expected"),
    pytest.param(STRONG, [("If-Match", "*")], GO_ON, GO_ON, id="anything expected"),
    pytest.param(NOTHING, [("If-Match", "*")], FAILED, FAILED, id="anything expected where nothing is"),
    pytest.param(STRONG, [("If-Match", "garbage")], FAILED, FAILED, id="garbage expected"),
    pytest.param(STRONG, [("If-Modified-Since", DAY)], NOT_MODIFIED, GO_ON, id="not since"),
    pytest.param(STRONG, [("If-Modified-Since", EARLIER)], GO_ON, GO_ON, id="since"),
    pytest.param(STRONG, [("If-Modified-Since", "0")], GO_ON, GO_ON, id="since no date"),
    pytest.param(UNDATED, [("If-Modified-Since", DAY)], GO_ON, GO_ON, id="of what has no date"),
    pytest.param(STRONG, [("If-Modified-Since", DAY), ("If-Modified-Since", DAY)], GO_ON, GO_ON, id="since two dates"),
    pytest.param(STRONG, [("If-Unmodified-Since", DAY)], GO_ON, GO_ON, id="unmodified"),
    pytest.param(STRONG, [("If-Unmodified-Since", EARLIER)], FAILED, FAILED, id="modified"),
    pytest.param(STRONG, [("If-Unmodified-Since", "0")], GO_ON, GO_ON, id="unmodified since no date"),
    pytest.param(UNDATED, [("If-Unmodified-Since", EARLIER)], GO_ON, GO_ON, id="unmodified, without a date"),
    pytest.param(
        STRONG, [("If-Match", '"a"'), ("If-Unmodified-Since", EARLIER)], GO_ON, GO_ON, id="a tag before a date"
    ),
    pytest.param(
        STRONG,
        [("If-None-Match", '"b"'), ("If-Modified-Since", DAY)],
        GO_ON,
        GO_ON,
        id="another tag before a date",
    ),
    pytest.param(
        STRONG, [("If-Match", '"b"'), ("If-None-Match", '"a"')], FAILED, FAILED, id="what is expected comes first"
    ),
    pytest.param(
        STRONG,
        [("If-Match", '"a"'), ("If-None-Match", '"a"')],
        NOT_MODIFIED,
        FAILED,
        id="both hold",
    ),
    pytest.param(STRONG, [], GO_ON, GO_ON, id="none"),
]


@pytest.mark.parametrize(("known", "headers", "read", "changed"), CASES)
def test_conditions_decide(
    known: Validators, headers: list[tuple[str, str]], read: Decision, changed: Decision
) -> None:
    asked = fields(*headers)
    assert decide("GET", asked, known) is decide("HEAD", asked, known) is read
    assert decide("PUT", asked, known) is changed
    assert has_conditions(asked) is bool(headers)


TAGS = st.sampled_from(['"a"', 'W/"a"', '"b"', '"a,b"', '"a", "b"', "a", "*", "", ' "a"', '"a b"'])
LISTS = st.lists(TAGS, max_size=2)


@given(TAGS | st.none(), LISTS, LISTS, st.sampled_from(["", DAY, EARLIER]), st.sampled_from(["GET", "HEAD", "PUT"]))
def test_what_is_seen_at_a_glance_is_what_the_conditions_decide(
    tag: str | None, none_match: list[str], match: list[str], unmodified: str, method: str
) -> None:
    answered = CIMultiDict({"Last-Modified": DAY} if tag is None else {"ETag": tag, "Last-Modified": DAY})
    asked = fields(
        *(("If-None-Match", value) for value in none_match),
        *(("If-Match", value) for value in match),
        *((("If-Unmodified-Since", unmodified),) if unmodified else ()),
    )
    assert decide_by(method, asked, answered) is decide(method, asked, validators_of(answered))


def test_what_tells_of_a_body_is_dropped() -> None:
    kept = {"Cache-Control": "private", "Content-Location": "/a", "Date": DAY, "ETag": '"a"', "Expires": DAY}
    kept |= {"Vary": "Accept", "Set-Cookie": "a=b", "X-Frame-Options": "DENY"}
    body = {"Content-Type": "text/plain", "Content-Length": "5", "Content-Encoding": "gzip", "Last-Modified": DAY}
    headers = CIMultiDict({**kept, **body, "Content-Language": "en", "Transfer-Encoding": "chunked"})
    drop_representation(headers)
    assert dict(headers) == kept


def test_a_date_stays_where_there_is_no_tag() -> None:
    headers = CIMultiDict({"Last-Modified": DAY})
    drop_representation(headers)
    assert dict(headers) == {"Last-Modified": DAY}
