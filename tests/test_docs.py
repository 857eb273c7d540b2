"""The code in README and docs is that of the examples, and their links lead somewhere."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import RegistrationError, UrlDispatcherEx, chain
from aiohttp_route_middleware.__main__ import main
from docs.write_batteries import list_batteries, write_page
from examples import link_order

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MEASURED = re.compile(r"<!-- from (bench/results/\S+) -->\n(.*?)<!-- end -->", re.DOTALL)
COMMAND = re.compile(r"\$ python -m aiohttp_route_middleware (.*)\n((?:(?!\$ ).*\n)*)")
EXCERPT = re.compile(r"<!-- from (\S+) -->\n```python\n(.*?)```", re.DOTALL)


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
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
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


def test_every_battery_has_a_page_that_is_its_docstrings_and_a_row() -> None:
    table = (ROOT / "docs" / "batteries.md").read_text()
    for battery in list_batteries():
        page = ROOT / "docs" / "batteries" / f"{battery.stem}.md"
        assert page.read_text() == write_page(battery), "make docs writes it anew"
        assert f"| [{battery.stem}](batteries/{battery.stem}.md) |" in table
    assert (
        table[table.index("| battery |") : table.index("\n\nA battery whose")].replace(
            "](batteries/", "](docs/batteries/"
        )
        in (ROOT / "README.md").read_text()
    )
    assert len(list((ROOT / "docs" / "batteries").glob("*.md"))) == len(list_batteries())
