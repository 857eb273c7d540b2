"""The code in README and docs is that of the examples, and their links lead somewhere."""

import ast
import json
import re
import shlex
from importlib import import_module
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import RegistrationError, UrlDispatcherEx, chain
from aiohttp_route_middleware.__main__ import main
from docs import write_proxy_options
from docs.write_batteries import PACKAGE, fence_code, list_batteries, write_page
from examples import link_order, links_by_name

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MEASURED = re.compile(r"<!-- from (bench/results/\S+) -->\n(.*?)<!-- end -->", re.DOTALL)
COMMAND = re.compile(r"\$ python -m aiohttp_route_middleware (.*)\n((?:(?!\$ ).*\n)*)")
EXCERPT = re.compile(r"<!-- from (\S+) -->\n```python\n(.*?)```", re.DOTALL)
BATTERIES = ROOT / "docs" / "batteries.md"


CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def lines(code: str) -> str:
    """The code without blank lines, which pages may leave out."""
    return "".join(f"{line}\n" for line in code.splitlines() if line.strip())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_on_a_page_is_an_excerpt_of_its_example(page: Path) -> None:
    for source, code in EXCERPT.findall(page.read_text()):
        assert lines(code) in lines((ROOT / source).read_text()), f"{page.name}: {source}"


def test_the_pages_do_quote_examples() -> None:
    assert sum(len(EXCERPT.findall(page.read_text())) for page in PAGES) >= 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_to_them(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_page_is_listed() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    assert [page.name for page in (ROOT / "docs").glob("*.md") if f"({page.name})" not in index] == ["README.md"]


def test_a_newcomer_sees_an_example_within_twenty_lines() -> None:
    head = (ROOT / "README.md").read_text().splitlines()[:20]
    assert any('add_get("/posts/{id}", authenticate, get_post)' in line for line in head)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_quoted_measurements_are_those_that_bench_wrote(page: Path) -> None:
    for source, quoted in MEASURED.findall(page.read_text()):
        table = (ROOT / source).read_text().splitlines()
        assert "÷" in quoted
        assert [line for line in quoted.splitlines() if line not in table] == []


def test_the_pages_do_quote_measurements() -> None:
    quoting = [page.name for page in PAGES if MEASURED.search(page.read_text())]
    assert quoting == ["README.md", "routing.md", "speed.md"]


def read_commands(page: Path) -> list[tuple[str, str]]:
    """Our commands on a page, each with the output that the page shows."""
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL)
    return [command for block in blocks for command in COMMAND.findall(block)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_print_what_the_page_shows(
    page: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    for command, output in read_commands(page):
        if "examples." in command:
            main(shlex.split(command))
            assert capsys.readouterr().out.strip() == output.strip()


def test_the_pages_do_show_commands() -> None:
    shown = [output for page in PAGES for command, output in read_commands(page) if "examples." in command]
    assert len(shown) >= 5
    assert all(shown)


async def authenticate(request: web.Request) -> None: ...


def log_time(request: web.Request, handler: Handler) -> Any: ...


async def get_post(request: web.Request) -> Any: ...


def quoted(page: Path, start: str) -> str:
    """The block of a page that starts so, on one line, with file and line of a link left out."""
    block = page.read_text().partition(f"```\n{start}")[2].partition("```")[0]
    return blank(start + block)


def blank(text: str) -> str:
    return re.sub(r"\(\S+\.py:\d+\)", "(FILE)", " ".join(text.split()))


def test_the_readme_quotes_the_refusal_of_a_wrong_link() -> None:
    with pytest.raises(RegistrationError) as caught:
        UrlDispatcherEx().add_get("/posts/{id}", authenticate, log_time, get_post)
    assert quoted(ROOT / "README.md", "GET /posts") == blank(str(caught.value))


async def test_the_page_on_chains_quotes_the_report_of_a_wrong_answer(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def log_time(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request)

    log_time.__qualname__ = "log_time"
    app = web.Application()
    app.router.add_get("/posts/{id}", chain(authenticate, log_time, get_post))
    await (await aiohttp_client(app)).get("/posts/7")
    (record,) = caplog.records
    assert record.exc_info
    assert quoted(ROOT / "docs" / "chains.md", "AnswerError") == blank(f"AnswerError: {record.exc_info[1]}")


def test_the_page_on_order_quotes_the_refusal_of_a_wrong_order() -> None:
    with pytest.raises(RegistrationError) as caught:
        UrlDispatcherEx().add_get(
            "/orders", link_order.authorise("orders:read"), link_order.authenticate, link_order.list_orders
        )
    assert quoted(ROOT / "docs" / "order.md", "GET /orders") == blank(str(caught.value))


each_battery = pytest.mark.parametrize("battery", list_batteries(), ids=lambda file: file.stem)


@each_battery
def test_a_battery_has_a_page_that_is_its_docstrings_and_a_row(battery: Path) -> None:
    page = ROOT / "docs" / "batteries" / f"{battery.stem}.md"
    assert page.read_text() == write_page(battery), "make docs writes it anew"
    assert f"| [{battery.stem}](batteries/{battery.stem}.md) |" in BATTERIES.read_text()


@each_battery
def test_the_page_of_a_battery_imports_what_its_module_offers(battery: Path) -> None:
    code = write_page(battery).split("```python\n")[1].partition("```")[0]
    imported: dict[str, Any] = {}
    exec(code, imported)
    module = import_module(f"aiohttp_route_middleware.{battery.parent.name}.{battery.stem}")
    assert all(imported[name] is getattr(module, name) for name in module.__all__)
    assert imported.keys() - {"__builtins__"} == {battery.stem, *module.__all__}


@each_battery
def test_the_examples_of_a_page_can_be_pasted(battery: Path) -> None:
    assert "…" not in "".join(re.findall(r"```(.*?)```", write_page(battery), re.DOTALL))
    for code in CODE.findall(write_page(battery))[1:-1]:  # without the import, and the signature
        assert [name for name in read_outer_names(code) if name == "request"] == [], code
        assert not re.search(r"^\.\.\.$", code, re.MULTILINE), code


def read_outer_names(code: str) -> list[str]:
    """Names that are read outside of functions, as Python would when the code is pasted."""
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = [statement for statement in ast.parse(code).body if not isinstance(statement, definitions)]
    return [node.id for statement in nodes for node in ast.walk(statement) if isinstance(node, ast.Name)]


# the page of options shows signatures, which alone are no Python
@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "proxy_options.md"], ids=lambda page: page.name
)
def test_code_on_a_page_that_is_no_excerpt_is_python(page: Path) -> None:
    quoted = [code for _, code in EXCERPT.findall(page.read_text())]
    for code in CODE.findall(page.read_text()):
        if code not in quoted:
            ast.parse(code)


@pytest.mark.parametrize(
    ("text", "fenced"),
    [
        pytest.param("No code.", "No code.", id="none"),
        pytest.param("So:\n\n    a()\n\nAnd.", "So:\n\n```python\na()\n```\n\nAnd.", id="a line"),
        pytest.param("    if a:\n        b()\n\n    c()", "```python\nif a:\n    b()\n\nc()\n```", id="all, a gap"),
        pytest.param("    200 OK", "```text\n200 OK\n```", id="no code"),
        pytest.param("- one\n  more", "- one\n  more", id="a list"),
    ],
)
def test_what_is_indented_becomes_code(text: str, fenced: str) -> None:
    assert fence_code(text) == fenced


def test_the_recipe_for_a_session_as_well_as_a_token_is_that_of_its_example() -> None:
    recipe = CODE.findall(write_page(PACKAGE / "middlewares" / "any_of.py"))[2]
    example = lines((ROOT / "examples" / "session_or_token.py").read_text())
    function, _, routes = recipe.partition("\n\n")
    assert lines(function) in example
    assert lines(indent(routes, "    ")) in example


IMPORTS = re.findall(r"\| `(from aiohttp_route_middleware.*?)` \|", (ROOT / "docs" / "README.md").read_text())


@pytest.mark.parametrize("line", IMPORTS)
def test_what_the_table_of_imports_says_can_be_imported(line: str) -> None:
    exec(line, {})


def test_the_table_of_imports_has_all_that_the_package_offers() -> None:
    told = {name for line in IMPORTS for name in line.partition(" import ")[2].split(", ")}
    faces = ("", ".middlewares", ".stores", ".proxy")
    offered = [import_module(f"aiohttp_route_middleware{face}").__all__ for face in faces]
    assert {name for names in offered for name in names} - told == set()


def test_the_page_on_the_options_of_the_proxy_is_its_docstrings() -> None:
    assert write_proxy_options.PAGE.read_text() == write_proxy_options.write_page(), "make docs writes it anew"


def test_each_name_that_the_proxy_offers_stands_on_the_page_of_its_options_once() -> None:
    shown = [name for names in write_proxy_options.GROUPS.values() for name in names]
    assert sorted(shown) == sorted(write_proxy_options.list_names())
    assert set(import_module("aiohttp_route_middleware.proxy").__all__) <= {*shown}


def test_the_links_to_the_options_of_the_proxy_lead_to_a_heading() -> None:
    page = write_proxy_options.PAGE.read_text()
    anchors = [heading.lower() for heading in re.findall(r"^### (\w+)$", page, re.MULTILINE)]
    anchors = [f"{one}-{anchors[:at].count(one)}".removesuffix("-0") for at, one in enumerate(anchors)]
    pages = [page for page in PAGES if page.name != write_proxy_options.PAGE.name]
    linked = re.findall(r"\(#([\w-]+)\)", page)
    linked += [one for page in pages for one in re.findall(r"\(proxy_options\.md#([\w-]+)\)", page.read_text())]
    assert linked
    assert [one for one in linked if one not in anchors] == []


def headings(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    written = re.findall(r"^##+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in written}


def test_the_links_within_the_page_of_the_proxy_lead_to_its_headings() -> None:
    page = ROOT / "docs" / "proxy.md"
    linked = re.findall(r"\(#(\S+?)\)", page.read_text())
    assert len(linked) >= 10
    assert [one for one in linked if one not in headings(page)] == []


def test_a_newcomer_sees_the_smallest_proxy_within_twenty_lines() -> None:
    head = (ROOT / "docs" / "proxy.md").read_text().splitlines()[:20]
    assert any("proxy(shop))" in line for line in head)


def test_all_code_on_the_page_of_the_proxy_is_that_of_an_example() -> None:
    text = (ROOT / "docs" / "proxy.md").read_text()
    assert text.count("```python") == len(EXCERPT.findall(text)) >= 20


def test_the_page_on_order_shows_each_place_where_keys_are_given() -> None:
    (code,) = (code for code in CODE.findall((ROOT / "docs" / "order.md").read_text()) if "given=[USER]" in code)
    exec(code, {**vars(link_order), "app": web.Application()})


def test_every_page_is_that_of_a_battery() -> None:
    pages = (ROOT / "docs" / "batteries").glob("*.md")
    assert sorted(page.stem for page in pages) == sorted(file.stem for file in list_batteries())


def test_the_readme_has_the_table_of_batteries() -> None:
    table = BATTERIES.read_text()
    rows = table[table.index("| battery |") : table.index("\n\nA battery whose")]
    assert rows.replace("](batteries/", "](docs/batteries/") in (ROOT / "README.md").read_text()


def test_all_code_on_the_page_of_batteries_is_that_of_an_example() -> None:
    assert BATTERIES.read_text().count("```python") == len(EXCERPT.findall(BATTERIES.read_text())) >= 5


def read_toml(text: str) -> dict[str, Any]:
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 reads no TOML")
    found: dict[str, Any] = tomllib.loads(text)
    return found


def test_the_links_in_toml_are_those_of_the_example() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", BATTERIES.read_text(), re.DOTALL)
    assert read_toml(text) == json.loads(links_by_name.SETTINGS)


def read_extras() -> dict[str, tuple[str, str]]:
    """Each row of the table in the README: what an extra brings, and what needs it."""
    table = (ROOT / "README.md").read_text().partition("| extra | what it brings |")[2].partition("\n\n")[0]
    return {
        name: (brings, needing)
        for name, brings, needing in re.findall(r"^\| `(.*?)` \| (.*?) \| (.*)\|$", table, re.M)
    }


def test_the_readme_names_the_extras_and_what_they_bring() -> None:
    extras = read_toml((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    told = read_extras()
    assert told.keys() == extras.keys()
    for extra in extras.keys() - {"all"}:
        assert [name for name in map(name_library, extras[extra]) if name not in told[extra][0]] == []
    assert set(re.findall(r"[\w-]+", extras["all"][0].partition("[")[2])) == extras.keys() - {"all"}


def name_library(requirement: str) -> str:
    return re.split(r"[\[<>=~!; ]", requirement)[0]


def test_the_batteries_that_need_an_extra_are_those_that_the_readme_names() -> None:
    rows = re.findall(r"^\| \[(\w+)\].* \| `([\w-]+)` \|$", BATTERIES.read_text(), re.MULTILINE)
    assert len(rows) >= 5
    assert [name for name, extra in rows if f"`{name}`" not in read_extras()[extra][1]] == []
