"""What makes two requests the same; and the body that was looked at can be read by any means."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from aiohttp import FormData, MultipartWriter, StreamReader, web
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.idempotency.fingerprints import (
    hash_parts,
    peek_body,
    split_body,
    take_fingerprint,
)

LARGE = b"x" * 1_100_000


@given(st.lists(st.binary()), st.lists(st.binary()))
def test_other_parts_have_another_hash(some: list[bytes], others: list[bytes]) -> None:
    assert (hash_parts(some) == hash_parts(others)) is (some == others)


def test_it_is_a_hash_and_not_what_was_sent() -> None:
    assert hash_parts([b"secret"]) == hashlib.sha256(b"6:secret").digest()


@given(st.lists(st.binary(max_size=20).filter(lambda part: b"--" not in part), max_size=4))
def test_the_boundary_of_a_form_does_not_count(parts: list[bytes]) -> None:
    def write(boundary: str) -> tuple[bytes, str]:
        body = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts)
        return body + b"--" + boundary.encode() + b"--\r\n", f'multipart/form-data; boundary="{boundary}"'

    assert split_body(*write("one-1")) == split_body(*write("another-2"))


def test_what_is_in_a_form_counts_as_does_its_type() -> None:
    def split(part: bytes, boundary: str = "x", kind: str = "multipart/form-data") -> list[bytes]:
        return split_body(b"--x\r\n\r\n" + part + b"\r\n--x--\r\n", f"{kind}; boundary={boundary}")

    different = [split(b"1"), split(b"2"), split(b"1", "y"), split(b"1", kind="multipart/mixed")]
    assert len({hash_parts(parts) for parts in different}) == 4
    assert split(b"1", kind="Multipart/Form-Data") == split(b"1")


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/form-data", "text/plain; boundary=x"])
def test_any_other_body_is_one_part(content_type: str) -> None:
    assert split_body(b"--x\r\n", content_type) == [content_type.encode(), b"--x\r\n"]


async def serve(aiohttp_client: AiohttpClient, handler: Any, **options: Any) -> Any:
    app = web.Application(**options)
    app.router.add_post("/{tail:.*}", handler)
    return await aiohttp_client(app)


async def tell(request: web.Request) -> web.Response:
    fingerprint = await take_fingerprint("name()", request, request.method, "route", ("Accept-Language",))
    return web.Response(text=fingerprint.hex())


FIRST: dict[str, Any] = {"path": "/a?b=c", "data": b"1", "headers": {"Content-Type": "text/plain"}}
OTHERS: dict[str, dict[str, Any]] = {
    "path": {"path": "/b?b=c"},
    "query": {"path": "/a?b=d"},
    "body": {"data": b"2"},
    "a larger body": {"data": "large"},
    "no body": {"data": None},
    "type": {"headers": {"Content-Type": "text/html"}},
    "host": {"headers": {"Content-Type": "text/plain", "Host": "other.example"}},
    "a field that matters": {"headers": {"Content-Type": "text/plain", "Accept-Language": "de"}},
    "that field, empty": {"headers": {"Content-Type": "text/plain", "Accept-Language": ""}},
}


async def test_the_same_request_has_the_same_fingerprint_and_another_has_not(aiohttp_client: AiohttpClient) -> None:
    client = await serve(aiohttp_client, tell, client_max_size=2_000_000)

    async def ask(**options: Any) -> str:
        asked = {**FIRST, **options}
        asked["data"] = io.BytesIO(LARGE) if asked["data"] == "large" else asked["data"]
        response = await client.post(**asked)
        text: str = await response.text()
        return text

    found = {name: await ask(**other) for name, other in OTHERS.items()}
    first = await ask()
    assert len({first, *found.values()}) == len(OTHERS) + 1
    assert first == await ask(headers={**FIRST["headers"], "X-Other": "does not matter"})
    assert await ask(data="large") == found["a larger body"]


async def read(request: web.Request) -> list[str]:
    return [(await request.read()).decode()]


async def read_fields(request: web.Request) -> list[str]:
    return [str(value) for value in (await request.post()).values()]


async def read_parts(request: web.Request) -> list[str]:
    reader = await request.multipart()
    return [await part.text() async for part in reader]  # type: ignore[union-attr]  # no part has parts here


async def read_content(request: web.Request) -> list[str]:
    return [(await request.content.read()).decode()]


def make_form() -> MultipartWriter:
    form = MultipartWriter("form-data")
    form.append("a").set_content_disposition("form-data", name="a")
    form.append("b").set_content_disposition("form-data", name="b")
    return form


@pytest.mark.parametrize("is_cloned", [False, True], ids=["itself", "a clone"])
@pytest.mark.parametrize(
    ("reader", "make_data", "expected"),
    [
        pytest.param(read, lambda: b"body", ["body"], id="read()"),
        pytest.param(read, lambda: None, [""], id="read(), of nothing"),
        pytest.param(read_content, lambda: b"body", ["body"], id="content"),
        pytest.param(read_fields, lambda: FormData({"a": "1"}), ["1"], id="post(), urlencoded"),
        pytest.param(read_fields, make_form, ["a", "b"], id="post(), multipart"),
        pytest.param(read_parts, make_form, ["a", "b"], id="multipart()"),
    ],
)
async def test_the_body_can_be_read_by_any_means(
    reader: Any, make_data: Any, expected: list[str], is_cloned: bool, aiohttp_client: AiohttpClient
) -> None:
    async def handler(request: web.Request) -> web.Response:
        first = await peek_body("name()", request)
        if is_cloned:
            request = request.clone()
        assert await peek_body("name()", request) == first
        return web.json_response(await reader(request))

    client = await serve(aiohttp_client, handler)
    assert await (await client.post("/", data=make_data())).json() == expected


async def test_a_body_that_has_arrived_as_a_whole_is_not_taken_out(
    aiohttp_client: AiohttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To put it back costs more than all the rest: its warning has to be silenced."""

    async def handler(request: web.Request) -> web.Response:
        monkeypatch.delattr(StreamReader, "unread_data")
        assert await peek_body("name()", request) == b"body"
        return web.Response(body=await request.read())

    client = await serve(aiohttp_client, handler)
    assert await (await client.post("/", data=b"body")).read() == b"body"


async def test_a_body_that_comes_piece_by_piece_is_waited_for(aiohttp_client: AiohttpClient) -> None:
    begun = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        begun.set()
        assert await peek_body("name()", request) == b"body"
        return web.Response(body=await request.clone().read())

    async def send() -> AsyncIterator[bytes]:
        yield b"bo"
        await begun.wait()
        yield b"dy"

    client = await serve(aiohttp_client, handler)
    assert await (await client.post("/", data=send())).read() == b"body"


async def test_of_a_body_that_a_link_has_begun_to_read_it_is_the_rest(aiohttp_client: AiohttpClient) -> None:
    async def handler(request: web.Request) -> web.Response:
        assert await request.content.read(2) == b"bo"
        assert await peek_body("name()", request) == b"dy"
        return web.Response(body=await request.content.read())

    client = await serve(aiohttp_client, handler)
    assert await (await client.post("/", data=b"body")).read() == b"dy"


async def test_a_body_that_is_broken_is_an_error(aiohttp_client: AiohttpClient) -> None:
    """Though what has arrived of it could be read."""

    async def handler(request: web.Request) -> web.Response:
        request.content.set_exception(web.RequestPayloadError("on purpose"))
        with pytest.raises(web.RequestPayloadError):
            await peek_body("name()", request)
        request.content.set_exception(cast(Any, None))
        return web.Response()

    client = await serve(aiohttp_client, handler)
    assert (await client.post("/", data=b"body")).status == 200


async def test_a_body_that_a_link_has_read_is_the_same(aiohttp_client: AiohttpClient) -> None:
    async def handler(request: web.Request) -> web.Response:
        read = await request.read()
        assert await peek_body("name()", request) == read
        return web.Response()

    client = await serve(aiohttp_client, handler)
    assert (await client.post("/", data=b"body")).status == 200


async def test_a_body_that_a_link_has_taken_away_is_an_error_and_not_an_empty_one(
    aiohttp_client: AiohttpClient,
) -> None:
    async def handler(request: web.Request) -> web.Response:
        await request.post()
        with pytest.raises(ConfigurationError, match=r"name\(\): the body .* put this link before that one"):
            await peek_body("name()", request)
        return web.Response()

    client = await serve(aiohttp_client, handler)
    assert (await client.post("/", data=make_form())).status == 200


@pytest.mark.parametrize("size", [11, 1_100_000], ids=["at once", "piece by piece"])
async def test_a_body_over_the_limit_of_the_application_is_413(size: int, aiohttp_client: AiohttpClient) -> None:
    client = await serve(aiohttp_client, tell, client_max_size=10)
    assert (await client.post("/", data=io.BytesIO(b"x" * size))).status == 413
