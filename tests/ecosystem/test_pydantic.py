"""aiohttp-pydantic validates and injects on chained views as on plain ones, and its OpenAPI page sees them."""

import pytest
from aiohttp import web
from aiohttp_pydantic import PydanticView, oas
from pydantic import BaseModel
from pytest_aiohttp.plugin import AiohttpClient

from .conftest import Register

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:aiohttp_pydantic")


class Comment(BaseModel):
    text: str
    stars: int = 0


class Comments(PydanticView):
    async def get(self, post: int, /, limit: int = 10) -> web.Response:
        """List comments."""
        return web.json_response({"post": post, "limit": limit})

    async def post(self, post: int, /, comment: Comment) -> web.Response:
        """Write a comment."""
        return web.json_response({"post": post, "stars": comment.stars}, status=201)


async def test_injection_and_validation(aiohttp_client: AiohttpClient, behind_links: Register) -> None:
    app = web.Application()
    app.router.add_view("/posts/{post}/comments", behind_links(Comments))
    client = await aiohttp_client(app)
    assert await (await client.get("/posts/7/comments?limit=3")).json() == {"post": 7, "limit": 3}
    written = await client.post("/posts/7/comments", json={"text": "hello", "stars": 5})
    assert (written.status, await written.json()) == (201, {"post": 7, "stars": 5})
    refused = await client.post("/posts/7/comments", json={"stars": "many"})
    assert refused.status == 400
    assert {error["loc"][0] for error in await refused.json()} == {"text", "stars"}


async def test_the_openapi_page_describes_the_views(aiohttp_client: AiohttpClient, behind_links: Register) -> None:
    app = web.Application()
    oas.setup(app)
    app.router.add_view("/posts/{post}/comments", behind_links(Comments))
    client = await aiohttp_client(app)
    spec = await (await client.get("/oas/spec")).json()
    operations = spec["paths"]["/posts/{post}/comments"]
    assert operations["get"]["description"] == "List comments."
    assert [parameter["name"] for parameter in operations["get"]["parameters"]] == ["post", "limit"]
    assert "requestBody" in operations["post"]
