"""write_page(): the page tells what the routes are, loads nothing, runs nothing of others, and all can read it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import example, given
from hypothesis import strategies as st

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.inspection import LinkInfo, RouteInfo, list_routes
from aiohttp_route_middleware.inspection.page import write_page
from aiohttp_route_middleware.naming import escape_unprintable
from aiohttp_route_middleware.places import Site

from .conftest import PostView, audit, authenticate, authorise, get_post, index, inner, log_time, new_app, outer

VOID = {"input", "meta"}


@dataclass
class Element:
    """An element of a page, with what is in it."""

    tag: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    inside: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(one if isinstance(one, str) else one.text for one in self.inside)

    def walk(self) -> Iterator[Element]:
        yield self
        for one in self.inside:
            if isinstance(one, Element):
                yield from one.walk()

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """All elements within, by their tag and by attributes (`class_`, `data_link`)."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [one for one in self.walk() if one.tag == tag and wanted.items() <= one.attributes.items()]

    def one(self, tag: str, **attributes: str) -> Element:
        (found,) = self.all(tag, **attributes)
        return found

    def codes(self) -> list[str]:
        return [code.text for code in self.all("code")]


class Reader(HTMLParser):
    """Reads a page as a tree, and refuses what is not closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("page")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.open[-1].inside.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def read(page: str) -> Element:
    reader = Reader()
    reader.feed(page)
    reader.close()
    (root,) = reader.open
    return root


def show(routes: Sequence[RouteInfo], title: str = "Blog") -> Element:
    return read(write_page(routes, title))


def rows(page: Element) -> list[Element]:
    return page.one("section", id="routes").one("tbody").all("tr")


def entries(page: Element) -> list[Element]:
    return [row for body in page.one("section", id="links").all("tbody") for row in body.all("tr")]


def new_link(name: str, line: int = 1, link: object = None) -> LinkInfo:
    return LinkInfo(name, "blog.links", Site("links.py", line), link)


def new_route(path: str = "/", *links: LinkInfo, name: str | None = None) -> RouteInfo:
    return RouteInfo(("GET",), path, name, (), (), (), links, new_link("end", 99), None, ())


def make_app() -> web.Application:
    app, router = new_app(middlewares=[outer])
    router.add_get("/", index, name="home")
    posts = router.group("/posts", authenticate)
    posts.add_get("/{id}", authorise("read"), get_post, name="post")
    posts.add_delete("/{id}", authorise("read"), authorise("write"), get_post)
    posts.add_view("/view", PostView)
    router.add_get("/logged", log_time, authenticate, index)
    sub = web.Application(middlewares=[inner])
    sub.router.add_post("/x", chain(authenticate, audit, index))
    app.add_subapp("/sub", sub)
    return app


@pytest.fixture
def routes() -> list[RouteInfo]:
    return list_routes(make_app())


@pytest.fixture
def page(routes: list[RouteInfo]) -> Element:
    return show(routes)


# What it tells


def test_each_route_has_one_row_in_the_order_of_registration(page: Element, routes: list[RouteInfo]) -> None:
    for row, route in zip(rows(page), routes, strict=True):
        assert row.one("td", class_="methods").codes() == list(route.methods)
        assert row.one("th").codes() == [route.path, *([route.name] if route.name else []), *route.mounts]
        assert row.all("td")[-1].text == str(route.site)


def test_a_row_shows_what_runs_in_order_and_of_which_kind_each_is(page: Element) -> None:
    row = rows(page)[2]
    assert row.one("summary").text == "outer → authenticate → authorise(read) → authorise(write) → get_post"
    kinds = [span.attributes["class"] for span in row.one("summary").all("span")]
    assert kinds == ["application", "inherited", "own", "own", "endpoint"]
    legend = page.one("ul", class_="legend")
    assert {kind for kind in kinds if kind} | {"none"} == {span.attributes["class"] for span in legend.all("span")}


def test_where_each_part_is_written_is_beside_it_and_in_the_list_below(routes: list[RouteInfo], page: Element) -> None:
    row, route = rows(page)[2], routes[2]
    parts = [*route.middlewares, *route.links, route.endpoint]
    assert [span.attributes["title"] for span in row.one("summary").all("span")] == [str(part.site) for part in parts]
    assert [item.codes() for item in row.one("ol").all("li")] == [
        [part.name, part.module, str(part.site)] for part in parts
    ]
    assert [item.text.split(" ")[0] for item in row.one("ol").all("li")] == [
        "application",
        "inherited",
        "own",
        "own",
        "endpoint",
    ]


def test_a_route_without_links_says_so_between_middlewares_and_endpoint(page: Element) -> None:
    assert [row.one("summary").text for row in rows(page) if row.all("span", class_="none")] == [
        "outer → no links → index"
    ]


def test_what_is_not_known_is_not_made_up() -> None:
    nowhere = LinkInfo("len", "builtins", None, len)
    page = show([replace(new_route("/", nowhere), endpoint=nowhere)])
    (row,) = rows(page)
    assert row.all("td")[-1].text == "not known"
    assert [item.codes() for item in row.all("li")] == [["len", "builtins"]] * 2
    assert all("title" not in span.attributes for span in row.one("summary").all("span"))
    assert entries(page)[0].one("th").codes() == ["len", "builtins"]


def test_a_route_of_a_sub_application_says_where_it_is_mounted(page: Element) -> None:
    assert [row.one("th").text for row in rows(page) if "mounted" in row.text] == ["/sub/x mounted at /sub"]
    inside = replace(new_route("api.example.com/a/b"), mounts=("api.example.com", "/a"))
    assert rows(show([inside]))[0].one("small").text == "mounted at api.example.com, /a"


def test_a_route_that_is_registered_twice_has_two_rows() -> None:
    twice = [new_route("/a", new_link("authenticate")), new_route("/a")]
    assert [row.one("summary").text for row in rows(show(twice))] == ["authenticate → end", "no links → end"]


def facts(page: Element) -> list[str]:
    return [item.text for item in page.one("ul", class_="facts").all("li")]


def test_the_summary_counts_routes_those_without_links_links_middlewares_and_applications(page: Element) -> None:
    assert facts(page) == [
        "6 routes",
        "1 without any link",
        "5 links",
        "2 application middlewares",
        "1 sub-application",
    ]


def test_the_summary_of_one_route_is_in_the_singular() -> None:
    page = show([replace(new_route("/", new_link("a")), middlewares=(new_link("b"),), mounts=("a.org", "/b"))])
    assert facts(page) == [
        "1 route",
        "0 without any link",
        "1 link",
        "1 application middleware",
        "2 sub-applications",
    ]


def test_each_link_tells_where_it_is_written_and_on_how_many_routes_it_stands(
    page: Element, routes: list[RouteInfo]
) -> None:
    sites = {link.name: str(link.site) for route in routes for link in (*route.middlewares, *route.links)}
    scopes = sites["authorise(read)"]
    found = [[*row.one("th").codes(), *(cell.text.split(" ")[0] for cell in row.all("td"))] for row in entries(page)]
    assert found == [
        ["outer", sites["outer"], "6", "0"],
        ["authenticate", sites["authenticate"], "5", "1"],
        ["authorise(…", scopes, "2", "4"],
        ["authorise(read)", scopes, "2", "4"],
        ["authorise(write)", scopes, "1", "5"],
        ["log_time", sites["log_time"], "1", "5"],
        ["inner", sites["inner"], "1", "5"],
        ["audit", sites["audit"], "1", "5"],
    ]
    assert ["application middleware" in row.text for row in entries(page)] == [True, *[False] * 5, True, False]


def test_links_of_one_place_stand_below_a_line_for_any_of_them(page: Element) -> None:
    (group,) = [body for body in page.all("tbody") if body.all("button", aria_expanded="true")]
    assert [row.attributes["class"] for row in group.all("tr")] == ["whole", "part", "part"]
    assert group.one("button", aria_expanded="true").text == "any of 2"


def test_links_on_more_routes_come_first_among_those_of_one_place_too() -> None:
    rare, often = new_link("authorise(a)"), new_link("authorise(b)")
    page = show([new_route("/a", new_link("audit", 2)), new_route("/b", rare, often), new_route("/c", often)])
    found = [entry.one("th").codes()[0] for entry in entries(page)]
    assert found == ["authorise(…", "authorise(b)", "authorise(a)", "audit"]


def test_a_link_that_is_an_application_middleware_elsewhere_is_one_entry() -> None:
    log = new_link("log")
    page = show([new_route("/a", log), replace(new_route("/b"), middlewares=(log,)), new_route("/c")])
    (entry,) = entries(page)
    assert entry.one("span", class_="tag").text == "also application middleware"
    assert [cell.text for cell in entry.all("td")] == ["2 with log", "1 without log"]
    assert facts(page)[2:4] == ["1 link", "1 application middleware"]


def pick(page: Element, button: Element) -> list[Element]:
    """The rows that the script shows when this button alone is pressed."""
    link, want = button.attributes["data-link"], button.attributes["data-want"]
    return [row for row in rows(page) if (link in (row.attributes["data-links"] or "").split()) == (want == "with")]


few_links = st.lists(st.builds(new_link, st.sampled_from(["a(1)", "a(2)", "b"]), st.integers(1, 2)), max_size=3)


@given(st.lists(st.tuples(few_links, few_links), min_size=1, max_size=8))
def test_every_number_is_that_of_the_rows_it_shows(chains: list[tuple[list[LinkInfo], list[LinkInfo]]]) -> None:
    routes = [replace(new_route("/", *links), middlewares=tuple(before)) for before, links in chains]
    page = show(routes)
    for entry in entries(page):
        for button in entry.all("button", aria_pressed="false"):
            assert button.text == f"{len(pick(page, button))} {button.attributes['data-says']}"
    single = [entry for entry in entries(page) if not entry.all("button", aria_expanded="true")]
    on_routes = Counter(
        key for before, links in chains for key in {(one.name, str(one.site)) for one in before + links}
    )
    shown = {tuple(entry.one("th").codes()): int(entry.all("td")[0].text.split(" ")[0]) for entry in single}
    assert shown == on_routes
    bare = page.all("button", data_says="without any link")
    assert sum(int(button.text.split(" ")[0]) for button in bare) == len(
        [row for row in rows(page) if "no links" in row.text]
    )


def test_an_application_without_routes_says_so_and_shows_no_tables() -> None:
    page = show([])
    assert page.one("main").all("p")[0].text == "This application has no routes."
    assert "hidden" in page.one("div", class_="listing").attributes
    assert rows(page) == entries(page) == []


# What it does not do


def test_the_policy_allows_this_style_and_this_script_and_nothing_else(page: Element) -> None:
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(page.one(tag).text.encode()).digest()).decode()}'"
        for tag in ("style", "script")
    ]
    policy = page.one("meta", http_equiv="Content-Security-Policy").attributes["content"]
    assert policy == (
        f"default-src 'none'; style-src {hashes[0]}; script-src {hashes[1]}; base-uri 'none'; form-action 'none'"
    )


def test_nothing_is_loaded_and_nothing_leads_elsewhere(page: Element) -> None:
    attributes = {name for element in page.walk() for name in element.attributes}
    assert not attributes & {"src", "srcset", "action", "formaction", "style", "data", "ping", "background"}
    assert [name for name in attributes if name.startswith("on")] == []
    assert [element.attributes["href"] for element in page.walk() if "href" in element.attributes] == ["#routes"]
    assert not re.search(r"url\(|@import|@font-face", page.one("style").text)
    assert not re.search(
        r"fetch|XMLHttp|import|eval|Function|innerHTML|outerHTML|insertAdjacent|document\.write|localStorage|cookie",
        page.one("script").text,
    )


def test_the_page_itself_names_no_address() -> None:
    assert not re.search(r"https?:|//\w+\.|javascript:", write_page([new_route()], "Blog"))


def test_a_link_is_never_asked_how_it_represents_itself() -> None:
    class Secret:
        def __repr__(self) -> str:
            raise AssertionError("asked")

        __str__ = __repr__

    secret = new_link("authenticate", link=Secret())
    assert entries(show([new_route("/", secret)]))[0].one("th").codes() == ["authenticate", "links.py:1"]


def test_the_same_routes_make_the_same_page() -> None:
    assert write_page(list_routes(make_app()), "Blog") == write_page(list_routes(make_app()), "Blog")


def test_files_below_the_working_directory_are_named_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parent)
    page = write_page(list_routes(make_app()), "Blog")
    assert str(Path(__file__).parent) not in page
    assert "<code>conftest.py:" in page


HOSTILE = [
    pytest.param("<script>alert(1)</script>", id="script"),
    pytest.param("</title></style></script></code><img src=x onerror=alert(1)>", id="end tags"),
    pytest.param("\" onclick='alert(1)' x=\"", id="quotes"),
    pytest.param("javascript:alert(1)", id="javascript address"),
    pytest.param("https://example.com/", id="address"),
    pytest.param("&lt;b&gt; &amp;lt; &#60;", id="references"),
    pytest.param("$title ${style} $$", id="placeholders"),
    pytest.param("<!-- --> <![CDATA[ ]]> <?x ?>", id="comments"),
    pytest.param("a\r\nb\u2028c\x00d", id="line breaks"),
    pytest.param("\u202egnp.exe", id="turn of direction"),
    pytest.param("ünï☃", id="beyond ASCII"),
]


def show_everywhere(text: str) -> Element:
    """A page with a text in each place where one can stand."""
    link = LinkInfo(text, text, Site(text, 1), None)
    route = RouteInfo((text,), text, text, (text,), (link,), (link,), (link,), link, Site(text, 2), ())
    page = write_page([route], text)
    page.encode()
    return read(page)


def fill_in(model: str | None, text: str) -> str:
    """What stands on a page with `text` where `model` stands on a harmless one; a path is written as paths are."""
    site = re.fullmatch(r"harmless:(\d)", model or "")
    return (
        escape_unprintable(str(Site(text, int(site[1]))))
        if site
        else (model or "").replace("harmless", escape_unprintable(text))
    )


def assert_is_only_text(text: str) -> None:
    page, harmless = show_everywhere(text), show_everywhere("harmless")
    assert [one.tag for one in page.walk()] == [one.tag for one in harmless.walk()]
    for one, model in zip(page.walk(), harmless.walk(), strict=True):
        assert list(one.attributes) == list(model.attributes)
        if one.tag in ("title", "h1", "code"):
            assert one.text == fill_in(model.text, text)
        for name, value in model.attributes.items():
            told = name in ("title", "data-says")
            assert one.attributes[name] == (fill_in(value, text) if told else value)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_is_only_text(text: str) -> None:
    assert_is_only_text(text)


any_text: Any = st.text(st.characters(exclude_categories=()), min_size=1)
markup: Any = st.text("<>&\"'`=/-![]$#;:{} \n\r\tabcdx09", min_size=1)


@given(any_text | markup)
@example("/../x")
def test_any_name_is_only_text(text: str) -> None:
    assert_is_only_text(text)


# Who can read it


def test_without_the_script_all_routes_are_shown_and_what_needs_it_is_not(page: Element) -> None:
    assert all("hidden" not in row.attributes for row in [*rows(page), *entries(page)])
    assert "hidden" in page.one("div", id="bar").attributes
    bar = page.one("div", id="bar").all("button")
    for button in page.all("button"):
        assert button in bar or "hidden" in button.attributes or "disabled" in button.attributes
    assert [cell.text for cell in entries(page)[1].all("td")] == ["5 with authenticate", "1 without authenticate"]


def test_the_script_finds_what_it_looks_for(page: Element) -> None:
    script = page.one("script").text
    ids = {*re.findall(r'byId\("(\w+)"\)', script), "bar", "text", "chosen", "clear", "unfold"}
    assert ids <= {one.attributes.get("id") for one in page.walk()}
    assert ids == {"bar", "text", "status", "nothing", "chosen", "clear", "unfold"}


def test_the_page_is_built_as_assistive_software_expects(page: Element) -> None:
    assert page.one("html").attributes["lang"] == "en"
    assert page.one("meta", name="viewport").attributes["content"] == "width=device-width, initial-scale=1"
    assert page.one("title").text == page.one("h1").text == "Blog"
    assert [len(table.all("caption")) for table in page.all("table")] == [1, 1]
    assert {head.attributes["scope"] for head in page.all("th")} == {"col", "row"}
    assert all(len(row.all("th", scope="row")) == 1 for row in [*rows(page), *entries(page)])
    assert {button.attributes["type"] for button in page.all("button")} == {"button"}
    assert page.one("label").attributes["for"] == page.one("input").attributes["id"]


def luminance(colour: str) -> float:
    """How bright a colour is (WCAG 2.2, relative luminance)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


CONTRASTS = [
    *[(front, back, 4.5) for front in ("ink", "faint", "accent") for back in ("back", "surface", "tint")],
    *[("on-accent", "accent", 4.5), ("warn-ink", "warn-back", 4.5)],
    *[(front, "back", 3.0) for front in ("edge", "accent", "warn-edge")],
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), CONTRASTS, ids=lambda value: str(value))
def test_colours_keep_the_contrast_of_wcag_aa(page: Element, scheme: str, front: str, back: str, least: float) -> None:
    """WCAG 2.2, 1.4.3 for text and 1.4.11 for the edges of what can be pressed."""
    light, dark = re.findall(r":root \{(.+?)\}", page.one("style").text, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", light if scheme == "light" else dark))
    darker, brighter = sorted([luminance(colours[front]), luminance(colours[back])])
    assert (brighter + 0.05) / (darker + 0.05) >= least


def test_the_page_heeds_the_scheme_the_width_the_printer_and_the_keyboard(page: Element) -> None:
    style = page.one("style").text
    for rule in ("prefers-color-scheme: dark", "max-width: 40rem", "@media print", ":focus-visible"):
        assert rule in style
