"""The request that goes to a target, and its head."""

from __future__ import annotations

from typing import Any

import pytest
from multidict import CIMultiDict
from yarl import URL

from aiohttp_route_middleware import ConfigurationError
from aiohttp_route_middleware.proxy.wire.outgoing import OutgoingRequest, write_head


def write(method: str = "GET", path: str = "/", framing: str = "", **fields: Any) -> bytes:
    headers = CIMultiDict((name.replace("_", "-"), value) for name, value in fields.items())
    return write_head(method, path, "target:80", headers, framing)


def test_the_target_gets_its_own_host_unless_there_is_one() -> None:
    assert write() == b"GET / HTTP/1.1\r\nHost: target:80\r\n\r\n"
    assert write(Host="a") == b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def test_the_framing_comes_last() -> None:
    head = write("POST", framing="Content-Length: 3\r\n", X_A="1")
    assert head == b"POST / HTTP/1.1\r\nHost: target:80\r\nX-A: 1\r\nContent-Length: 3\r\n\r\n"


def test_bytes_that_are_no_utf_8_go_as_they_came() -> None:
    assert b"X-A: \xff\r\n" in write(X_A="\udcff")


@pytest.mark.parametrize(
    ("options", "blame"),
    [
        ({"method": "G T"}, "method"),
        ({"method": ""}, "method"),
        ({"path": "/ HTTP/1.1\r\nX: y"}, "path"),
        ({"path": "/a b"}, "path"),
        ({"path": "/\0"}, "path"),
        ({"X_A": "secret\r\nX-B: 1"}, "X-A"),
        ({"X_A": "secret\nX-B: 1"}, "X-A"),
        ({"X_A": "secret\rX-B: 1"}, "X-A"),
        ({"X_A": "secret\0"}, "X-A"),
        ({"X_A": None}, "X-A"),
        ({"X_A": 1}, "X-A"),
    ],
)
def test_what_would_be_another_request_is_refused_and_its_values_are_not_told(
    options: dict[str, Any], blame: str
) -> None:
    with pytest.raises(ConfigurationError, match=blame) as caught:
        write(**options)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("path", ["/a/b?c=d&c=e", "//a/b", "/a%2Fb?x", "//a?b=c"])
def test_a_path_can_be_taken_as_a_url_and_set_again(path: str) -> None:
    request = OutgoingRequest("GET", path, CIMultiDict())
    request.url = request.url
    assert request.path == path


def test_a_url_of_a_server_is_refused() -> None:
    request = OutgoingRequest("GET", "/", CIMultiDict())
    with pytest.raises(ConfigurationError, match=r"http://a is a server"):
        request.url = URL("http://a/b")
