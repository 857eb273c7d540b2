"""The HTML page: every route once, nothing loaded from elsewhere, nothing of a route is markup."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from aiohttp import web

from aiohttp_route_middleware import RouteGroup, UrlDispatcherEx, named
from aiohttp_route_middleware.inspection import list_routes
from aiohttp_route_middleware.inspection.page import write_page

HOSTILE = "<script>alert('1')</script>&\"\x1b[31m"


async def endpoint(request: web.Request) -> web.Response:
    return web.Response()


async def authenticate(request: web.Request) -> None:
    return None


@web.middleware
async def log_time(request: web.Request, handler: Any) -> web.StreamResponse:
    response: web.StreamResponse = await handler(request)
    return response


def authorise(scope: str) -> Any:
    @named(f"authorise({scope})")
    async def authorise(request: web.Request) -> None:
        return None

    return authorise


def make_app() -> web.Application:
    app = web.Application(middlewares=[log_time])
    router = UrlDispatcherEx.install(app)
    router.add_get("/", endpoint, name="index")
    group = router.group("/posts", authenticate, log_time)
    group.add_get("/{id}", authorise("read"), endpoint)
    group.add_delete("/{id}", authorise("write"), endpoint)
    admin = web.Application()
    RouteGroup(admin.router, "", authenticate).add_get("/users", endpoint)
    app.add_subapp("/admin", admin)
    return app


class Reader(HTMLParser):
    """Collects tags with their attributes, and the text that is shown."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.shown = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.shown += data


def test_every_route_is_on_the_page_once_with_its_chain() -> None:
    routes = list_routes(make_app())
    reader = Reader(write_page(routes, "Blog"))
    assert len([tag for tag, attributes in reader.tags if tag == "tr" and "data-links" in attributes]) == len(routes)
    for text in (
        "Blog",
        "/posts/{id}",
        "authorise(read)",
        "authorise(write)",
        "log_time",
        "/admin",
        "no links",
        "index",
    ):
        assert text in reader.shown


def test_nothing_is_loaded_and_the_policy_allows_only_what_stands_in_the_page() -> None:
    page = write_page(list_routes(make_app()), "Blog")
    outside = [attributes for _, attributes in Reader(page).tags if {"src", "action"} & attributes.keys()]
    assert outside == []
    assert [a["href"] for _, a in Reader(page).tags if "href" in a] == ["#routes"]
    for tag in ("style", "script"):
        (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page


@pytest.mark.parametrize("text", [HOSTILE, "$title", "</title>"])
def test_no_name_is_markup(text: str) -> None:
    app = web.Application()
    link = authorise("x")
    link.__link_name__ = text
    RouteGroup(app.router, "", link).add_get("/posts", endpoint)
    plain, hostile = Reader(write_page(list_routes(make_app()), "t")), Reader(write_page(list_routes(app), text))
    assert {tag for tag, _ in hostile.tags} <= {tag for tag, _ in plain.tags}
    assert len([tag for tag, _ in hostile.tags if tag == "script"]) == 1
    assert "\x1b" not in hostile.shown


def test_an_application_without_routes_says_so() -> None:
    assert "This application has no routes." in Reader(write_page([], "Nothing")).shown
