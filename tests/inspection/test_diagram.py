"""The Mermaid flowchart: routes behind the same links share them, and no name can be syntax."""

import re

import pytest
from aiohttp import web

from aiohttp_route_middleware import RouteGroup
from aiohttp_route_middleware.inspection import list_routes
from aiohttp_route_middleware.inspection.diagram import draw_diagram

from .test_page import authenticate, authorise, endpoint, make_app


def test_routes_share_the_links_with_which_they_begin() -> None:
    drawn = draw_diagram(list_routes(make_app()))
    assert drawn.startswith("flowchart LR\n")
    assert drawn.count('["authenticate"]') == 1, "the group and the sub-application begin alike"
    assert drawn.count('{{"log_time"}}:::app') == 1
    assert drawn.count(":::bare") == 1


@pytest.mark.parametrize(
    "name", ['"]; click n0 "x', "a`b`", "<b>&", "#quot;", "%%{init}%%", "fa:fa-car x:fa-y", "ﬂ°", " "]
)
def test_no_name_ends_its_label(name: str) -> None:
    app = web.Application()
    link = authorise("x")
    link.__link_name__ = name
    RouteGroup(app.router, "", authenticate, link).add_get("/posts", endpoint)
    for line in draw_diagram(list_routes(app)).splitlines():
        for label in re.findall(r'\["(.*)"\]', line):
            assert not set(label) & set('"`<>$\\&')


def test_an_application_without_routes_is_drawn_as_that() -> None:
    assert '(["no routes"])' in draw_diagram([])
