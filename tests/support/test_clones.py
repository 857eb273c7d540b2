"""A clone has what was read of its request, and the same keys."""

from typing import Any

import pytest
from aiohttp import FormData, web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.support.clones import clone_request, close_clone

KEY: web.RequestKey[str] = web.RequestKey("KEY", str)


async def post(handler: Any, aiohttp_client: AiohttpClient, data: Any) -> str:
    app = web.Application()
    app.router.add_post("/", handler)
    async with (await aiohttp_client(app)).post("/", data=data) as response:
        assert response.status == 200
        return await response.text()


@pytest.mark.parametrize("size", [0, 5], ids=["no body", "a body"])
@pytest.mark.parametrize("is_read", [False, True], ids=["unread", "read"])
async def test_a_body_is_read_from_either(size: int, is_read: bool, aiohttp_client: AiohttpClient) -> None:
    async def handler(request: web.Request) -> web.Response:
        if is_read:
            await request.read()
        clone = clone_request(request, method="PUT")
        read = await clone.read()
        assert not is_read or await request.read() == read
        return web.Response(text=f"{clone.method} {len(read)} {request.method}")

    assert await post(handler, aiohttp_client, b"x" * size) == f"PUT {size} POST"


async def test_a_request_that_cannot_be_cloned_keeps_what_was_read(aiohttp_client: AiohttpClient) -> None:
    async def handler(request: web.Request) -> web.Response:
        await request.read()
        with pytest.raises(TypeError):
            clone_request(request, nonsense=True)
        return web.Response(body=await request.read())

    assert await post(handler, aiohttp_client, b"body") == "body"


async def test_a_key_that_is_set_on_a_clone_is_on_the_request(aiohttp_client: AiohttpClient) -> None:
    async def handler(request: web.Request) -> web.Response:
        clone = clone_request(request)
        clone[KEY] = "set on the clone"
        text = request[KEY]
        del request[KEY]
        assert KEY not in clone
        return web.Response(text=text)

    assert await post(handler, aiohttp_client, b"") == "set on the clone"


@pytest.mark.parametrize("is_read", [False, True], ids=["read from the clone", "read before"])
async def test_files_of_a_form_are_closed_with_whoever_has_read_it(
    is_read: bool, aiohttp_client: AiohttpClient
) -> None:
    async def read_file(request: web.Request) -> None:
        clone = clone_request(request)
        field = (await clone.post())["file"]
        assert isinstance(field, web.FileField)
        files.append(field.file)
        assert field.file.read() == b"content"
        close_clone(clone, request)

    async def handler(request: web.Request) -> web.Response:
        if is_read:
            await request.post()
        await read_file(request)
        return web.Response(text=str(files[0].closed))

    files: list[Any] = []
    form = FormData()
    form.add_field("file", b"content", filename="a")
    assert await post(handler, aiohttp_client, form) == str(not is_read)
