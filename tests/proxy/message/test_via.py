"""A request that comes back is stopped, and one that may go no further is answered."""

from typing import Any

import pytest
from aiohttp import HttpVersion, HttpVersion10, web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiohttp_route_middleware import ConfigurationError
from aiohttp_route_middleware.proxy.message.via import (
    HTTPLoopDetected,
    Via,
    answer_last_hop,
    count_hop,
    make_pseudonym,
)

VIA = Via("test()", "shop")


def incoming(*values: str, name: str = "Via", method: str = "GET", **options: Any) -> web.Request:
    return make_mocked_request(method, "/", CIMultiDict((name, value) for value in values), **options)


def written(*values: str) -> str:
    headers = CIMultiDict({"Via": "what a link has left"})
    VIA.write(incoming(*values), headers)
    return headers["Via"]


@pytest.mark.parametrize(
    ("received", "sent"),
    [
        pytest.param([], "1.1 shop", id="none"),
        pytest.param(["1.0 fred, 1.1 p.example.net"], "1.0 fred, 1.1 p.example.net, 1.1 shop", id="RFC 9110, 7.6.3"),
        pytest.param(["1.0 fred", "1.1 next"], "1.0 fred, 1.1 next, 1.1 shop", id="several lines"),
        pytest.param(["1.1 shop2, 1.1 a-shop, 1.1 Shop"], "1.1 shop2, 1.1 a-shop, 1.1 Shop, 1.1 shop", id="others"),
        pytest.param(["1.1 shop:80"], "1.1 shop:80, 1.1 shop", id="a host of the same name"),
        pytest.param(["1.1 x (1.1 shop)"], "1.1 x (1.1 shop), 1.1 shop", id="in a comment"),
        pytest.param(["shop"], "shop, 1.1 shop", id="a version of the same name"),
    ],
)
def test_the_proxy_adds_itself(received: list[str], sent: str) -> None:
    assert written(*received) == sent


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(["1.1 shop"], id="alone"),
        pytest.param(["1.0 fred ,\t1.1  shop\t, 1.1 next"], id="among others"),
        pytest.param(["1.1 next", "HTTP/1.1 shop"], id="on another line, with a protocol"),
        pytest.param(["1.1 shop (a comment)"], id="with a comment"),
        pytest.param(["2 shop"], id="another version"),
    ],
)
def test_a_request_that_has_come_through_before_is_a_loop(received: list[str]) -> None:
    with pytest.raises(HTTPLoopDetected) as caught:
        written(*received)
    assert (caught.value.status, caught.value.reason) == (508, "Loop Detected")


@pytest.mark.parametrize("version", [HttpVersion10, HttpVersion(1, 2)])
def test_the_version_is_that_of_what_was_received(version: HttpVersion) -> None:
    headers: CIMultiDict[str] = CIMultiDict()
    VIA.write(incoming(version=version), headers)
    assert headers["Via"] == f"1.{version.minor} shop"


@given(st.lists(st.text(alphabet="1. shop,/(\t", max_size=30), max_size=3))
def test_whatever_was_received_the_next_time_it_is_a_loop(received: list[str]) -> None:
    headers: CIMultiDict[str] = CIMultiDict()
    try:
        VIA.write(incoming(*received), headers)
    except HTTPLoopDetected:
        return
    with pytest.raises(HTTPLoopDetected):
        VIA.write(incoming(headers["Via"]), headers)


def test_a_name_that_is_made_is_no_other_and_a_token() -> None:
    first, second = make_pseudonym(), make_pseudonym()
    assert first != second
    Via("test()", first).write(incoming(f"1.1 {second}"), CIMultiDict())


@pytest.mark.parametrize("name", ["", "a b", "a,b", "shop:80", 5])
def test_a_name_is_a_token(name: object) -> None:
    with pytest.raises(ConfigurationError, match=r'^test\(\): via=.*no token.*via="shop-proxy"'):
        Via("test()", name)


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
@pytest.mark.parametrize(
    ("received", "sent"),
    [("7", "6"), ("1", "0"), ("007", "6"), ("9" * 9, str(10**9 - 2)), ("9" * 5000, str(10**9 - 1)), ("3 ", "2")],
)
def test_a_hop_is_counted(method: str, received: str, sent: str) -> None:
    headers = CIMultiDict({"Max-Forwards": received})
    request = incoming(received, name="Max-Forwards", method=method)
    assert answer_last_hop(request) is None
    count_hop(request, headers)
    assert headers["Max-Forwards"] == sent


@pytest.mark.parametrize(
    ("method", "text"),
    [
        ("GET", "0"),
        ("GET", "5"),
        ("OPTIONS", "x"),
        ("OPTIONS", "-1"),
        ("TRACE", ""),
        ("OPTIONS", "1, 2"),
        ("TRACE", "³"),
    ],
)
def test_of_other_methods_and_of_what_is_no_number_nothing_is_counted(method: str, text: str) -> None:
    headers = CIMultiDict({"Max-Forwards": text})
    request = incoming(text, name="Max-Forwards", method=method)
    assert answer_last_hop(request) is None
    count_hop(request, headers)
    assert headers["Max-Forwards"] == text


@pytest.mark.parametrize(("method", "status"), [("OPTIONS", 200), ("TRACE", 501)])
@pytest.mark.parametrize("text", ["0", "00"])
def test_what_may_go_no_further_is_answered_here(method: str, status: int, text: str) -> None:
    request = incoming(text, name="Max-Forwards", method=method)
    answer = answer_last_hop(request)
    assert answer is not None
    assert answer.status == status
    assert "Allow" not in answer.headers
    assert (answer.body is None) is (status == 200)
    headers: CIMultiDict[str] = CIMultiDict()
    count_hop(request, headers)  # which nobody should do then
    assert headers["Max-Forwards"] == "0"
