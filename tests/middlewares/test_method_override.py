"""A POST that stands for another method: who may say so, which route it reaches, and who sees what on the way."""

import asyncio
from typing import Any

import pytest
from aiohttp import FormData, web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx, chain, name_link
from aiohttp_route_middleware.definitions import define
from aiohttp_route_middleware.errors import ConfigurationError, RegistrationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.access_log import access_log
from aiohttp_route_middleware.middlewares.body_limit import body_limit
from aiohttp_route_middleware.middlewares.csrf import csrf
from aiohttp_route_middleware.middlewares.csrf_token import CSRF_TOKEN, csrf_token
from aiohttp_route_middleware.middlewares.method_override import method_override
from aiohttp_route_middleware.middlewares.x_frame_options import x_frame_options
from aiohttp_route_middleware.typedefs import Handler

HEADER = "X-HTTP-Method-Override"
SEEN: web.RequestKey[list[str]] = web.RequestKey("SEEN", list)


def see(name: str) -> Any:
    """A middleware that notes the method, the application, and what has matched."""

    @web.middleware
    async def see(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[SEEN] = [*request.get(SEEN, []), f"{name} {request.method} {request.app[NAME]}"]
        response = await handler(request)
        response.headers.add("X-After", f"{name} {request.app[NAME]}")
        return response

    return see


NAME = web.AppKey("NAME", str)


async def tell(request: web.Request) -> web.Response:
    body = await request.text()
    handled = f"{request.method} {request.match_info.get('id', '')} in {request.app[NAME]} {body}".strip()
    return web.json_response([*request.get(SEEN, []), handled])


def make_app(*middlewares: Any) -> web.Application:
    """An application with a sub-application, all of which tell who has seen what."""
    app = web.Application(middlewares=middlewares)
    app[NAME] = "app"
    setup(app)
    router = UrlDispatcherEx.install(app)
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
        router.add_route(method, "/posts/{id}", tell)
    router.add_route("DELETE", "/only-delete", chain(see("link"), tell))
    router.add_route("POST", "/only-post", tell)
    inner = web.Application(middlewares=[see("below")])
    inner[NAME] = "sub"
    inner.router.add_route("PUT", "/posts/{id}", tell)
    inner.router.add_route("POST", "/other", tell)
    app.add_subapp("/sub", inner)
    return app


@pytest.mark.parametrize("method", ["PUT", "DELETE", "delete", " Put "])
async def test_the_route_of_the_named_method_answers(method: str, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(method_override()))
    async with client.post("/posts/7?a=b", headers={HEADER: method}, data=b"body") as response:
        assert await response.json() == [f"{method.strip().upper()} 7 in app body"]


@pytest.mark.parametrize("headers", [{}, {HEADER: "POST"}, {HEADER: "post"}], ids=str)
async def test_a_post_that_names_no_other_method_stays_one(
    headers: dict[str, str], aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_app(method_override(query="q", field="f")))
    async with client.post("/posts/7", headers=headers, data={"a": "b"}) as response:
        assert await response.json() == ["POST 7 in app a=b"]


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_only_a_post_is_taken_for_another(method: str, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(method_override(query="_method")))
    async with client.request(method, "/posts/7?_method=DELETE", headers={HEADER: "DELETE"}) as response:
        assert await response.json() == [f"{method} 7 in app"]


@pytest.mark.parametrize(
    "named",
    [["GET"], ["HEAD"], ["OPTIONS"], ["TRACE"], ["PATCH"], ["nonsense"], [""], ["PUT", "DELETE"], ["PUT, PUT"]],
)
async def test_what_may_not_be_named_is_400(named: list[str], aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(method_override(methods=["PUT", "DELETE"])))
    async with client.post("/posts/7", headers=[(HEADER, one) for one in named]) as response:
        assert (response.status, await response.text()) == (400, "A POST can be taken here for DELETE, PUT alone.")


async def test_a_method_that_the_path_does_not_have_is_405(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(method_override(), see("inner")))
    async with client.post("/only-post", headers={HEADER: "PUT"}) as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")
    async with client.post("/nowhere", headers={HEADER: "PUT"}) as response:
        assert response.status == 404


async def test_no_route_for_post_is_needed_and_the_links_of_the_route_run(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(method_override()))
    async with client.post("/only-delete", headers={HEADER: "DELETE"}) as response:
        assert await response.json() == ["link DELETE app", "DELETE  in app"]


@pytest.mark.parametrize("is_defined", [False, True], ids=["itself", "by name"])
async def test_what_stands_before_it_sees_a_post_and_what_stands_behind_it_the_method(
    is_defined: bool, aiohttp_client: AiohttpClient
) -> None:
    battery: Any = define("method_override") if is_defined else method_override()
    client = await aiohttp_client(make_app(see("outer"), battery, see("inner")))
    async with client.post("/posts/7", headers={HEADER: "PUT"}) as response:
        assert await response.json() == ["outer POST app", "inner PUT app", "PUT 7 in app"]
        assert response.headers.getall("X-After") == ["inner app", "outer app"]


@pytest.mark.parametrize("path", ["/sub/posts/7", "/sub/other"])
async def test_sub_applications_are_found_and_their_middlewares_run(path: str, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(see("outer"), method_override(), see("inner")))
    async with client.post(path, headers={HEADER: "PUT"}) as response:
        if path == "/sub/other":
            assert response.status == 405
            return
        expected = ["outer POST app", "inner PUT app", "below PUT sub", "PUT 7 in sub"]
        assert await response.json() == expected
        assert response.headers.getall("X-After") == ["below sub", "inner app", "outer app"]


async def test_in_a_sub_application_it_stays_there(aiohttp_client: AiohttpClient) -> None:
    app, inner, innermost = (
        web.Application(middlewares=links)
        for links in ([see("outer")], [method_override(), see("inner")], [see("below")])
    )
    for one, name in ((app, "app"), (inner, "sub"), (innermost, "subsub")):
        one[NAME] = name
    app.router.add_put("/posts/{id}", tell)
    app.router.add_post("/posts/{id}", tell)
    innermost.router.add_put("/posts/{id}", tell)
    inner.add_subapp("/deep", innermost)
    app.add_subapp("/sub", inner)
    client = await aiohttp_client(app)
    async with client.post("/sub/deep/posts/7", headers={HEADER: "PUT"}) as response:
        expected = ["outer POST app", "inner PUT sub", "below PUT subsub", "PUT 7 in subsub"]
        assert await response.json() == expected
    async with client.post("/posts/7", headers={HEADER: "PUT"}) as response:
        assert await response.json() == ["outer POST app", "POST 7 in app"]


async def test_headers_of_other_batteries_reach_the_response(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(x_frame_options(), method_override()))
    async with client.post("/posts/7", headers={HEADER: "PUT"}) as response:
        assert response.headers.getall("X-Frame-Options") == ["DENY"]


@pytest.mark.parametrize("form", ["urlencoded", "multipart"])
async def test_a_form_names_the_method_and_is_read_by_the_handler(form: str, aiohttp_client: AiohttpClient) -> None:
    async def handler(request: web.Request) -> web.Response:
        posted = await request.post()
        return web.json_response([request.method, {name: str(value) for name, value in posted.items()}])

    app = web.Application(middlewares=[method_override(header=None, field="_method")])
    app.router.add_put("/", handler)
    data = FormData({"title": "ü", "_method": "put"}, default_to_multipart=form == "multipart")
    async with (await aiohttp_client(app)).post("/", data=data) as response:
        assert await response.json() == ["PUT", {"title": "ü", "_method": "put"}]


@pytest.mark.parametrize(
    ("path", "headers", "body", "method"),
    [
        pytest.param("/posts/7?q=PUT", {}, "", "PUT", id="the query"),
        pytest.param("/posts/7?q=PUT", {HEADER: "DELETE"}, "f=PUT", "DELETE", id="the header first"),
        pytest.param("/posts/7?q=PUT", {}, "f=DELETE", "PUT", id="the query before the form"),
        pytest.param("/posts/7", {}, "f=DELETE", "DELETE", id="the form last"),
        pytest.param("/posts/7", {}, "f=post", "POST", id="a form that names itself"),
        pytest.param("/posts/7", {}, "f=DELETE&f=DELETE", "POST", id="a field that is there twice"),
        pytest.param("/posts/7", {}, "f=DELETE&x=" + "x" * 200, "POST", id="a form that is too long"),
    ],
)
async def test_what_names_it_first_counts(
    path: str, headers: dict[str, str], body: str, method: str, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_app(method_override(query="q", field="f", form_limit=100)))
    headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    async with client.post(path, headers=headers, data=body) as response:
        assert await response.json() == [f"{method} 7 in app {body}".strip()]


async def read_it(request: web.Request) -> object:
    return await request.read()


async def post_it(request: web.Request) -> object:
    return await request.post()


def before(act: Any) -> Any:
    """A middleware that does something with the request before and after the rest."""

    @web.middleware
    async def act_around(request: web.Request, handler: Handler) -> web.StreamResponse:
        await act(request)
        response = await handler(request)
        await act(request)
        return response

    return act_around


@pytest.mark.parametrize("reader", [read_it, post_it], ids=["read()", "post()"])
@pytest.mark.parametrize("form", ["urlencoded", "multipart"])
@pytest.mark.parametrize("place", ["header", "field"])
async def test_what_a_middleware_before_has_read_is_passed_on(
    reader: Any, form: str, place: str, aiohttp_client: AiohttpClient
) -> None:
    """aiohttp refuses to clone a request that was read, and forgets its form."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.method} {'title' in str(await reader(request))}")

    app = web.Application(middlewares=[before(reader), method_override(field="_method")])
    app.router.add_put("/", handler)
    data = FormData({"title": "a", "_method": "PUT"}, default_to_multipart=form == "multipart")
    headers = {HEADER: "PUT"} if place == "header" else {}
    async with (await aiohttp_client(app)).post("/", data=data, headers=headers) as response:
        assert (response.status, await response.text()) == (200, "PUT True")


@pytest.mark.parametrize("sent", ["header", "field"])
async def test_it_stands_behind_csrf_token(sent: str, aiohttp_client: AiohttpClient) -> None:
    protect = csrf_token("s" * 32, cookie="csrf", secure=False)

    async def show(request: web.Request) -> web.Response:
        return web.Response(text=str(request[CSRF_TOKEN]))

    override = method_override(header=None, field="_method")
    app = web.Application(middlewares=[before(read_it), protect, override])
    setup(app)
    app.router.add_get("/", show)
    app.router.add_delete("/", tell_method)
    client = await aiohttp_client(app)
    async with client.get("/") as response:
        token = await response.text()
    data = {"_method": "DELETE", **({"csrf_token": token} if sent == "field" else {})}
    headers = {"X-CSRF-Token": token} if sent == "header" else {}
    async with client.post("/", data=data, headers=headers) as response:
        assert (response.status, await response.text()) == (200, "DELETE DELETE")
    async with client.post("/", data={"_method": "DELETE"}) as response:
        assert response.status == 403


async def tell_method(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.method} {(await request.post())['_method']!s}")


@pytest.mark.parametrize("is_read_before", [True, False], ids=["of a middleware before", "of the handler"])
async def test_files_of_a_form_are_closed_by_whoever_has_opened_them(
    is_read_before: bool, aiohttp_client: AiohttpClient
) -> None:
    seen: list[bool] = []
    files: list[Any] = []

    @web.middleware
    async def look(request: web.Request, handler: Handler) -> web.StreamResponse:
        if is_read_before:
            await request.post()
        response = await handler(request)
        seen.append(files[0].closed)
        return response

    async def handler(request: web.Request) -> web.Response:
        field = (await request.post())["file"]
        assert isinstance(field, web.FileField)
        files.append(field.file)
        return web.Response(body=field.file.read())

    app = web.Application(middlewares=[look, method_override()])
    app.router.add_put("/", handler)
    form = FormData()
    form.add_field("file", b"body", filename="a")
    async with (await aiohttp_client(app)).post("/", data=form, headers={HEADER: "PUT"}) as response:
        assert await response.read() == b"body"
    assert seen == [not is_read_before]
    assert files[0].closed


async def test_the_route_that_it_has_found_is_logged(
    caplog: pytest.LogCaptureFixture, aiohttp_client: AiohttpClient
) -> None:
    app = web.Application(middlewares=[access_log(), method_override()])
    setup(app)
    app.router.add_put("/posts/{id}", show_length)
    with caplog.at_level("INFO", "aiohttp_route_middleware.access"):
        client = await aiohttp_client(app)
        async with client.post("/posts/7", headers={HEADER: "PUT"}) as response:
            assert response.status == 200
        await client.close()
    (record,) = [record for record in caplog.records if record.name == "aiohttp_route_middleware.access"]
    access: Any = vars(record)["access"]
    assert access["route"] == "/posts/{id}"


async def test_what_is_set_behind_it_is_seen_before_it(aiohttp_client: AiohttpClient) -> None:
    seen: list[Any] = []

    async def note(request: web.Request) -> None:
        seen.append(request.get(SEEN))

    client = await aiohttp_client(make_app(before(note), method_override(), see("inner")))
    async with client.post("/posts/7", headers={HEADER: "PUT"}):
        assert seen == [None, ["inner PUT app"]]


@pytest.mark.parametrize(
    ("length", "fields", "path", "status"),
    [
        pytest.param(50, (), "/", b"100", id="a POST within its limit"),
        pytest.param(51, (), "/", b"413", id="a POST over its limit"),
        pytest.param(1000, (f"{HEADER}: PUT",), "/", b"100", id="by a header, a higher limit"),
        pytest.param(1001, (f"{HEADER}: PUT",), "/", b"413", id="by a header, over it"),
        pytest.param(11, (), "/?_method=DELETE", b"413", id="by the query, a lower limit"),
        pytest.param(51, (f"{HEADER}: PATCH",), "/", b"413", id="what may not be named is a POST"),
        pytest.param(51, (f"{HEADER}: PUT", f"{HEADER}: DELETE"), "/", b"413", id="two of them are a POST"),
        pytest.param(51, ("Content-Type: application/x-www-form-urlencoded",), "/", b"100", id="a form may tell"),
        pytest.param(101, ("Content-Type: application/x-www-form-urlencoded",), "/", b"413", id="a form too long to"),
        pytest.param(51, ("Content-Type: application/json",), "/", b"413", id="no form"),
    ],
)
@pytest.mark.parametrize("is_before", [True, False], ids=["limit before", "limit behind"])
async def test_a_body_is_invited_by_the_limit_of_the_route_that_is_meant(
    length: int, fields: tuple[str, ...], path: str, status: bytes, is_before: bool, aiohttp_client: AiohttpClient
) -> None:
    override = method_override(query="_method", field="_method", methods=["PUT", "DELETE"], form_limit=100)
    links = (body_limit(40), override) if is_before else (override, body_limit(40))
    app = web.Application(middlewares=links)
    router = UrlDispatcherEx.install(app)
    for method, limit in (("POST", 50), ("PUT", 1000), ("DELETE", 10)):
        router.add_route(method, "/", body_limit(limit), show_length)
    setup(app)
    client = await aiohttp_client(app)
    lines = (f"POST {path} HTTP/1.1", "Host: a", "Expect: 100-continue", f"Content-Length: {length}", *fields, "", "")
    assert (await send(client, "\r\n".join(lines).encode())).split()[1] == status


@pytest.mark.parametrize("is_before", [True, False], ids=["limit before", "limit behind"])
async def test_a_body_has_the_limit_of_the_route_that_is_meant(is_before: bool, aiohttp_client: AiohttpClient) -> None:
    links = (body_limit(40), method_override()) if is_before else (method_override(), body_limit(40))
    app = web.Application(middlewares=links)
    router = UrlDispatcherEx.install(app)
    router.add_post("/", show_length)
    router.add_put("/", body_limit(1000), show_length)
    client = await aiohttp_client(app)
    for size, status in ((1000, 200), (1001, 413)):
        async with client.post("/", data=bytes(size), headers={HEADER: "PUT"}) as response:
            assert response.status == status
    async with client.post("/", data=bytes(41)) as response:
        assert response.status == 413


async def show_length(request: web.Request) -> web.Response:
    return web.Response(text=str(len(await request.read())))


async def send(client: Any, head: bytes) -> bytes:
    """Send bytes over a socket of its own, and return the head of the answer."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    try:
        writer.write(head)
        return await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.transport.abort()


async def test_no_field_is_looked_for_in_what_is_no_form(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(method_override(field="f")))
    async with client.post("/posts/7", json={"f": "DELETE"}) as response:
        assert await response.json() == ['POST 7 in app {"f": "DELETE"}']


@pytest.mark.parametrize("is_before", [True, False], ids=["csrf before", "csrf behind"])
@pytest.mark.parametrize("method", ["POST", "GET", "HEAD"])
async def test_no_forged_request_gets_past_csrf(method: str, is_before: bool, aiohttp_client: AiohttpClient) -> None:
    override = method_override(query="_method")
    client = await aiohttp_client(make_app(*((csrf(), override) if is_before else (override, csrf()))))
    for named, forged, own in (("DELETE", 403, 200), ("GET", 400, 400)):
        for site, expected in (("cross-site", forged), ("same-origin", own)):
            headers = {HEADER: named, "Sec-Fetch-Site": site}
            async with client.request(method, f"/posts/7?_method={named}", headers=headers) as response:
                if method != "POST":  # a safe one stays what it is
                    assert response.status == 200
                    assert method == "HEAD" or await response.json() == ["GET 7 in app"]
                elif named == "GET" and site == "cross-site" and is_before:
                    assert response.status == 403
                else:
                    assert response.status == expected


async def test_where_another_middleware_hides_its_place_it_refuses(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Else what stands behind it, such as csrf(), would not run."""
    battery = method_override()

    @web.middleware
    async def hide(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await battery(request, handler)

    client = await aiohttp_client(make_app(hide, see("inner")))
    async with client.post("/posts/7", headers={HEADER: "PUT"}) as response:
        assert response.status == 500
    assert "method_override(): another middleware hides where it stands; put it into" in caplog.text
    async with client.post("/posts/7") as response:
        assert response.status == 200


def test_a_chain_refuses_it() -> None:
    router = UrlDispatcherEx.install(web.Application())
    told = r"method_override\(X-HTTP-Method-Override\).* put it into web.Application\(middlewares="
    with pytest.raises(RegistrationError, match=told):
        router.add_post("/", method_override(), tell)


def test_it_is_named_with_where_it_looks() -> None:
    assert name_link(method_override(header=None, query="q", field="_method")) == "method_override(q, _method)"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"header": None}, "there is nowhere to look; name a header"),
        ({"header": "a b"}, "header='a b'; write a name"),
        ({"query": ""}, "query=''; pass a text"),
        ({"field": "a b"}, "field='a b'; write it in letters"),
        ({"field": 5}, "field=5; write it in letters"),
        ({"methods": ["GET"]}, "methods='GET'; write"),
        ({"methods": ["put"]}, "methods='put'; write 'PUT'"),
        ({"methods": []}, r"methods=\[\]; pass a text"),
        ({"form_limit": 0}, "form_limit=0; pass a number of bytes"),
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_at_once(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^method_override\(\): {told}"):
        method_override(**options)
