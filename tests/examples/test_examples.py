"""Each example answers, over real HTTP, what its docstring promises."""

import ast
import runpy
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

import examples
from examples import (
    early_answer,
    groups,
    hello_chain,
    middleware_order,
    own_headers,
    pipelines,
    session_or_token,
    static_files,
    stock_router,
    views,
)

from .trials import read_trials

HERE = Path(__file__).parent
FOLDER = Path(str(examples.__file__)).parent
FILES = sorted(path for path in FOLDER.glob("*.py") if path.stem != "__init__")
PACKAGES = sorted(path.parent for path in FOLDER.glob("*/__main__.py"))

# middleware_order.py is written as of old: aiohttp warns of the one always, and of the other under -X dev
pytestmark = [
    pytest.mark.filterwarnings("ignore:router argument is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Setting custom Request:DeprecationWarning"),
]

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@pytest.fixture
def serve(aiohttp_client: AiohttpClient) -> Any:
    async def serve(example: ModuleType) -> TestClient[web.Request, web.Application]:
        app: web.Application = example.make_app()
        return await aiohttp_client(app)

    return serve


# ---- all of them


@each_file
async def test_a_file_answers_what_its_docstring_promises(path: Path, serve: Any) -> None:
    example = import_module(f"examples.{path.stem}")
    trials = read_trials(example.__doc__ or "")
    assert trials
    client = await serve(example)
    for trial in trials:
        await trial.check(await trial.ask_on(client))


@each_file
def test_a_file_is_short_and_says_first_what_it_shows(path: Path) -> None:
    source = path.read_text()
    summary = (ast.get_docstring(ast.parse(source)) or "").split("\n\n")[0]
    assert summary.endswith(".")
    assert len(source.splitlines()) < 100


@each_file
def test_a_file_serves_its_application_when_it_is_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Any] = []
    monkeypatch.setattr(web, "run_app", lambda app, **options: served.append((type(app), options)))
    runpy.run_path(str(path), run_name="__main__")
    assert served == [(web.Application, {"host": "127.0.0.1", "port": 8080})]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_an_application_has_make_app_a_docstring_and_tests(package: Path) -> None:
    assert import_module(f"examples.{package.name}").__doc__
    assert isinstance(import_module(f"examples.{package.name}.application").make_app(), web.Application)
    assert (HERE / f"test_{package.name}.py").exists()


def test_every_folder_is_an_application_or_the_files_of_an_example() -> None:
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir()} - {"__pycache__"}
    assert folders == {"files"} | {package.name for package in PACKAGES}


# ---- what a docstring cannot show


async def test_a_middleware_works_on_the_answer_of_what_stands_behind_it(serve: Any) -> None:
    client = await serve(hello_chain)
    greeted = await client.get("/hello", params={"name": "Ada"})
    stopped = await client.get("/hello")
    assert greeted.headers["Content-Language"] == "en"
    assert "Content-Language" not in stopped.headers, "the guard stands before the middleware"


async def test_middlewares_print_in_the_order_of_the_onion(serve: Any, capsys: pytest.CaptureFixture[str]) -> None:
    client = await serve(middleware_order)
    await client.get("/")
    assert capsys.readouterr().out.splitlines() == [
        "entering middleware 1",
        ".entering middleware 2",
        "..entering handler",
        "..exiting handler",
        ".exiting middleware 2",
        "exiting middleware 1",
    ]


async def test_an_early_answer_keeps_the_endpoint_from_running(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(request: web.Request) -> web.Response:
        raise AssertionError("the endpoint ran")

    monkeypatch.setattr(early_answer, "test", test)
    client = await serve(early_answer)
    assert (await client.get("/")).status == 401


async def test_a_session_lets_in_as_a_token_does_but_not_what_another_site_sends(serve: Any) -> None:
    client = await serve(session_or_token)
    async with client.post("/login", headers={"Authorization": "Basic YWRhOmNvcnJlY3QgaG9yc2U="}):
        pass
    assert await (await client.get("/api/me")).text() == "Hello, ada"
    forged = {"Sec-Fetch-Site": "cross-site"}
    assert (await client.post("/api/posts")).status == 403, "it has no scopes"
    assert (await client.post("/api/posts", headers=forged)).status == 401, "the session did not count"
    token = {"Authorization": "Bearer token-of-ada"}
    assert (await client.post("/api/posts", headers={**forged, **token})).status == 201


async def test_a_stock_router_is_not_extended(serve: Any) -> None:
    client = await serve(stock_router)
    assert type(client.app.router) is web.UrlDispatcher


@pytest.mark.parametrize(
    ("path", "cached"),
    [
        pytest.param("/about", True, id="outside the group"),
        pytest.param("/news", False, id="inside a group without a prefix"),
        pytest.param("/members/join", False, id="in the group below, one link left out"),
        pytest.param("/members/board/minutes", False, id="two groups below, answered by a guard"),
    ],
)
async def test_a_group_without_a_prefix_gives_its_links_to_all_below(serve: Any, path: str, cached: bool) -> None:
    client = await serve(groups)
    response = await client.get(path)
    assert ("Cache-Control" not in response.headers) is cached


@pytest.mark.parametrize("path", ["/profile", "/settings"])
async def test_a_nested_pipeline_runs_all_its_links(serve: Any, path: str) -> None:
    client = await serve(pipelines)
    response = await client.get(path, headers={"X-User": "eve"})
    assert response.headers["Cache-Control"] == "no-store"


async def test_a_view_behind_links_keeps_what_it_was_told_and_names_its_methods(serve: Any) -> None:
    client = await serve(views)
    await client.put("/notes/milk", data="Buy three")
    assert await (await client.get("/notes/milk")).text() == "Buy three"
    assert (await client.delete("/notes/milk")).headers["Allow"] == "GET,PUT"
    assert (await client.delete("/notes/bread")).status == 404, "links run before the view looks at the method"


async def test_guarded_files_answer_head_and_ranges_as_unguarded_ones(serve: Any) -> None:
    client = await serve(static_files)
    member = {"X-Member": "ada"}
    assert (await client.head("/files/report.txt")).status == 401
    assert (await client.head("/files/report.txt", headers=member)).status == 200
    part = await client.get("/files/report.txt", headers={**member, "Range": "bytes=0-5"})
    assert (part.status, await part.text()) == (206, "Nobody")


async def test_a_header_of_an_own_link_is_on_what_a_handler_raises(serve: Any) -> None:
    client = await serve(own_headers)
    assert (await client.get("/posts/7")).headers.getall("X-API-Version") == ["7"]
