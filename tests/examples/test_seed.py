"""The examples that the package was announced with run as they stand there, and print and answer what they promise."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import links_of

Client = TestClient[web.Request, web.Application]
Run = Callable[[str], dict[str, Any]]

# Under -X dev, aiohttp warns of what the programs below put on a request.
pytestmark = pytest.mark.filterwarnings("ignore:Setting custom Request:DeprecationWarning")

MIDDLEWARES = """\
from aiohttp import web
from aiohttp_route_middleware import UrlDispatcherEx

app = web.Application(router=UrlDispatcherEx())

async def test(request):
    print("..entering handler")
    response = web.Response(text=f"extra_stuff=[{', '.join(request.extra_stuff)}]")
    print("..exiting handler")
    return response

@web.middleware
async def middleware1(request, handler):
    print("entering middleware 1")
    request.extra_stuff = ['foo']
    response = await handler(request)
    print("exiting middleware 1")
    return response

@web.middleware
async def middleware2(request, handler):
    print(".entering middleware 2")
    request.extra_stuff.append('bar')
    response = await handler(request)
    print(".exiting middleware 2")
    return response

app = web.Application(router=UrlDispatcherEx())
app.router.add_get('/', middleware1, middleware2, test)

web.run_app(app)
"""

MIDDLEWARES_PRINT = """\
entering middleware 1
.entering middleware 2
..entering handler
..exiting handler
.exiting middleware 2
exiting middleware 1
"""

UNAUTHENTICATED = """\
from aiohttp import web
from aiohttp_route_middleware import UrlDispatcherEx

async def test(request):
    return web.Response(text="Success")

@web.middleware
async def authenticate(request, handler):
    return web.Response(body="unauthenticated", status=401)

app = web.Application(router=UrlDispatcherEx())
app.router.add_get('/', authenticate, test)

web.run_app(app)
"""

# What the snippets below leave to the reader's imagination.
LINKS = """\
from aiohttp import web
from aiohttp_route_middleware import UrlDispatcherEx

async def authenticate(request):
    if "Authorization" not in request.headers:
        return web.Response(text="unauthenticated", status=401)
    request.scopes = request.headers["Authorization"].split()

def authorise(scopes):
    async def authorise(request):
        if not set(scopes) <= set(request.scopes):
            return web.Response(text="unauthorised", status=403)
    return authorise

async def get_posts(request):
    return web.Response(text=f"{request.method} {request.match_info['id']}")
"""

TABLE = f"""\
{LINKS}
post_app = web.Application(router=UrlDispatcherEx())
post_app.router.add_get('/{{id}}', authenticate, authorise(['post:read']), get_posts)
post_app.router.add_post('/{{id}}', authenticate, authorise(['post:read', 'post:write']), get_posts)
post_app.router.add_delete('/{{id}}', authenticate, authorise(['post:read', 'post:write']), get_posts)

app = web.Application()
app.add_subapp('/post', post_app)
"""

STEPS = """\
from aiohttp import web
from aiohttp_route_middleware import UrlDispatcherEx

async def authenticate(request):
    if "X-User" not in request.headers:
        return web.Response(text="who is there?", status=401)
    request.user = request.headers["X-User"]

async def authorise(request):
    if request.user != "ada":
        return web.Response(text="you may not comment", status=403)

async def fetch_post(request):
    request.post_id = request.query.get("post_id")
    if request.post_id != "1234":
        return web.Response(text="there is no such post", status=404)

async def post_comment(request):
    return web.Response(text=f"{request.user} on {request.post_id}: {await request.text()}")

app = web.Application(router=UrlDispatcherEx())
"""

SEQUENCE_AS_WRITTEN = f"""\
{STEPS}
app.router.add_post('/comment?post_id=1234', authenticate, authorise, fetch_post, post_comment)
"""

SEQUENCE = f"""\
{STEPS}
app.router.add_post('/comment', authenticate, authorise, fetch_post, post_comment)
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a program as it stands, but for `web.run_app`, which would not return, and return its names."""

    def run(program: str) -> dict[str, Any]:
        served: list[web.Application] = []
        monkeypatch.setattr(web, "run_app", served.append)
        names: dict[str, Any] = {"__name__": "__main__"}
        with pytest.warns(DeprecationWarning, match="^router argument is deprecated$"):
            exec(program, names)
        assert served == ([names["app"]] if "run_app" in program else [])
        return names

    return run


@pytest.fixture
def serve(run: Run, aiohttp_client: AiohttpClient) -> Callable[[str], Awaitable[Client]]:
    """Run a program, and serve its `app` on a real socket."""

    async def serve(program: str) -> Client:
        return await aiohttp_client(run(program)["app"])

    return serve


async def test_middlewares_print_and_answer_what_is_promised(serve: Any, capsys: pytest.CaptureFixture[str]) -> None:
    client = await serve(MIDDLEWARES)
    response = await client.get("/")
    assert capsys.readouterr().out == MIDDLEWARES_PRINT
    assert (response.status, await response.text()) == (200, "extra_stuff=[foo, bar]")


async def test_each_request_has_extra_stuff_of_its_own(serve: Any) -> None:
    client = await serve(MIDDLEWARES)
    answers = [await (await client.get("/")).text() for _ in range(3)]
    assert answers == ["extra_stuff=[foo, bar]"] * 3


async def test_a_middleware_may_choose_not_to_call_the_next_handler(serve: Any) -> None:
    client = await serve(UNAUTHENTICATED)
    response = await client.get("/")
    assert (response.status, await response.text()) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("method", "scopes", "status", "text"),
    [
        pytest.param("GET", "post:read", 200, "GET 7", id="a reader reads"),
        pytest.param("GET", None, 401, "unauthenticated", id="nobody reads"),
        pytest.param("GET", "other", 403, "unauthorised", id="a stranger reads"),
        pytest.param("POST", "post:read post:write", 200, "POST 7", id="a writer writes"),
        pytest.param("POST", "post:read", 403, "unauthorised", id="a reader writes"),
        pytest.param("DELETE", "post:read post:write", 200, "DELETE 7", id="a writer deletes"),
        pytest.param("DELETE", "post:read", 403, "unauthorised", id="a reader deletes"),
        pytest.param("PUT", "post:read post:write", 405, "405: Method Not Allowed", id="nobody puts"),
    ],
)
async def test_each_method_of_a_path_has_its_own_links(
    serve: Any, method: str, scopes: str | None, status: int, text: str
) -> None:
    client = await serve(TABLE)
    response = await client.request(method, "/post/7", headers={"Authorization": scopes} if scopes else {})
    assert (response.status, await response.text()) == (status, text)


@pytest.mark.parametrize(
    ("user", "url", "status", "text"),
    [
        pytest.param("ada", "/comment?post_id=1234", 200, "ada on 1234: Well said", id="all steps"),
        pytest.param(None, "/comment?post_id=1234", 401, "who is there?", id="authenticate"),
        pytest.param("eve", "/comment?post_id=1234", 403, "you may not comment", id="authorise"),
        pytest.param("ada", "/comment?post_id=1", 404, "there is no such post", id="fetch_post"),
    ],
)
async def test_handlers_run_in_order_until_one_returns_a_response(
    serve: Any, user: str | None, url: str, status: int, text: str
) -> None:
    client = await serve(SEQUENCE)
    response = await client.post(url, data="Well said", headers={"X-User": user} if user else {})
    assert (response.status, await response.text()) == (status, text)


def test_the_sequence_registers_as_written_and_keeps_its_four_steps(run: Run) -> None:
    names = run(SEQUENCE_AS_WRITTEN)
    [route] = names["app"].router.routes()
    assert [link.__name__ for link in links_of(route)] == ["authenticate", "authorise", "fetch_post", "post_comment"]
    assert route.resource.canonical == "/comment?post_id=1234"


async def test_a_query_in_a_route_is_part_of_its_path_as_in_aiohttp(serve: Any) -> None:
    client = await serve(SEQUENCE_AS_WRITTEN)
    response = await client.post("/comment?post_id=1234", headers={"X-User": "ada"})
    assert response.status == 404
