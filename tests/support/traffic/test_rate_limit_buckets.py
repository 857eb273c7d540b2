"""A key stands for one caller in one bucket, and for no other."""

from aiohttp import web
from hypothesis import assume, given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.support.traffic.rate_limit_buckets import hash_key, name_route
from aiohttp_route_middleware.typedefs import Handler

BUCKETS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
CALLERS = st.text(st.characters(exclude_categories=()))  # lone surrogates, as headers may hold, among them


@given(BUCKETS, CALLERS, BUCKETS, CALLERS)
def test_keys_differ_where_buckets_or_callers_do(one: str, caller: str, other: str, second: str) -> None:
    assume((one, caller) != (other, second))
    assert hash_key(one, caller) != hash_key(other, second)


@given(BUCKETS, CALLERS)
def test_keys_are_short_and_plain(bucket: str, caller: str) -> None:
    key = hash_key(bucket, caller)
    assert len(key) == 40
    assert set(key) <= set("0123456789abcdef")


async def test_routes_are_named_by_method_and_template(aiohttp_client: AiohttpClient) -> None:
    names = []

    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.Response:
        names.append(name_route(request))
        return web.Response()

    async def answer(request: web.Request) -> web.Response:
        raise NotImplementedError("the middleware has answered")

    app, inner = web.Application(middlewares=[note]), web.Application()
    inner.router.add_get("/posts/{id:\\d+}", answer)
    app.router.add_post("/posts", answer)
    app.router.add_route("*", "/any", answer)
    app.add_subapp("/sub", inner)
    client = await aiohttp_client(app)
    asked = [
        ("POST", "/posts"),
        ("GET", "/sub/posts/1"),
        ("HEAD", "/sub/posts/2"),
        ("PUT", "/any"),
        ("PUT", "/posts"),
        ("GET", "/nowhere"),
    ]
    for method, path in asked:
        async with client.request(method, path):
            pass
    template = "route GET /sub/posts/{id}"
    assert names == ["route POST /posts", template, template, "route * /any", "route none", "route none"]
