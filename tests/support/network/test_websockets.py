"""The handshake of a WebSocket, by the words of RFC 6455, section 4.1."""

from typing import Any

import pytest
from aiohttp import HttpVersion10, HttpVersion11
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from aiohttp_route_middleware.support.network.websockets import is_websocket

UPGRADE, CONNECTION = ("Upgrade", "websocket"), ("Connection", "Upgrade")


@pytest.mark.parametrize(
    ("headers", "is_one"),
    [
        pytest.param([UPGRADE, CONNECTION], True, id="a handshake"),
        pytest.param([("upgrade", "WebSocket"), ("connection", "upgrade")], True, id="in any case"),
        pytest.param([("Upgrade", "h2c ,\twebsocket"), ("Connection", "keep-alive, Upgrade")], True, id="in lists"),
        pytest.param([("Upgrade", "h2c"), UPGRADE, ("Connection", "close"), CONNECTION], True, id="in several fields"),
        pytest.param([], False, id="nothing"),
        pytest.param([CONNECTION], False, id="no Upgrade"),
        pytest.param([UPGRADE], False, id="no Connection"),
        pytest.param([UPGRADE, ("Connection", "close")], False, id="another Connection"),
        pytest.param([UPGRADE, ("Connection", "no-upgrade")], False, id="a longer Connection"),
        pytest.param([("Upgrade", "h2c"), CONNECTION], False, id="another protocol"),
        pytest.param([("Upgrade", "notwebsocket"), CONNECTION], False, id="a longer word"),
        pytest.param([("Upgrade", "websocket/13"), CONNECTION], False, id="with a version"),
        pytest.param([("Upgrade", ""), CONNECTION], False, id="an empty Upgrade"),
    ],
)
def test_it_is_known_by_its_words(headers: Any, is_one: bool) -> None:
    assert is_websocket(make_mocked_request("GET", "/", CIMultiDict(headers))) is is_one


@pytest.mark.parametrize(
    ("method", "version"), [("POST", HttpVersion11), ("HEAD", HttpVersion11), ("GET", HttpVersion10)], ids=str
)
def test_it_is_a_get_of_http_1_1(method: str, version: Any) -> None:
    headers = CIMultiDict([UPGRADE, CONNECTION])
    assert not is_websocket(make_mocked_request(method, "/", headers, version=version))
