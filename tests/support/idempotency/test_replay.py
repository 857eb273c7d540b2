"""How a response that was kept is given back."""

import pytest
from aiohttp import web

from aiohttp_route_middleware.support.content.stored_responses import StoredResponse
from aiohttp_route_middleware.support.idempotency.records import Done
from aiohttp_route_middleware.support.idempotency.replay import replay


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


def test_what_was_returned_is_returned_again() -> None:
    response = StoredResponse(status=201, reason="Why", headers=(("A", "1"),), body=b"b")
    again = replay(Done(b"", response), response, "M")
    assert (again.status, again.reason, again.body, [*again.headers.items()][:2]) == (
        201,
        "Why",
        b"b",
        [("A", "1"), ("M", "true")],
    )
