"""What a cache tells of a request: once, beside what others have told, and readable to a parser of its RFC."""

from typing import Any

import http_sf
import pytest
from multidict import CIMultiDict

from aiohttp_route_middleware.support.caching.status import CacheStatus


@pytest.mark.parametrize(
    ("how", "detail", "told"),
    [
        ("", None, "a"),
        ("hit; ttl=-3", None, "a; hit; ttl=-3"),
        ("fwd=uri-miss", "Vary:*", "a; fwd=uri-miss; detail=Vary:*"),
        ("fwd=stale", "status:404", "a; fwd=stale; detail=status:404"),
        ("fwd=stale", "max_body", "a; fwd=stale; detail=max_body"),
    ],
)
def test_a_structured_list_of_one_member_is_told(how: str, detail: str | None, told: str) -> None:
    headers: CIMultiDict[str] = CIMultiDict()
    CacheStatus("a").tell(headers, how, detail)
    assert headers.getall("Cache-Status") == [told]
    members: Any = http_sf.parse(told.encode(), tltype="list")
    assert str(members[0][0]) == "a"
    assert members[0][1].get("detail") == detail


def test_what_caches_nearer_to_the_origin_have_told_stays_before_it() -> None:
    headers: CIMultiDict[str] = CIMultiDict([("Cache-Status", "origin; hit"), ("Cache-Status", "a; hit")])
    CacheStatus("a").tell(headers, "fwd=stale")
    assert headers.getall("Cache-Status") == ["origin; hit", "a; hit", "a; fwd=stale"]


def test_who_tells_again_takes_back_what_he_has_told() -> None:
    headers: CIMultiDict[str] = CIMultiDict([("Cache-Status", "origin; hit")])
    status = CacheStatus("a")
    status.tell(headers, "fwd=stale")
    status.tell(headers, "fwd=stale", "replaced")
    assert headers.getall("Cache-Status") == ["origin; hit", "a; fwd=stale; detail=replaced"]
