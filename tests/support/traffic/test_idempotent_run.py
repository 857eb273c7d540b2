"""Which responses are kept, and how they are given back; what runs is tested with the battery."""

import pytest
from aiohttp import web

from aiohttp_route_middleware.support.content.stored_responses import StoredResponse
from aiohttp_route_middleware.support.traffic.idempotency_records import Done
from aiohttp_route_middleware.support.traffic.idempotent_run import is_final, replay


@pytest.mark.parametrize(
    ("statuses", "keeps_errors", "expected"),
    [
        pytest.param((200, 201, 204, 206, 302, 304), False, True, id="carried out"),
        pytest.param((400, 403, 404, 409, 410, 422), True, True, id="refused for good"),
        pytest.param((400, 403, 404, 409, 410, 422), False, False, id="refused, and errors are not kept"),
        pytest.param((401, 407, 408, 421, 423, 425, 429), True, False, id="try again"),
        pytest.param((101, 500, 502, 503, 504, 599), True, False, id="not carried out"),
    ],
)
def test_what_is_kept_depends_on_the_status(statuses: tuple[int, ...], keeps_errors: bool, expected: bool) -> None:
    assert {is_final(status, {}, keeps_errors=keeps_errors) for status in statuses} == {expected}


def test_an_error_that_says_come_again_is_not_kept() -> None:
    assert not is_final(409, {"Retry-After": "1"}, keeps_errors=True)
    assert is_final(202, {"Retry-After": "1"}, keeps_errors=True)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        pytest.param(201, web.HTTPCreated, id="201"),
        pytest.param(299, web.HTTPSuccessful, id="of no class, 2xx"),
        pytest.param(303, web.HTTPRedirection, id="of a class that wants a location"),
        pytest.param(409, web.HTTPConflict, id="409"),
        pytest.param(413, web.HTTPClientError, id="of a class that wants a size"),
        pytest.param(599, web.HTTPException, id="of no class at all"),
    ],
)
def test_what_was_raised_is_raised_again_as_what_it_was(status: int, kind: type[web.HTTPException]) -> None:
    response = StoredResponse(status=status, reason="Why", headers=(("A", "1"), ("A", "2"), ("M", "no")), body=b"b")
    with pytest.raises(kind) as caught:
        replay(Done(b"", response, was_raised=True), response, "M")
    error = caught.value
    assert (error.status, error.reason, error.body) == (status, "Why", b"b")
    assert [*error.headers.items()] == [("A", "1"), ("A", "2"), ("M", "true")]
