"""Routes and explanations as JSON: valid, complete, and without what a repr would give away."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.inspection import LinkInfo, RouteInfo, list_routes
from aiohttp_route_middleware.inspection.data import write_explanation_json, write_routes_json
from aiohttp_route_middleware.inspection.explanation import Explanation, explain
from aiohttp_route_middleware.places import Site

from .conftest import authenticate, authorise, get_post, index, inner, names, new_app, outer, read_marks

LINES = read_marks(__file__)
FOLDER = Path(__file__).parent


def make_app() -> web.Application:
    app, router = new_app(authenticate, middlewares=[outer])
    sub = web.Application(middlewares=[inner])
    sub.router.add_post("/bare", index)
    router.add_get("/posts/{id}", authorise("read"), get_post, name="post")  # line: post
    app.add_subapp("/sub", sub)
    return app


def described(link: Any, name: str) -> dict[str, Any]:
    code = link.__code__
    return {"name": name, "module": f"{__package__}.conftest", "written": f"conftest.py:{code.co_firstlineno}"}


POST = {
    "methods": ["GET", "HEAD"],
    "path": "/posts/{id}",
    "name": "post",
    "mounts": [],
    "middlewares": [described(outer, "outer")],
    "inherited": [described(authenticate, "authenticate")],
    "own": [described(authorise(), "authorise(read)")],
    "endpoint": described(get_post, "get_post"),
    "defined": f"test_data.py:{LINES['post']}",
}


@pytest.fixture(autouse=True)
def _in_this_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)  # files are told from here


def test_routes_are_written_with_all_that_is_known_of_them() -> None:
    assert json.loads(write_routes_json(list_routes(make_app()))) == {
        "version": 1,
        "routes": [
            POST,
            {
                "methods": ["POST"],
                "path": "/sub/bare",
                "name": None,
                "mounts": ["/sub"],
                "middlewares": [described(outer, "outer"), described(inner, "inner")],
                "inherited": [],
                "own": [],
                "endpoint": described(index, "index"),
                "defined": None,
            },
        ],
    }


def test_no_routes_are_an_empty_list() -> None:
    assert json.loads(write_routes_json([])) == {"version": 1, "routes": []}


async def test_an_explanation_is_written_with_all_that_is_known() -> None:
    found = await explain(make_app(), "head", "/posts/7?a=b")
    assert json.loads(write_explanation_json(found)) == {
        "version": 1,
        "method": "HEAD",
        "url": "/posts/7?a=b",
        "status": None,
        "route": POST,
        "match_info": {"id": "7"},
        "middlewares": [described(outer, "outer")],
        "notes": ["HEAD came with the GET route: its links run, and no body is sent"],
    }


async def test_an_explanation_without_a_route_is_written_with_its_reason() -> None:
    found = await explain(make_app(), "GET", "/sub/bare")
    assert json.loads(write_explanation_json(found)) == {
        "version": 1,
        "method": "GET",
        "url": "/sub/bare",
        "status": 405,
        "route": None,
        "match_info": {},
        "middlewares": [described(outer, "outer"), described(inner, "inner")],
        "notes": ["/sub/bare answers POST, not GET"],
    }


def test_a_file_elsewhere_is_told_by_its_whole_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (first, _) = json.loads(write_routes_json(list_routes(make_app())))["routes"]
    assert first["defined"] == f"{__file__}:{LINES['post']}"


class Secretive:
    """A link that holds a secret, and shows it to whoever prints it."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __repr__(self) -> str:
        return f"Secretive({self.secret!r})"

    async def __call__(self, request: web.Request) -> web.Response:
        return web.Response()


async def compare(secret: object, request: web.Request) -> None: ...


async def test_what_a_link_holds_is_not_written() -> None:
    app = web.Application()
    app.router.add_get("/", chain(Secretive("s3cret"), functools.partial(compare, "s3cret"), Secretive("s3cret")))
    (route,) = list_routes(app)
    assert names(route.links) == ["Secretive", "compare"]
    written = write_routes_json([route]) + write_explanation_json(await explain(app, "GET", "/"))
    assert "s3cret" not in written
    assert " at 0x" not in written
    assert " object" not in written


def test_what_is_not_ascii_is_written_as_it_is() -> None:
    app = web.Application()
    app.router.add_get("/grüße", index)
    assert '"path": "/grüße"' in write_routes_json(list_routes(app))


@given(st.text(), st.text(), st.none() | st.text(), st.dictionaries(st.text(), st.text()))
def test_whatever_paths_and_names_are_what_is_written_is_read_back(
    path: str, text: str, name: str | None, match_info: dict[str, str]
) -> None:
    link = LinkInfo(text, text, Site(f"/{path}", 7), object())
    route = RouteInfo(("GET",), path, name, (path,), (link,), (), (link,), link, None, ())
    (read,) = json.loads(write_routes_json([route]))["routes"]
    assert (read["path"], read["name"], read["mounts"], read["own"][0]["name"]) == (path, name, [path], text)
    found = Explanation(text, path, 404, None, match_info, (link,), (text,))
    told = json.loads(write_explanation_json(found))
    assert (told["method"], told["url"], told["match_info"], told["notes"]) == (text, path, match_info, [text])
