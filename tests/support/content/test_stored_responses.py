"""A response is kept as bytes, and sent again; garbage is no response."""

import dataclasses
import json
import struct
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.support.content.stored_responses import (
    StoredResponse,
    dump_response,
    lasting_headers,
    load_response,
)

BODY = b"0123456789" * 1000
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")))
NAMES = st.text("abcDEF-_!", min_size=1)
RESPONSES = st.builds(
    StoredResponse,
    status=st.integers(200, 999),
    reason=TEXT,
    headers=st.lists(st.tuples(NAMES, TEXT)).map(tuple),
    body=st.binary(),
    taken=st.floats(0, 2**52),
)
PLAIN = StoredResponse(status=200, reason="OK", headers=(("A", "b"), ("a", "c")), body=b"text", taken=1.5)


def pack(head: Any, body: bytes = b"", *, version: bytes = b"arm-response-1\n") -> bytes:
    written = head if isinstance(head, bytes) else json.dumps(head).encode()
    return version + struct.pack(">I", len(written)) + written + body


@given(RESPONSES)
def test_a_response_comes_back_as_it_was_kept(response: StoredResponse) -> None:
    kept = dump_response(response)
    assert kept is not None
    assert load_response(kept) == response


@given(RESPONSES, st.binary())
def test_a_head_that_is_known_already_says_nothing_of_another_body(response: StoredResponse, body: bytes) -> None:
    kept = dump_response(response)
    assert kept is not None
    assert load_response(kept) == load_response(kept) == response
    other = load_response(kept[: len(kept) - len(response.body)] + body)
    if len(body) == len(response.body):
        assert other == dataclasses.replace(response, body=body)
    else:
        assert other is None


def test_a_store_may_give_bytes_that_can_be_changed() -> None:
    kept: Any = bytearray(dump_response(PLAIN) or b"")
    first: Any = load_response(kept)
    kept[kept.index(b'"b"') + 1] = ord("z")
    second: Any = load_response(kept)
    assert (first.headers[0], second.headers[0]) == (("A", "b"), ("A", "z"))


@given(st.binary())
def test_garbage_is_no_response(garbage: bytes) -> None:
    assert load_response(garbage) is None
    assert load_response(pack(garbage)) is None


@given(RESPONSES, st.data())
def test_what_was_cut_off_is_no_response(response: StoredResponse, data: st.DataObject) -> None:
    kept = dump_response(response)
    assert kept is not None
    assert load_response(kept[: data.draw(st.integers(0, len(kept) - 1))]) is None
    assert load_response(kept + b"x") is None


def test_it_is_no_response_wherever_it_was_cut_off() -> None:
    kept = dump_response(PLAIN)
    assert kept is not None
    assert [load_response(kept[:length]) for length in range(len(kept))] == [None] * len(kept)


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(None, id="nothing"),
        pytest.param(b"", id="empty"),
        pytest.param(pack([200, "OK", [], 0, 0], version=b"arm-response-2\n"), id="another version"),
        pytest.param(b"arm-response-1\n\xff\xff\xff\xff", id="a head of 4 GiB"),
        pytest.param(pack(b"[" * 60_000), id="deeply nested"),
        pytest.param(pack([200, "OK", [], 0]), id="a field is missing"),
        pytest.param(pack({"status": 200}), id="no list"),
        pytest.param(pack(["200", "OK", [], 0, 0]), id="a status that is a text"),
        pytest.param(pack([101, "OK", [], 0, 0]), id="a status that ends nothing"),
        pytest.param(pack([1000, "OK", [], 0, 0]), id="a status of four digits"),
        pytest.param(pack([200, "OK\r\nSet-Cookie: a=b", [], 0, 0]), id="a reason of two lines"),
        pytest.param(pack([200, "OK", [], 3, 0], b"four"), id="another length"),
        pytest.param(pack([200, "OK", [], 0, -1]), id="taken before 1970"),
        pytest.param(pack(b'[200,"OK",[],0,NaN]'), id="taken at no time"),
        pytest.param(pack(b'[200,"OK",[],0,1' + b"0" * 400 + b"]"), id="taken too late"),
        pytest.param(pack([200, "OK", ["A"], 0, 0]), id="a name without a value"),
        pytest.param(pack([200, "OK", [["A", 1]], 0, 0]), id="a value that is a number"),
        pytest.param(pack([200, "OK", [["A b", "c"]], 0, 0]), id="a name that is none"),
        pytest.param(pack([200, "OK", [["A", "b\r\nC: d"]], 0, 0]), id="a value of two lines"),
        pytest.param(pack([200, "OK", [["A", "\ud800"]], 0, 0]), id="a value that cannot be sent"),
    ],
)
def test_what_is_not_a_kept_response_is_none(stored: bytes | None) -> None:
    assert load_response(stored) is None


def test_a_body_over_the_limit_is_not_given_back() -> None:
    kept = dump_response(PLAIN)
    assert load_response(kept, limit=3) is None
    assert load_response(kept, limit=4) == PLAIN


def test_headers_that_are_too_large_are_not_kept() -> None:
    assert dump_response(StoredResponse(status=200, reason="", headers=(("A", "b" * 70_000),), body=b"")) is None


def test_what_belongs_to_the_connection_is_left_out() -> None:
    response = web.Response(
        headers=[
            ("Connection", "close, X-Hop"),
            ("Keep-Alive", "timeout=5"),
            ("X-Hop", "1"),
            ("Transfer-Encoding", "chunked"),
            ("Content-Length", "3"),
            ("Set-Cookie", "a=1"),
            ("Vary", "Accept"),
            ("Set-Cookie", "b=2"),
        ]
    )
    assert lasting_headers(response.headers) == (("Set-Cookie", "a=1"), ("Vary", "Accept"), ("Set-Cookie", "b=2"))


@pytest.mark.parametrize("status", [200, 204, 304, 410])
async def test_a_kept_response_is_sent_again(status: int, aiohttp_client: AiohttpClient) -> None:
    headers = (("Content-Type", "text/x"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))
    kept = StoredResponse(status=status, reason="Of old", headers=headers, body=b"" if status in (204, 304) else BODY)

    async def again(_: web.Request) -> web.Response:
        return kept.to_response()

    app = web.Application()
    app.router.add_get("/", again)
    client = await aiohttp_client(app)
    async with client.get("/") as answer:
        assert (answer.status, answer.reason) == (status, "Of old")
        assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]
        assert answer.headers["Content-Type"] == "text/x"
        assert await answer.read() == kept.body


def test_large_heads_are_not_remembered() -> None:
    """Those of 4 KiB at most stay in memory when the store has forgotten them, up to 256 of them."""
    for size, is_remembered in ((1_000, True), (5_000, False)):
        kept = dump_response(dataclasses.replace(PLAIN, headers=(("A", f"{size}" * (size // 4)),)))
        first, second = load_response(kept), load_response(kept)
        assert first is not None
        assert second is not None
        assert first == second
        assert (first.headers is second.headers) is is_remembered
