"""What is compared does the same: each battery, and the function that is written by hand in its place."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import hdrs, web

from aiohttp_route_middleware.support.headers import apply_registered, register_responses
from bench.batteries import Case, RequestMaker, make_cases, put_before_endpoints

CASES = make_cases()
_RANDOM = ("sessions, signed, changed", "csrf_token, first GET", "secure_headers, nonce")  # parts of their headers


async def _answer(handler: Any, case: Case, *, is_ours: bool) -> tuple[int, dict[str, str]]:
    request = RequestMaker(case.method, case.headers, case.state, is_tls=case.is_tls)()
    response = web.Response()
    try:
        if case.signal and is_ours:
            await register_responses(request, handler)
            await apply_registered(request, response)
        else:
            await handler(request)
            if case.signal:
                await case.signal(request, response)
    except web.HTTPException as error:
        return error.status, {name: error.headers[name] for name in (hdrs.LOCATION,) if name in error.headers}
    return response.status, dict(response.headers)


@pytest.mark.parametrize("name", CASES)
async def test_what_is_written_by_hand_answers_as_the_battery_does(name: str) -> None:
    ours, theirs = put_before_endpoints(CASES[name])
    status, headers = await _answer(ours, CASES[name], is_ours=True)
    status_by_hand, headers_by_hand = await _answer(theirs, CASES[name], is_ours=False)
    assert (status, sorted(headers)) == (status_by_hand, sorted(headers_by_hand))
    assert status == (308 if name == "https_redirect, by http" else 200)
    assert name in _RANDOM or headers == headers_by_hand
