"""Tags, and conditions: 304 for what a client has, 412 for what has changed."""

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ETag, hdrs, web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.cache_control import cache_control
from aiohttp_route_middleware.middlewares.compress import compress
from aiohttp_route_middleware.middlewares.etag import etag

from ..scopes import each_scope, path_in
from ..scopes import make_app as make_scoped
from .matrix import MATRIX, Case, ask, make_app
from .wire import send

DAY = "Sun, 06 Nov 1994 08:49:37 GMT"
EARLIER = "Sat, 05 Nov 1994 08:49:37 GMT"
MOMENT = dt.datetime(1994, 11, 6, 8, 49, 37, tzinfo=dt.timezone.utc)
TEXT = "what is sent"
HEADERS = {
    "Cache-Control": "max-age=60",
    "Content-Location": "/there",
    "Expires": DAY,
    "Vary": "Accept",
    "Content-Language": "en",
    "X-Other": "stays",
}


async def show(_: web.Request) -> web.Response:
    response = web.Response(text=TEXT, headers=HEADERS)
    response.set_cookie("a", "b")
    return response


async def client_for(aiohttp_client: AiohttpClient, *links: Any) -> Any:
    app = web.Application()
    setup(app)
    router: Any = UrlDispatcherEx.install(app)
    router.add_route("*", "/", *links)
    return await aiohttp_client(app)


@pytest.mark.parametrize(("scope", "case"), MATRIX)
async def test_only_bodies_of_200_are_tagged(scope: str, case: Case, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(scope, etag()))
    async with ask(client, scope, case) as response:
        assert response.status == case.status
        of_file = case.name in ("file", "206")  # FileResponse sets its own
        assert len(response.headers.getall("ETag", [])) == (case.name in ("200", "HEAD") or of_file)


@each_scope
async def test_what_a_client_has_is_not_sent_again(scope: str, aiohttp_client: AiohttpClient) -> None:
    app = make_scoped(scope, [etag()], {"GET /": show})
    setup(app)
    client = await aiohttp_client(app)
    async with client.get(path_in(scope, "/")) as response:
        tag = response.headers["ETag"]
        assert await response.text() == TEXT
    for method in ("GET", "HEAD"):
        async with client.request(method, path_in(scope, "/"), headers={"If-None-Match": f'"x", {tag}'}) as response:
            assert response.status == 304
            assert response.headers["ETag"] == tag
            assert await response.read() == b""


async def test_a_304_has_the_headers_it_must_have_and_no_others(aiohttp_client: AiohttpClient) -> None:
    client = await client_for(aiohttp_client, etag(), show)
    answer = await send(client, "GET / HTTP/1.1", "Host: a", "If-None-Match: *")
    names = {name.lower() for name in answer.headers}
    kept = {"cache-control", "content-location", "date", "etag", "expires", "vary"}
    assert names == kept | {"x-other", "set-cookie", "server", "connection"}
    assert answer.body == b""


async def test_head_and_get_have_the_same_tag(aiohttp_client: AiohttpClient) -> None:
    client = await client_for(aiohttp_client, etag(), show)
    async with client.get("/") as response, client.head("/") as head:
        assert head.headers["ETag"] == response.headers["ETag"]
        assert head.headers["Content-Length"] == str(len(TEXT))


async def test_a_handler_of_its_own_for_head_is_not_tagged(aiohttp_client: AiohttpClient) -> None:
    async def head(_: web.Request) -> web.Response:
        return web.Response()

    client = await client_for(aiohttp_client, etag(), head)
    async with client.head("/") as response:
        assert "ETag" not in response.headers


@pytest.mark.parametrize("size", [0, 10, 262_145], ids=["empty", "small", "in a thread"])
@pytest.mark.parametrize("kind", [bytes, bytearray])
async def test_equal_bodies_have_equal_tags_and_others_others(
    size: int, kind: Any, aiohttp_client: AiohttpClient
) -> None:
    async def fill(request: web.Request) -> web.Response:
        return web.Response(body=kind(request.query["with"].encode() * size))

    client = await client_for(aiohttp_client, etag(), fill)
    tags: list[str] = []
    for letter in "aab":
        async with client.get("/", params={"with": letter}) as response:
            tags.append(response.headers["ETag"])
    assert tags[0] == tags[1]
    assert (tags[0] == tags[2]) is (size == 0)
    assert tags[0][0] == '"'


async def test_tags_are_weak_if_that_is_wanted(aiohttp_client: AiohttpClient) -> None:
    client = await client_for(aiohttp_client, etag(weak=True), show)
    async with client.get("/") as response:
        tag = response.headers["ETag"]
    assert tag.startswith('W/"')
    async with client.get("/", headers={"If-None-Match": tag[2:]}) as response:
        assert response.status == 304


async def test_what_aiohttp_compresses_has_a_weak_tag_and_still_gives_304(aiohttp_client: AiohttpClient) -> None:
    async def compressed(_: web.Request) -> web.Response:
        response = web.Response(text=TEXT * 100)
        response.enable_compression()
        return response

    client = await client_for(aiohttp_client, etag(), compressed)
    async with client.get("/") as response:
        tag = response.headers["ETag"]
        assert tag.startswith("W/")
        assert await response.text() == TEXT * 100
    async with client.get("/", headers={"If-None-Match": tag}) as response:
        assert response.status == 304
        assert "Content-Encoding" not in response.headers


async def own(request: web.Request) -> web.Response:
    headers = {name: request.query[name] for name in ("ETag", "Last-Modified") if name in request.query}
    return web.Response(text=TEXT, status=int(request.query.get("status", 200)), headers=headers)


@pytest.mark.parametrize(
    ("query", "condition", "status"),
    [
        pytest.param({"ETag": '"v1"'}, {"If-None-Match": '"v1"'}, 304, id="its tag"),
        pytest.param({"ETag": 'W/"v1"'}, {"If-None-Match": '"v1"'}, 304, id="its weak tag"),
        pytest.param({"ETag": '"v1"'}, {"If-None-Match": '"v2"'}, 200, id="another tag"),
        pytest.param({"ETag": '"v1"'}, {"If-Match": '"v2"'}, 412, id="another tag expected"),
        pytest.param({"Last-Modified": DAY}, {"If-Modified-Since": DAY}, 304, id="its date"),
        pytest.param({"Last-Modified": DAY}, {"If-Unmodified-Since": EARLIER}, 412, id="older"),
        pytest.param(
            {"ETag": '"v1"', "Last-Modified": DAY},
            {"If-None-Match": '"v2"', "If-Modified-Since": DAY},
            200,
            id="a tag outweighs a date",
        ),
        pytest.param({"ETag": '"v1"', "status": "203"}, {"If-None-Match": '"v1"'}, 304, id="another success"),
        pytest.param({"ETag": '"v1"', "status": "404"}, {"If-None-Match": '"v1"'}, 404, id="no success"),
        pytest.param({"status": "203"}, {"If-Match": '"v1"'}, 203, id="without anything known"),
    ],
)
async def test_what_the_handler_has_set_is_used(
    query: dict[str, str], condition: dict[str, str], status: int, aiohttp_client: AiohttpClient
) -> None:
    client = await client_for(aiohttp_client, etag(), own)
    async with client.get("/", params=query, headers=condition) as response:
        assert response.status == status
        if "ETag" in query and status != 412:
            assert response.headers.getall("ETag") == [query["ETag"]]


async def test_a_date_stays_on_a_304_without_a_tag(aiohttp_client: AiohttpClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"never sent"

    async def dated(_: web.Request) -> web.Response:
        return web.Response(body=pieces(), headers={"Last-Modified": DAY})

    client = await client_for(aiohttp_client, etag(), dated)
    async with client.get("/", headers={"If-Modified-Since": DAY}) as response:
        assert response.status == 304
        assert response.headers["Last-Modified"] == DAY
        assert "Transfer-Encoding" not in response.headers


class Stream:
    """A handler that prepares its response by itself."""

    def __init__(self, **headers: str) -> None:
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.prepared = 0

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain", "Vary": "Accept", **self.headers})
        await response.prepare(request)
        self.prepared += 1
        await response.write(b"streamed")
        return response


@pytest.mark.parametrize(
    ("headers", "condition", "status", "prepared"),
    [
        pytest.param({}, {"If-None-Match": "*"}, 200, 1, id="untouched"),
        pytest.param({"ETag": '"v1"'}, {}, 200, 1, id="without a condition"),
        pytest.param({"ETag": '"v1"'}, {"If-None-Match": '"v2"'}, 200, 1, id="another tag"),
        pytest.param({"ETag": '"v1"'}, {"If-None-Match": '"v1"'}, 304, 0, id="its tag"),
        pytest.param({"ETag": '"v1"', "Content_Length": "8"}, {"If-None-Match": '"v1"'}, 304, 0, id="with a length"),
        pytest.param({"Last_Modified": DAY}, {"If-Modified-Since": DAY}, 304, 0, id="its date"),
        pytest.param({"ETag": '"v1"'}, {"If-Match": '"v2"'}, 412, 0, id="another tag expected"),
    ],
)
async def test_a_stream_is_broken_off_before_its_first_byte(
    headers: dict[str, str],
    condition: dict[str, str],
    status: int,
    prepared: int,
    aiohttp_client: AiohttpClient,
) -> None:
    stream = Stream(**headers)
    client = await client_for(aiohttp_client, etag(), cache_control(max_age=60), stream)
    async with client.get("/", headers=condition) as response:
        assert (response.status, stream.prepared) == (status, prepared)
        assert (await response.read() == b"streamed") is (status == 200)
        if status == 304:
            assert response.headers["Vary"] == "Accept"
            assert response.headers.getall("Cache-Control") == ["max-age=60"]
            assert not {"Content-Type", "Content-Length", "Transfer-Encoding"} & response.headers.keys()
    async with client.get("/") as response:  # over the same connection
        assert await response.read() == b"streamed"


async def test_a_stream_that_is_returned_unprepared_is_tagged_by_current(aiohttp_client: AiohttpClient) -> None:
    async def empty(_: web.Request) -> web.StreamResponse:
        return web.StreamResponse()

    client = await client_for(aiohttp_client, etag(lambda _: "v1"), empty)
    async with client.get("/") as response:
        assert response.headers["ETag"] == '"v1"'
    async with client.get("/", headers={"If-None-Match": '"v1"'}) as response:
        assert response.status == 304


async def test_a_file_answers_conditions_itself(aiohttp_client: AiohttpClient) -> None:
    async def send_file(_: web.Request) -> web.FileResponse:
        return web.FileResponse(Path(__file__))

    client = await client_for(aiohttp_client, etag(), send_file)
    async with client.get("/") as response:
        tag = response.headers["ETag"]
    async with client.get("/", headers={"If-None-Match": tag}) as response:
        assert response.status == 304
    async with client.get("/", headers={"Range": "bytes=0-3", "If-Range": tag}) as response:
        assert response.status == 206


class Post:
    """What is changed, and who asked for its tag."""

    def __init__(self, tag: Any = "v1", modified: Any = MOMENT) -> None:
        self.tag = tag
        self.changed: Any = modified
        self.calls: list[str] = []

    async def current(self, _: web.Request) -> Any:
        self.calls.append("current")
        return self.tag

    def modified(self, _: web.Request) -> Any:
        self.calls.append("modified")
        return self.changed

    async def __call__(self, request: web.Request) -> web.Response:
        self.calls.append(request.method)
        return web.Response(text=TEXT)


CHANGES = [
    pytest.param("v1", {"If-Match": '"v1"'}, 200, id="the expected tag"),
    pytest.param("v1", {"If-Match": '"v0", "v1"'}, 200, id="one of the expected tags"),
    pytest.param("v1", {"If-Match": '"v0"'}, 412, id="another tag"),
    pytest.param("v1", {"If-Match": 'W/"v1"'}, 412, id="a weak tag"),
    pytest.param('W/"v1"', {"If-Match": 'W/"v1"'}, 412, id="two weak tags"),
    pytest.param(ETag("v1"), {"If-Match": '"v1"'}, 200, id="as an ETag"),
    pytest.param('"v1"', {"If-Match": '"v1"'}, 200, id="with its quotation marks"),
    pytest.param(None, {"If-Match": "*"}, 412, id="nothing to change"),
    pytest.param("v1", {"If-Match": "*"}, 200, id="something to change"),
    pytest.param(None, {"If-None-Match": "*"}, 200, id="something new"),
    pytest.param("v1", {"If-None-Match": "*"}, 412, id="something new that is there"),
    pytest.param("v1", {"If-Unmodified-Since": DAY}, 200, id="unchanged since"),
    pytest.param("v1", {"If-Unmodified-Since": EARLIER}, 412, id="changed since"),
    pytest.param("v1", {"If-Modified-Since": DAY}, 200, id="a date that is for those who read"),
    pytest.param(
        "v1",
        {"If-Match": '"v1"', "If-Unmodified-Since": EARLIER},
        200,
        id="a tag outweighs a date",
    ),
]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST"])
@pytest.mark.parametrize(("tag", "condition", "status"), CHANGES)
async def test_a_change_is_refused_before_the_handler_runs(
    method: str, tag: Any, condition: dict[str, str], status: int, aiohttp_client: AiohttpClient
) -> None:
    post = Post(tag)
    client = await client_for(aiohttp_client, etag(post.current, modified=post.modified), post)
    async with client.request(method, "/", headers=condition) as response:
        assert response.status == status
        assert (method in post.calls) is (status == 200)


async def test_without_a_condition_nothing_is_asked(aiohttp_client: AiohttpClient) -> None:
    post = Post()
    client = await client_for(aiohttp_client, etag(post.current), post)
    async with client.put("/") as response:
        assert response.status == 200
    assert post.calls == ["PUT"]


@pytest.mark.parametrize("condition", ["If-Match", "If-None-Match"])
async def test_without_current_the_condition_of_a_change_is_passed_on(
    condition: str, aiohttp_client: AiohttpClient
) -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.Response(text=request.headers[condition])

    client = await client_for(aiohttp_client, etag(), echo)
    async with client.put("/", headers={condition: "*"}) as response:
        assert await response.text() == "*"


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        pytest.param({"If-Unmodified-Since": EARLIER}, 412, id="changed since"),
        pytest.param({"If-Unmodified-Since": DAY}, 200, id="unchanged since"),
        pytest.param({"If-Match": '"v1"', "If-Unmodified-Since": EARLIER}, 200, id="a tag is passed on"),
        pytest.param({"If-None-Match": "*"}, 200, id="so is what must not be there"),
    ],
)
async def test_dates_alone_may_be_known(condition: dict[str, str], status: int, aiohttp_client: AiohttpClient) -> None:
    post = Post()
    client = await client_for(aiohttp_client, etag(modified=post.modified), post)
    async with client.put("/", headers=condition) as response:
        assert response.status == status


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
async def test_methods_that_neither_read_nor_change_ignore_conditions(
    method: str, aiohttp_client: AiohttpClient
) -> None:
    post = Post()
    client = await client_for(aiohttp_client, etag(post.current), post)
    async with client.request(method, "/", headers={"If-Match": '"v0"'}) as response:
        assert response.status == 200
    assert post.calls == [method]


async def test_what_reads_gets_the_tag_and_the_date_that_a_change_compares(aiohttp_client: AiohttpClient) -> None:
    post = Post()
    client = await client_for(aiohttp_client, etag(post.current, modified=post.modified), post)
    async with client.get("/") as response:
        assert response.headers["ETag"] == '"v1"'
        assert response.headers["Last-Modified"] == DAY
    assert post.calls == ["current", "modified", "GET"]  # first: a tag must not be newer than the body
    for condition in ({"If-None-Match": '"v1"'}, {"If-Modified-Since": DAY}):
        async with client.get("/", headers=condition) as response:
            assert response.status == 304
    post.tag = post.changed = None
    async with client.get("/") as response:
        assert not {"ETag", "Last-Modified"} & response.headers.keys()


async def test_a_stream_gets_the_tag_of_current(aiohttp_client: AiohttpClient) -> None:
    stream = Stream()
    client = await client_for(aiohttp_client, etag(lambda _: "v1"), stream)
    async with client.get("/") as response:
        assert response.headers["ETag"] == '"v1"'
    async with client.get("/", headers={"If-None-Match": '"v1"'}) as response:
        assert response.status == 304
    assert stream.prepared == 1


async def test_a_date_of_the_handler_stays(aiohttp_client: AiohttpClient) -> None:
    client = await client_for(aiohttp_client, etag(modified=Post().modified), own)
    async with client.get("/", params={"Last-Modified": EARLIER}) as response:
        assert response.headers["Last-Modified"] == EARLIER


@pytest.mark.parametrize(
    ("post", "problem"),
    [
        pytest.param(Post(tag=5), "current() returned 5", id="a number"),
        pytest.param(Post(tag='a"b'), "current() returned 'a\"b'", id="a quotation mark"),
        pytest.param(Post(tag="a b"), "current() returned 'a b'", id="a blank"),
        pytest.param(Post(tag="a\r\nb"), "current() returned", id="two lines"),
        pytest.param(Post(modified=5), "modified() returned 5", id="no date"),
        pytest.param(
            Post(modified=MOMENT.replace(tzinfo=None)), "modified() returned datetime.datetime(1994", id="no time zone"
        ),
    ],
)
async def test_what_is_no_tag_or_date_is_a_mistake(
    post: Post, problem: str, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = await client_for(aiohttp_client, etag(post.current, modified=post.modified), post)
    async with client.get("/") as response:
        assert response.status == 500
    assert problem in caplog.text


async def test_an_inner_and_an_outer_one_agree(aiohttp_client: AiohttpClient) -> None:
    client = await client_for(aiohttp_client, etag(), etag(weak=True), show)
    async with client.get("/") as response:
        tags = response.headers.getall("ETag")
    assert len(tags) == 1
    assert tags[0].startswith("W/")
    async with client.get("/", headers={hdrs.IF_NONE_MATCH: tags[0]}) as response:
        assert response.status == 304


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"current": "v1"}, "current is"),
        ({"modified": MOMENT}, "modified is"),
        ({"weak": 1}, "weak=1; write True or False"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        etag(**options)
    assert str(raised.value).startswith(f"etag(): {message}")


BECAUSE = "If-Match compares strongly (RFC 9110, section 13.1.1), and the entity tag"


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize(
    ("tag", "condition", "text"),
    [
        pytest.param('W/"v1"', 'W/"v1"', f"{BECAUSE} of this representation is weak.", id="two weak tags"),
        pytest.param('W/"v1"', '"v1"', f"{BECAUSE} of this representation is weak.", id="its tag is weak"),
        pytest.param("v1", '"v0", W/"v1"', f"{BECAUSE} that was sent is weak.", id="the tag that was sent is weak"),
        pytest.param("v1", '"v0"', "412: Precondition Failed", id="another tag"),
        pytest.param('W/"v1"', 'W/"v0"', "412: Precondition Failed", id="another weak tag"),
    ],
)
async def test_a_412_says_why_where_weakness_alone_is_the_reason(
    method: str, tag: str, condition: str, text: str, aiohttp_client: AiohttpClient
) -> None:
    post = Post(tag)
    client = await client_for(aiohttp_client, etag(post.current), post)
    async with client.request(method, "/", headers={"If-Match": condition}) as response:
        assert (response.status, await response.text()) == (412, text)


async def test_a_stream_that_is_refused_says_why_as_well(aiohttp_client: AiohttpClient) -> None:
    client = await client_for(aiohttp_client, etag(), Stream(ETag='W/"v1"'))
    async with client.get("/", headers={"If-Match": 'W/"v1"'}) as response:
        assert (response.status, await response.text()) == (412, f"{BECAUSE} of this representation is weak.")


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_who_has_the_tag_from_behind_compress_is_told_why_it_never_matches(
    method: str, aiohttp_client: AiohttpClient
) -> None:
    post = Post()
    client = await client_for(aiohttp_client, compress(minimum_size=0), etag(post.current), post)
    async with client.get("/", headers={"Accept-Encoding": "gzip"}) as response:
        tag = response.headers["ETag"]
    assert tag == 'W/"v1"'
    async with client.request(method, "/", headers={"If-Match": tag}) as response:
        assert (response.status, await response.text()) == (412, f"{BECAUSE} that was sent is weak.")
