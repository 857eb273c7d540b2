"""Requests that are sent to a second upstream as well: what it gets, and that the original does not feel it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.proxy import (
    Ejection,
    Exchange,
    ExchangeRecord,
    Retries,
    Target,
    Upstream,
    proxy,
    set_header,
)
from aiohttp_route_middleware.proxy.choice.dynamic import DynamicTargets
from aiohttp_route_middleware.proxy.mirror.copies import AnswerCopy
from aiohttp_route_middleware.proxy.mirror.mirroring import Mirror

from ..front import until
from ..raw import OK, RawUpstream, Wire, bounded

GET = b"GET /a%2Fb?c&c HTTP/1.1\r\nHost: shop.example\r\nX-Mine: 1\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
SERVED = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Version: 2\r\n\r\nmirror"
NOWHERE = "http://127.0.0.1:1"


class House:
    """A raw original, a raw mirror, and a proxy in front of both."""

    def __init__(self) -> None:
        self.original = RawUpstream()
        self.second = RawUpstream()
        self.original.answer, self.second.answer = OK, SERVED
        self.records: list[ExchangeRecord] = []
        self.compared: list[tuple[ExchangeRecord, AnswerCopy, AnswerCopy | None]] = []
        self.server: TestServer | None = None
        self.clients: list[Wire] = []

    async def serve(
        self,
        *hooks: Any,
        to: Any = None,
        at: Any = None,
        is_tied: bool = True,
        is_compared: bool = False,
        **options: Any,
    ) -> None:
        """Start the proxy.

        Args:
            hooks: of the endpoint.
            to: options of the upstream of the original.
            at: those of the second, and perhaps `targets`.
            is_tied: whether `run_with()` is called for the second.
            is_compared: whether answers are compared.
            options: of the mirror.
        """
        first = Upstream(f"http://127.0.0.1:{self.original.port}", **{"retries": False, **(to or {})})
        there = {"targets": f"http://127.0.0.1:{self.second.port}", "name": "next", **(at or {})}
        self.upstream = Upstream(there.pop("targets"), on_exchange=self.records.append, **there)
        if is_compared:
            options["compare"] = lambda *compared: self.compared.append(compared)
        self.mirror = Mirror(self.upstream, **options)
        app = web.Application()
        first.run_with(app)
        if is_tied:
            self.upstream.run_with(app)
        app.router.add_route("*", "/{tail:.*}", proxy(first, *hooks, mirror=self.mirror))
        self.server = TestServer(app)
        await self.server.start_server()

    async def send(self, *pieces: bytes) -> Wire:
        assert self.server is not None
        client = Wire(*await asyncio.open_connection("127.0.0.1", self.server.port))
        self.clients.append(client)
        await client.send(*pieces)
        return client

    async def ask(self, *pieces: bytes) -> bytes:
        """Send a request, and return the body of its answer when the mirror is done as well."""
        client = await self.send(*pieces)
        body = (await client.read_response(pieces[0].partition(b" ")[0].decode())).body
        await self.settle()
        client.close()
        return body

    async def settle(self) -> None:
        """Wait until nothing is mirrored any more."""
        tasks = tuple(self.upstream.opened._beside)
        if tasks:
            await bounded(asyncio.wait(tasks))

    async def close(self) -> None:
        for client in self.clients:
            client.close()
        await self.original.close()
        await self.second.close()
        if self.server is not None:
            await self.server.close()


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    await house.original.open()
    await house.second.open()
    yield house
    await house.close()


# what the mirror gets


async def test_the_mirror_gets_the_same_request_after_the_hooks(house: House) -> None:
    await house.serve(set_header("X-API-Key", "key"))
    assert await house.ask(GET) == b"ok"
    (first,), (second,) = house.original.requests, house.second.requests
    assert second.line == first.line == b"GET /a%2Fb?c&c HTTP/1.1"
    expected = [field for field in first.fields if field[0] != b"Host"]
    assert [field for field in second.fields if field[0] not in (b"Host", b"X-Mirrored")] == expected
    assert second.values("Host") == [b"127.0.0.1:%d" % house.second.port]
    assert house.mirror.counts == {"sent": 1, "answered": 1}


async def test_what_is_mirrored_says_so_and_the_original_does_not(house: House) -> None:
    await house.serve()
    await house.ask(GET[:-2] + b"x-mirrored: no\r\n\r\n")
    await house.ask(GET)
    assert [one.values("X-Mirrored") for one in house.second.requests] == [[b"1"], [b"1"]]
    assert [one.values("X-Mirrored") for one in house.original.requests] == [[b"no"], []]


@pytest.mark.parametrize(
    ("raw", "framed"),
    [(POST + b"abcdef", b"abcdef"), (CHUNKED + b"6\r\nabcdef\r\n0\r\n\r\n", b"6\r\nabcdef\r\n0\r\n\r\n")],
    ids=["length", "chunked"],
)
async def test_a_body_that_is_there_already_is_mirrored(house: House, raw: bytes, framed: bytes) -> None:
    await house.serve(methods=["POST"])
    await house.ask(raw)
    assert [one.framed for one in house.second.requests] == [framed]


@pytest.mark.parametrize(
    ("head", "pieces"),
    [(POST, [b"abc", b"def"]), (CHUNKED, [b"3\r\nabc\r\n", b"3\r\ndef\r\n0\r\n\r\n"])],
    ids=["length", "chunked"],
)
async def test_a_body_that_comes_in_pieces_is_mirrored_when_the_original_has_taken_all_of_it(
    house: House, head: bytes, pieces: list[bytes]
) -> None:
    house.original.answer = None
    await house.serve(methods=["POST"])
    client = await house.send(head)
    target = await house.original.accept()
    await target.read_head()
    await client.send(pieces[0])
    await target.read_until(b"abc")
    assert not house.second.wires
    await client.send(pieces[1])
    await target.read_until(b"def")
    await target.send(OK)
    assert (await client.read_response()).body == b"ok"
    await house.settle()
    (mirrored,) = house.second.requests
    assert (mirrored.body, mirrored.values("Content-Length")) == (b"abcdef", [b"6"])
    assert not mirrored.values("Transfer-Encoding")


async def stream(exchange: Exchange) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"of "
        yield b"a hook"

    exchange.request.body = pieces()


def give(exchange: Exchange) -> None:
    exchange.request.body = b"of a hook"


@pytest.mark.parametrize("hook", [stream, give])
async def test_the_body_of_a_hook_is_mirrored(house: House, hook: Any) -> None:
    await house.serve(hook, methods=["POST"])
    await house.ask(POST + b"abcdef")
    assert [one.body for one in house.second.requests] == [b"of a hook"]


async def test_a_retried_request_is_mirrored_once(house: House) -> None:
    answers = [b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", OK]

    async def answer(wire: Wire, _: object) -> None:
        await wire.send(answers.pop(0))

    house.original.answer = answer
    await house.serve(to={"retries": Retries(statuses={503})})
    await house.ask(GET)
    assert len(house.second.requests) == 1


async def test_the_connection_is_used_again(house: House) -> None:
    await house.serve()
    await house.ask(GET)
    await house.ask(GET)
    assert (len(house.second.requests), len(house.second.wires)) == (2, 1)


# what is left out


@pytest.mark.parametrize("pieces", [[POST + b"abcdef"], [POST, b"abc", b"def"], [POST, b"a", b"bcdef"]])
async def test_a_body_that_is_too_large_is_left_out_and_counted(house: House, pieces: list[bytes]) -> None:
    await house.serve(methods="POST", max_body=5)
    assert await house.ask(*pieces) == b"ok"
    assert (house.second.wires, house.mirror.counts) == ([], {"too_large": 1})


async def test_a_body_of_a_hook_that_is_too_large_is_left_out(house: House) -> None:
    await house.serve(stream, methods="POST", max_body=3)
    assert await house.ask(POST + b"abcdef") == b"ok"
    assert [one.body for one in house.original.requests] == [b"of a hook"]
    assert (house.second.wires, house.mirror.counts) == ([], {"too_large": 1})


async def test_a_body_that_the_original_does_not_take_is_left_out(house: House) -> None:
    house.original.answer = None
    await house.serve(methods=["POST"], limit=1)
    client = await house.send(POST + b"abc")
    target = await house.original.accept()
    await target.read_until(b"abc")
    await target.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    assert (await client.read_response()).status == 413
    await target.read_rest()
    assert (house.second.wires, house.mirror.counts) == ([], {"not_read": 1})
    house.original.answer = OK
    await house.ask(POST + b"abcdef")  # there is room again
    assert house.mirror.counts["sent"] == 1


async def test_what_does_not_reach_the_original_is_left_out(house: House) -> None:
    await house.original.close()
    await house.serve(is_compared=True)
    client = await house.send(GET)
    assert (await client.read_response()).status == 502
    assert (house.mirror.counts, house.compared) == ({"not_read": 1}, [])


@pytest.mark.parametrize(("methods", "count"), [(("GET", "HEAD"), 0), (["POST"], 1), ("POST", 1), ("*", 1)])
async def test_only_the_methods_that_are_meant_are_mirrored(house: House, methods: Any, count: int) -> None:
    await house.serve(methods=methods)
    await house.ask(POST + b"abcdef")
    assert len(house.second.requests) == count


async def test_by_default_nothing_is_mirrored_that_could_change_something(house: House) -> None:
    await house.serve()
    await house.ask(POST + b"abcdef")
    assert (house.second.wires, house.mirror.counts) == ([], {})


async def test_a_share_is_mirrored_by_lot(house: House) -> None:
    await house.serve(share=0.0)
    for _ in range(5):
        await house.ask(GET)
    assert house.second.requests == []
    mirror = Mirror(house.upstream, share=0.5)
    chosen = {mirror._lots.random() >= mirror._share for _ in range(200)}
    assert chosen == {True, False}


async def test_a_websocket_is_not_mirrored(house: House) -> None:
    await house.serve()
    await house.ask(
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert (house.second.wires, house.mirror.counts) == ([], {})


async def test_what_would_be_more_than_the_limit_is_left_out(house: House) -> None:
    house.second.answer = None
    await house.serve(limit=1)
    for _ in range(3):
        assert (await (await house.send(GET)).read_response()).body == b"ok"
    wire = await house.second.accept()
    await wire.read_request()
    await wire.send(SERVED)
    await house.settle()
    assert house.mirror.counts == {"sent": 1, "answered": 1, "busy": 2}
    await (await house.send(GET)).read_response()
    assert house.mirror.counts["sent"] == 2


async def test_nothing_is_mirrored_to_what_is_not_open_and_the_log_says_so_once(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.serve()
    monkeypatch.setattr(house.upstream, "_open", None)  # as at the end of the application
    for _ in range(2):
        assert (await (await house.send(GET)).read_response()).body == b"ok"
    assert house.mirror.counts == {"closed": 2}
    assert caplog.messages == ["nothing is mirrored: the upstream next is not open"]


async def test_a_mirror_to_what_does_not_run_with_the_application_is_refused_at_its_start(house: House) -> None:
    with pytest.raises(
        ConfigurationError, match=r"a route uses the upstream 'next', whose run_with\(\) was not called"
    ):
        await house.serve(is_tied=False)


# what the original does not feel


async def test_the_original_does_not_wait_for_the_mirror_nor_does_the_end_of_the_application(house: House) -> None:
    house.second.answer = None
    await house.serve()
    assert (await (await house.send(GET)).read_response()).body == b"ok"
    wire = await house.second.accept()
    await wire.read_request()
    assert house.server is not None
    house.clients[0].close()
    await bounded(house.server.close())
    assert await wire.read_rest() == b""
    assert house.mirror._under_way == 0


async def reset(wire: Wire, _: object) -> None:
    wire.abort()


async def reset_within_the_body(wire: Wire, _: object) -> None:
    await wire.send(SERVED[:-3])
    wire.close()


async def hang(wire: Wire, _: object) -> None:
    await wire.read_rest()


@pytest.mark.parametrize(
    ("answer", "outcome", "error"),
    [
        (reset, "failed", "connection_terminated"),
        (reset_within_the_body, "cut_off", "connection_terminated"),
        (b"what is no HTTP\r\n\r\n", "failed", "http_protocol_error"),
        (hang, "failed", "http_response_timeout"),
    ],
)
@pytest.mark.parametrize("is_compared", [False, True])
async def test_a_mirror_that_fails_is_seen_in_its_record_and_nowhere_else(
    house: House, answer: Any, outcome: str, error: str, is_compared: bool, caplog: pytest.LogCaptureFixture
) -> None:
    house.second.answer = answer
    await house.serve(is_compared=is_compared, timeout=0.05 if answer is hang else 60.0)
    with caplog.at_level(logging.INFO, logger="aiohttp_route_middleware.proxy"):
        assert await house.ask(GET) == b"ok"
    assert house.mirror.counts == {"sent": 1, "failed": 1}
    (record,) = house.records
    assert (record.upstream, record.outcome, record.error) == ("next", outcome, error)
    assert [line.partition(": mirror next: ")[0] for line in caplog.messages] == ["GET /a%2Fb"]
    assert [(one.status, other) for _, one, other in house.compared] == ([(200, None)] if is_compared else [])


async def test_a_reset_is_not_taken_for_the_end_of_an_answer_without_length(house: House) -> None:
    house.second.answer = None
    await house.serve(is_compared=True)
    await (await house.send(GET)).read_response()
    wire = await house.second.accept()
    await wire.read_request()
    await wire.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
    (place,) = house.upstream.opened.places.values()
    (protocol,) = place.connector._connector._acquired
    await until(lambda: protocol._read_timeout_handle is not None)  # the head was read, and the body is awaited
    wire.abort()
    await house.settle()
    assert house.mirror.counts == {"sent": 1, "failed": 1}
    (record,) = house.records
    assert (record.status, record.outcome, record.error) == (200, "cut_off", "connection_terminated")
    assert [mirrored for _, _, mirrored in house.compared] == [None]


async def test_a_mirror_that_cannot_be_reached_goes_out_as_any_target(house: House) -> None:
    at = {"targets": NOWHERE, "ejection": Ejection(failures=1, share=1)}
    await house.serve(at=at)
    await house.ask(GET)
    await house.ask(GET)
    assert [record.error for record in house.records] == ["connection_refused", "destination_unavailable"]


async def test_a_mistake_of_the_application_behind_the_mirror_is_seen_there_only(house: House) -> None:
    def choose(request: web.Request) -> str:
        raise LookupError

    await house.serve(at={"targets": DynamicTargets(choose, allow=["a.example"])})
    assert await house.ask(GET) == b"ok"
    assert [record.error for record in house.records] == ["proxy_internal_error"]


async def test_the_record_of_the_second_upstream_tells_of_what_was_mirrored(house: House) -> None:
    await house.serve(methods="POST")
    await house.ask(POST + b"abcdef")
    (record,) = house.records
    assert (record.upstream, record.method, record.path, record.attempts) == ("next", "POST", "/", 1)
    assert (record.status, record.outcome, record.bytes_up, record.bytes_down) == (200, "answered", 6, 6)
    target = f"http://127.0.0.1:{house.second.port}"
    assert (record.target, record.target_name) == (target, target)
    assert record.connect_seconds is not None


async def test_the_record_has_the_name_of_the_target_that_was_mirrored_to(house: House) -> None:
    await house.serve(at={"targets": Target(f"http://127.0.0.1:{house.second.port}", name="b")})
    await house.ask(GET)
    assert [record.target_name for record in house.records] == ["b"]


@pytest.mark.parametrize("is_compared", [False, True])
async def test_an_answer_that_is_too_long_is_read_to_its_end_and_not_broken_off(
    house: House, is_compared: bool
) -> None:
    house.second.answer = None
    await house.serve(max_body=5, is_compared=is_compared)
    for _ in range(2):  # over the same connection
        await (await house.send(GET)).read_response()
        wire = house.second.wires[0] if house.second.wires else await house.second.accept()
        await wire.read_request()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x" * 500_000, b"x" * 500_000)
        await house.settle()
    assert house.mirror.counts["answered"] == 2
    assert [record.bytes_down for record in house.records] == [1_000_000, 1_000_000]
    expected = (200, None, b"xxxxx", False)
    assert [shorten(mirrored) for _, _, mirrored in house.compared] == [expected] * (2 * is_compared)


async def test_an_answer_that_does_not_end_is_broken_off_when_time_is_up_and_has_failed(house: House) -> None:
    house.second.answer = None
    await house.serve(timeout=0.05)
    await (await house.send(GET)).read_response()
    wire = await house.second.accept()
    await wire.read_request()
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabcdef")
    await wire.read_rest()
    await house.settle()
    assert house.mirror.counts == {"sent": 1, "failed": 1}
    assert [record.outcome for record in house.records] == ["cut_off"]


# responses, compared


def shorten(copy: AnswerCopy | None) -> Any:
    return copy and (copy.status, copy.headers.get("X-Version"), copy.body, copy.is_whole)


async def test_both_answers_are_compared_with_the_record_of_the_original(house: House) -> None:
    await house.serve(is_compared=True)
    await house.ask(GET)
    ((record, original, mirrored),) = house.compared
    assert (record.upstream, record.path, record.outcome) == ("upstream", "/a%2Fb", "answered")
    assert shorten(original) == (200, None, b"ok", True)
    assert shorten(mirrored) == (200, "2", b"mirror", True)


async def test_the_answer_of_the_original_is_compared_as_its_target_has_sent_it(house: House) -> None:
    async def change(exchange: Exchange) -> Any:
        yield
        await exchange.answer.read()
        exchange.answer.replace_body(b"changed")
        exchange.response.headers["X-Version"] = "3"

    await house.serve(change, is_compared=True)
    assert await house.ask(GET) == b"changed"
    assert shorten(house.compared[0][1]) == (200, None, b"ok", True)


async def test_what_was_not_read_of_the_original_is_not_the_whole(house: House) -> None:
    async def change(exchange: Exchange) -> Any:
        yield
        exchange.answer.replace_body(b"changed")

    house.original.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc"
    await house.serve(change, is_compared=True)
    assert await house.ask(GET) == b"changed"
    assert house.compared[0][1].is_whole is False


async def test_answers_to_head_are_compared(house: House) -> None:
    house.original.answer = house.second.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"
    await house.serve(is_compared=True)
    await house.ask(GET.replace(b"GET", b"HEAD"))
    ((_, original, mirrored),) = house.compared
    assert shorten(original) == shorten(mirrored) == (200, None, b"", True)


async def test_longer_bodies_are_compared_by_what_they_begin_with(house: House) -> None:
    house.original.answer = SERVED
    await house.serve(is_compared=True, max_body=3)
    assert await house.ask(GET) == b"mirror"
    ((_, original, mirrored),) = house.compared
    assert shorten(original) == shorten(mirrored) == (200, "2", b"mir", False)


async def test_an_original_that_is_broken_off_is_not_compared(house: House) -> None:
    house.original.answer = reset_within_the_body
    await house.serve(is_compared=True)
    await (await house.send(GET)).read_rest()
    await house.settle()
    assert (house.compared, house.mirror.counts) == ([], {"sent": 1, "answered": 1})


async def test_an_original_that_does_not_end_is_not_waited_for(house: House) -> None:
    house.original.answer = None
    await house.serve(is_compared=True, timeout=0.05)
    client = await house.send(GET)
    target = await house.original.accept()
    await target.read_request()
    await house.settle()
    assert house.mirror.counts == {"sent": 1, "answered": 1, "not_compared": 1}
    await target.send(OK)
    assert (await client.read_response()).body == b"ok"
    assert house.compared == []


async def test_a_comparison_that_fails_is_reported_and_harms_nobody(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    def compare(*compared: Any) -> None:
        raise LookupError("they differ")

    await house.serve(compare=compare)
    assert await house.ask(GET) == b"ok"
    assert "Mirror() could not tell of a request" in caplog.text
    assert house.mirror._under_way == 0


# options


async def compare_late(record: object, original: object, mirrored: object) -> None:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"upstream": NOWHERE}, "upstream is"),
        ({"share": 1.5}, "share=1.5"),
        ({"methods": []}, "methods=[]"),
        ({"methods": "GET, HEAD"}, "methods='GET, HEAD'"),
        ({"max_body": -1}, "max_body=-1"),
        ({"limit": 0}, "limit=0"),
        ({"timeout": 0}, "timeout=0"),
        ({"compare": "=="}, "compare is"),
        ({"compare": lambda record: None}, "with 1 required parameter (record)"),
        ({"compare": compare_late}, "which is async"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        Mirror(**{"upstream": Upstream(NOWHERE), **options})
    assert error.value.battery == "Mirror()"
    assert problem in error.value.problem


def test_an_endpoint_takes_a_mirror_and_nothing_else() -> None:
    make: Callable[..., Any] = proxy
    with pytest.raises(ConfigurationError, match="mirror is"):
        make(Upstream(NOWHERE), mirror=Upstream(NOWHERE))
