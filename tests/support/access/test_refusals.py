"""Of several refusals, the answer is the one that a client can do most with."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from aiohttp_route_middleware.support.access.challenges import forbidden, unauthorized
from aiohttp_route_middleware.support.access.identity import IDENTITY, Identity
from aiohttp_route_middleware.support.access.refusals import REFUSALS, Refusal, choose_refusal, knew_who

DOWN = web.HTTPServiceUnavailable()
NO, NEVER, SCOPE = web.HTTPForbidden(), web.Response(status=403), forbidden('Bearer error="insufficient_scope"')
BASIC, BEARER, BOTH = (unauthorized(one) for one in (["Basic"], ["Bearer"], ["Bearer", "Basic"]))
MUTE = web.HTTPUnauthorized()


@pytest.mark.parametrize(
    ("refusals", "chosen"),
    [
        pytest.param([(BASIC, False), (SCOPE, True), (DOWN, False)], DOWN, id="a 503 before all"),
        pytest.param([(DOWN, True), (web.HTTPServiceUnavailable(), True)], DOWN, id="the first 503"),
        pytest.param([(BASIC, True), (NO, False), (SCOPE, True)], SCOPE, id="a 403 of one that knew"),
        pytest.param([(NEVER, True), (SCOPE, True)], NEVER, id="the first 403 of those that knew"),
        pytest.param([(SCOPE, False), (BASIC, False)], ["Basic"], id="no 403 of one that did not, nor its challenge"),
        pytest.param([(BASIC, False), (BOTH, False), (BEARER, False)], ["Basic", "Bearer"], id="each challenge once"),
        pytest.param([(MUTE, False), (BASIC, False)], ["Basic"], id="one without a challenge"),
        pytest.param([(MUTE, False), (NO, False), (NEVER, False)], NO, id="a 403 where nobody has a challenge"),
        pytest.param([(SCOPE, False)], SCOPE, id="a 403 alone"),
        pytest.param([(MUTE, False)], [], id="no challenge at all"),
    ],
)
def test_one_answer_for_all(refusals: Any, chosen: Any) -> None:
    answer = choose_refusal(make_mocked_request("GET", "/"), [Refusal(*one) for one in refusals])
    if isinstance(chosen, list):
        assert (answer.status, answer.headers.getall("WWW-Authenticate", [])) == (401, chosen)
    else:
        assert answer is chosen
    assert answer.status in REFUSALS


def test_who_was_found_out_is_known_to_whoever_chooses_around() -> None:
    request = make_mocked_request("GET", "/")
    assert not knew_who(request, {})
    request[IDENTITY] = Identity("alice")
    assert knew_who(request, {})
    assert not knew_who(request, dict(request))
    del request[IDENTITY]
    choose_refusal(request, [Refusal(NO, knew_who=False)])
    assert not knew_who(request, {})
    choose_refusal(request, [Refusal(NO, knew_who=True)])
    assert knew_who(request, {})
