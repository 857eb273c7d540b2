"""What tells of a body is named once, and in one way by all who take it away."""

import pytest
from aiohttp import web
from multidict import CIMultiDict

from aiohttp_route_middleware.support.content.conditions import drop_representation
from aiohttp_route_middleware.support.content.field_groups import CONTENT, DIGESTS, FRAMING
from aiohttp_route_middleware.support.content.problems import turn_into_problem
from aiohttp_route_middleware.support.content.stored_responses import lasting_headers


@pytest.mark.parametrize("name", [*CONTENT, *FRAMING])
def test_neither_a_304_nor_a_problem_tells_of_a_body_that_was(name: str) -> None:
    headers = CIMultiDict({name: "1"})
    drop_representation(headers)
    error = web.HTTPNotFound(headers={name: "1"})
    turn_into_problem(error, {})
    assert not headers
    assert isinstance(error.body, bytes)
    assert error.headers.get(name) in (None, str(len(error.body)))


def test_digests_are_of_the_content() -> None:
    assert {*DIGESTS} < {*CONTENT}


@pytest.mark.parametrize("name", FRAMING)
def test_how_a_body_was_sent_is_not_kept(name: str) -> None:
    assert lasting_headers(CIMultiDict({name: "1"})) == ()
