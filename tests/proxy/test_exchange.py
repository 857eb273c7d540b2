"""What hooks see of an exchange, when there is a response, and what becomes of one that is replaced."""

from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.proxy import EXCHANGE, Exchange, ExchangeRecord, OutgoingRequest, ProxyResponse, after

from .incoming import ask
from .raw import OK, Between

USER = web.RequestKey[str]("USER")
GET = b"GET /posts?page=1 HTTP/1.1\r\nHost: shop.example\r\n\r\n"


def make_exchange() -> Exchange:
    outgoing = OutgoingRequest("GET", "/", CIMultiDict())
    return Exchange(ask(), outgoing, ExchangeRecord("upstream", "GET", "/"))


async def test_before_there_is_a_response_one_is_told_so() -> None:
    exchange = make_exchange()
    assert not exchange.has_response
    with pytest.raises(LookupError, match="there is no response yet"):
        _ = exchange.response
    with pytest.raises(LookupError, match="there is no answer of a target"):
        _ = exchange.answer


async def test_what_a_hook_has_set_is_the_response_and_no_answer_of_a_target() -> None:
    exchange = make_exchange()
    exchange.response = ours = web.Response()
    exchange.response = ours
    assert exchange.has_response
    assert exchange.response is ours
    with pytest.raises(LookupError, match="a hook has answered"):
        _ = exchange.answer


async def test_a_response_that_is_forgotten_is_there_no_more() -> None:
    exchange = make_exchange()
    exchange.forget_response()
    exchange.response = web.Response()
    exchange.forget_response()
    assert not exchange.has_response


@pytest.mark.parametrize("response", [None, "text", web.Response])
async def test_what_is_no_response_cannot_be_set(response: Any) -> None:
    exchange = make_exchange()
    with pytest.raises(ConfigurationError, match=r"Exchange.response: a hook has set .*; set a response of aiohttp"):
        exchange.response = response


async def test_a_hook_sees_the_incoming_request_the_outgoing_one_and_the_answer(between: Between) -> None:
    seen: list[Any] = []

    def enrich(request: web.Request) -> None:
        request[USER] = "ann"

    def before(exchange: Exchange) -> None:
        seen.append((exchange.incoming[USER], exchange.request.method, exchange.request.path))
        seen.append(exchange.record is exchange.incoming[EXCHANGE])

    @after
    def look(exchange: Exchange) -> None:
        seen.append(exchange.answer is exchange.response)
        seen.append((type(exchange.answer), exchange.response.status))

    between.upstream.answer = OK
    await between.serve(before, look, links=lambda endpoint: chain(enrich, endpoint))
    client = await between.send(GET)
    await client.read_response()
    assert seen == [("ann", "GET", "/posts?page=1"), True, True, (ProxyResponse, 200)]


async def test_a_tunnel_that_is_replaced_is_let_go(between: Between) -> None:
    @after
    def refuse(exchange: Exchange) -> None:
        exchange.response = web.Response(status=403)

    await between.serve(refuse)
    handshake = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    handshake += b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    client = await between.send(handshake)
    target = await between.upstream.accept()
    await target.read_request()
    accept = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    await target.send(b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + accept + b"\r\n")
    assert (await client.read_response()).status == 403
    assert await target.read_rest() == b""


@pytest.mark.parametrize(
    "make",
    [
        lambda headers: web.Response(body=b"other one", headers=headers),
        lambda headers: web.Response(headers=headers),
        lambda headers: web.HTTPNotFound(headers=headers),
        lambda headers: web.Response(body=aiohttp.StringPayload("other one"), headers=headers),
    ],
    ids=["bytes", "nothing", "an exception", "a payload"],
)
async def test_the_length_of_the_old_body_is_not_told_of_the_new_one(between: Between, make: Any) -> None:
    @after
    def replace(exchange: Exchange) -> None:
        exchange.response = make({"Content-Length": "1000", "X-Kept": "1"})

    between.upstream.answer = OK
    await between.serve(replace)
    client = await between.send(GET)
    response = await client.read_response()
    assert response.values("Content-Length") == [str(len(response.body)).encode()]
    assert response.values("X-Kept") == [b"1"]


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304)])
async def test_the_length_of_a_body_that_is_not_sent_stays(method: str, status: int) -> None:
    outgoing, incoming = OutgoingRequest(method, "/", CIMultiDict()), make_mocked_request(method, "/")
    exchange = Exchange(incoming, outgoing, ExchangeRecord("a", method, "/"))
    exchange.response = web.Response(status=status, headers={"Content-Length": "1000"})
    assert exchange.response.headers["Content-Length"] == "1000"


async def test_a_hook_sees_which_target_was_asked(between: Between) -> None:
    seen: list[Any] = []

    async def look(exchange: Exchange) -> Any:
        seen.append(exchange.target)
        yield
        seen.append(str(exchange.target and exchange.target.url.origin()))

    between.upstream.answer = OK
    await between.serve(look)
    await (await between.send(GET)).read_response()
    assert seen == [None, between.url]
