"""Which responses are kept; what runs is tested with the battery."""

import pytest

from aiohttp_route_middleware.support.idempotency.execution import is_final


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
