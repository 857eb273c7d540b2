"""aiohttp-apispec documents chained routes and hands them parsed data, as it does plain ones.

Refusals are not looked at: with today's webargs, aiohttp-apispec answers 500 to bad data on plain routes, too.
"""

import warnings
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from aiohttp_apispec import docs, request_schema, setup_aiohttp_apispec, validation_middleware
    from marshmallow import Schema, fields

from .conftest import Register

pytestmark = pytest.mark.filterwarnings(
    "ignore::aiohttp.web.NotAppKeyWarning", "ignore:distutils:DeprecationWarning", "ignore::DeprecationWarning:apispec"
)


class CommentSchema(Schema):
    stars = fields.Int(required=True)


@docs(tags=["comments"], summary="Write a comment")
@request_schema(CommentSchema)
async def write(request: web.Request) -> web.Response:
    return web.json_response(request["data"])


class Write(web.View):
    @docs(tags=["comments"], summary="Write a comment")
    @request_schema(CommentSchema)
    async def post(self) -> web.Response:
        return web.json_response(self.request["data"])


@pytest.mark.parametrize("handler", [write, Write], ids=["function", "view"])
async def test_documentation_and_parsed_data(
    aiohttp_client: AiohttpClient, behind_links: Register, handler: Any
) -> None:
    app = web.Application(middlewares=[validation_middleware])
    if handler is write:
        app.router.add_post("/comments", behind_links(write))
    else:
        app.router.add_view("/comments", behind_links(Write))
    setup_aiohttp_apispec(app, title="test", version="1", url="/spec")
    client = await aiohttp_client(app)
    operation = (await (await client.get("/spec")).json())["paths"]["/comments"]["post"]
    assert (operation["summary"], operation["tags"]) == ("Write a comment", ["comments"])
    assert await (await client.post("/comments", json={"stars": 5})).json() == {"stars": 5}
