"""draw_diagram(): a tree of what runs, read back from the flowchart; and labels that Mermaid can only show.

That Mermaid shows each of these labels as itself was tried with Mermaid 10.9 and 11.17 in a browser; it is no
dependency of the tests.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiohttp import web
from hypothesis import example, given
from hypothesis import strategies as st

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.inspection import LinkInfo, RouteInfo, list_routes
from aiohttp_route_middleware.inspection.diagram import draw_diagram
from aiohttp_route_middleware.naming import escape_unprintable
from aiohttp_route_middleware.places import Site

from .conftest import PostView, authenticate, authorise, get_post, index, inner, log_time, new_app, outer

# as Mermaid reads it: a label ends at the next quote
ARROW = re.compile(r'  (n\d+) --> (n\d+)(?:\{\{"([^"]+)"\}\}(:::app)|\["([^"]+)"\]|\(\["([^"]+)"\]\)(:::bare)?)\n')
FRAME = re.compile(
    r'flowchart LR\n  n0\(\["(request|no routes)"\]\)\n(.*)  classDef app .+\n  classDef bare .+\n', re.DOTALL
)


@dataclass(frozen=True)
class Node:
    """A node of a diagram, its label as Mermaid shows it."""

    kind: str
    label: str
    before: str


def read_label(text: str) -> str:
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text)


def read_nodes(diagram: str) -> dict[str, Node]:
    """The nodes behind the first; fails if there is a single character that belongs to none."""
    frame = FRAME.fullmatch(diagram)
    assert frame
    nodes: dict[str, Node] = {}
    body = frame[2]
    while body:
        arrow = ARROW.match(body)
        assert arrow, body
        before, node, app, _, link, leaf, bare = arrow.groups()
        kind = "app" if app else "link" if link else "bare" if bare else "route"
        assert before in {"n0", *nodes}
        assert node not in {"n0", *nodes}
        nodes[node] = Node(kind, read_label(app or link or leaf), before)
        body = body[arrow.end() :]
    return nodes


def read_chains(diagram: str) -> list[list[str]]:
    """What runs for each route, as the arrows lead to it, the route itself last."""
    nodes = read_nodes(diagram)
    chains: list[list[str]] = []
    for node in nodes.values():
        if node.kind not in ("bare", "route"):
            continue
        steps = [node]
        while steps[0].before != "n0":
            steps.insert(0, nodes[steps[0].before])
        chains.append([step.label for step in steps])
    return chains


def new_link(name: str, line: int = 1) -> LinkInfo:
    return LinkInfo(name, "blog.links", Site("links.py", line), None)


def new_route(
    path: str, middlewares: Sequence[LinkInfo] = (), links: Sequence[LinkInfo] = (), endpoint: str = "end"
) -> RouteInfo:
    return RouteInfo(("GET",), path, None, (), tuple(middlewares), (), tuple(links), new_link(endpoint), None, ())


def make_app() -> web.Application:
    app, router = new_app(middlewares=[outer])
    router.add_get("/", index)
    posts = router.group("/posts", authenticate)
    posts.add_get("/{id}", authorise("read"), get_post)
    posts.add_delete("/{id}", authorise("write"), get_post)
    posts.add_view("/view", PostView)
    router.add_get("/logged", log_time, authenticate, index)
    sub = web.Application(middlewares=[inner])
    sub.router.add_post("/x", chain(authenticate, index))
    app.add_subapp("/sub", sub)
    return app


def test_the_arrows_lead_through_middlewares_and_links_to_each_route() -> None:
    assert read_chains(draw_diagram(list_routes(make_app()))) == [
        ["outer", "GET, HEAD /\nindex"],
        ["outer", "authenticate", "authorise(read)", "GET, HEAD /posts/{id}\nget_post"],
        ["outer", "authenticate", "authorise(write)", "DELETE /posts/{id}\nget_post"],
        ["outer", "authenticate", "* /posts/view\nPostView"],
        ["outer", "log_time", "authenticate", "GET, HEAD /logged\nindex"],
        ["outer", "inner", "authenticate", "POST /sub/x\nindex"],
    ]


def test_routes_that_begin_alike_share_their_links_and_no_others_do() -> None:
    nodes = read_nodes(draw_diagram(list_routes(make_app())))
    labels = [node.label for node in nodes.values() if node.kind in ("app", "link")]
    assert [labels.count(name) for name in ("outer", "inner", "authenticate", "log_time")] == [1, 1, 3, 1]


def test_application_middlewares_and_routes_without_links_stand_out() -> None:
    nodes = read_nodes(draw_diagram(list_routes(make_app()))).values()
    assert [node.label for node in nodes if node.kind == "app"] == ["outer", "inner"]
    assert [node.label for node in nodes if node.kind == "bare"] == ["GET, HEAD /\nindex"]


def test_a_middleware_of_the_application_and_the_same_as_a_link_are_two() -> None:
    routes = [new_route("/a", middlewares=[new_link("log")]), new_route("/b", links=[new_link("log")])]
    assert [node.kind for node in read_nodes(draw_diagram(routes)).values()] == ["app", "bare", "link", "route"]


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        pytest.param(new_link("limit"), True, id="same name and place"),
        pytest.param(new_link("limit", 2), False, id="same name on another line"),
        pytest.param(replace(new_link("limit"), module="other"), False, id="same name in another module"),
        pytest.param(new_link("limit(2)"), False, id="another name in the same place"),
    ],
)
def test_links_are_the_same_by_name_and_place(other: LinkInfo, shared: bool) -> None:
    routes = [new_route("/a", links=[new_link("limit")]), new_route("/b", links=[other])]
    nodes = read_nodes(draw_diagram(routes)).values()
    assert [node.kind for node in nodes].count("link") == (1 if shared else 2)


def test_a_route_that_is_registered_twice_is_drawn_twice() -> None:
    assert read_chains(draw_diagram([new_route("/a"), new_route("/a")])) == [["GET /a\nend"]] * 2


def test_without_routes_it_says_so() -> None:
    diagram = draw_diagram([])
    assert read_nodes(diagram) == {}
    assert 'n0(["no routes"])' in diagram


few_links = st.lists(st.sampled_from([new_link(name) for name in "abc"]), max_size=3)


@given(st.lists(st.tuples(few_links, few_links), max_size=12))
def test_any_routes_are_read_back_from_the_tree_and_it_is_as_small_as_can_be(
    chains: list[tuple[list[LinkInfo], list[LinkInfo]]],
) -> None:
    routes = [new_route(f"/{number}", *links) for number, links in enumerate(chains)]
    diagram = draw_diagram(routes)
    assert read_chains(diagram) == [
        [*(link.name for link in middlewares + links), f"GET /{number}\nend"]
        for number, (middlewares, links) in enumerate(chains)
    ]
    steps = [
        [("app", link.name) for link in before] + [("link", link.name) for link in links] for before, links in chains
    ]
    beginnings = {tuple(members[:length]) for members in steps for length in range(1, len(members) + 1)}
    assert len(read_nodes(diagram)) == len(routes) + len(beginnings)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        pytest.param("/posts/{id}", "/posts/{id}", id="braces"),
        pytest.param("a[0] (b) |c| * + ~", "a[0] (b) |c| * + ~", id="plain within quotes"),
        pytest.param('"]', "#34;]", id="the end of a label"),
        pytest.param("`**bold**`", "#96;**bold**#96;", id="Markdown"),
        pytest.param("<b>", "#60;b#62;", id="HTML"),
        pytest.param("&lt;", "#38;lt#59;", id="a character by name"),
        pytest.param("#35;", "#35;35#59;", id="a character by number"),
        pytest.param("%%{init: {}}%%", "#37;#37;{init: {}}#37;#37;", id="a directive"),
        pytest.param("$$x$$", "#36;#36;x#36;#36;", id="a formula"),
        pytest.param("fa:fa-car", "fa#58;fa-car", id="an icon"),
        pytest.param(r"\n", "#92;n", id="a backslash"),
        pytest.param("a\nclick n1", "a#92;nclick n1", id="a new line"),
        pytest.param("\u202egnp", "#92;u202egnp", id="a turn of direction"),
        pytest.param("ﬂ°35¶ß", r"#92;ufb02#92;xb035#92;xb6#92;xdf", id="what Mermaid writes for itself"),
        pytest.param("ünï☃", "ünï☃", id="beyond ASCII"),
        pytest.param("", " ", id="nothing"),
    ],
)
def test_a_label_is_shown_as_it_is(text: str, label: str) -> None:
    diagram = draw_diagram([new_route("/", [new_link(text)], [new_link(text)], text)])
    assert f'{{{{"{label}"}}}}' in diagram
    assert f'["{label}"]' in diagram
    assert f'(["GET /\n{label}"])' in diagram


any_text: Any = st.text(st.characters(exclude_categories=())) | st.text(
    st.sampled_from('"`#;%$\\&<>[](){}|:fa-\nﬂ°¶ß ')
)


@given(any_text)
@example("fa:fa-car")
@example("ﬂ°°60¶ß")
def test_no_text_ends_its_label_or_means_anything_in_it(text: str) -> None:
    route = replace(new_route(text, [new_link(text)], [new_link(text)], text), methods=(text,))
    diagram = draw_diagram([route])
    app, link, leaf = read_nodes(diagram).values()
    shown = escape_unprintable(text).replace("ﬂ°", r"\ufb02\xb0").replace("¶ß", r"\xb6\xdf")
    assert app.label == link.label == (shown or " ")
    assert re.sub(r"\s", "", leaf.label) == re.sub(r"\s", "", f"{shown}{shown}{shown}")
    labels = "".join(re.findall(r'"([^"]*)"', diagram))
    assert not set(re.sub(r"#\d+;", "", labels)) & set('"`#;%$\\&<>')
    assert ":fa-" not in labels
    diagram.encode()
