"""What links have set on a request is found, and what they have not costs no exception."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from aiohttp_route_middleware.support.clones import clone_request
from aiohttp_route_middleware.support.request_keys import read_key

USER = web.RequestKey[str | None]("USER")
AGE = web.RequestKey("AGE", int)


@pytest.mark.parametrize("value", ["alice", "", None])
def test_what_is_set_is_found_whatever_it_is_also_from_a_clone(value: str | None) -> None:
    request: Any = make_mocked_request("GET", "/")
    request[USER] = value
    for one in (request, request.clone(), clone_request(request, method="PUT")):
        assert read_key(one, USER) is read_key(one, USER, "nobody") is value


def test_what_is_not_set_is_the_default() -> None:
    request = make_mocked_request("GET", "/")
    request[USER] = "alice"
    assert read_key(request, AGE) is None
    assert read_key(request, AGE, 7) == 7
