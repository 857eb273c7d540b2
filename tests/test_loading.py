"""package.module:attribute: what is found there, and whatever goes wrong, in one line."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.loading import explain_failure, load_object, name_failure

SHOP = """
    class Shop:
        name = "shop"

        class Till:
            name = "till"

    number = 7

    def __getattr__(name):
        if name == "lazy":
            raise LookupError("too\\n  lazy")
        if name == "stops":
            raise KeyboardInterrupt
        raise AttributeError(name)
"""


class Refused(Exception):
    pass


@pytest.fixture(autouse=True)
def _modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Modules to import, in a directory of their own; forgotten after the test."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    (tmp_path / "shop" / "main.py").write_text(dedent(SHOP))
    (tmp_path / "broken.py").write_text("raise RuntimeError('line one\\n\\tline two')\n")
    (tmp_path / "exits.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "stops.py").write_text("raise KeyboardInterrupt\n")
    (tmp_path / "wants.py").write_text("import not_installed\n")
    (tmp_path / "wrong.py").write_text("def (:\n")
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("place", "found"),
    [("shop.main:number", 7), ("shop.main:Shop.name", "shop"), ("shop.main:Shop.Till.name", "till")],
    ids=["attribute", "deeper", "deepest"],
)
def test_what_stands_there_is_returned_as_it_is(place: str, found: object) -> None:
    assert load_object(place, Refused) == found


def test_a_module_is_imported_once() -> None:
    shop = load_object("shop.main:Shop", Refused)
    assert load_object("shop.main:Shop", Refused) is shop


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("", "'' is not written as package.module:attribute"),
        ("shop.main", "'shop.main' is not written as package.module:attribute"),
        ("shop.main:", "'shop.main:' is not written as package.module:attribute"),
        (":shop", "':shop' is not written as package.module:attribute"),
        ("a\nb", "'a\\nb' is not written as package.module:attribute"),
        ("missing:app", "importing missing failed: ModuleNotFoundError: No module named 'missing'"),
        ("shop.missing:app", "importing shop.missing failed: ModuleNotFoundError: No module named 'shop.missing'"),
        ("shop\n.main:app", "importing shop\\n.main failed: ModuleNotFoundError: No module named 'shop\\n'"),
        (".shop:app", "importing .shop failed: TypeError: "),
        ("wants:app", "importing wants failed: ModuleNotFoundError: No module named 'not_installed'"),
        ("broken:app", "importing broken failed: RuntimeError: line one line two"),
        ("exits:app", "importing exits failed: SystemExit: 3"),
        ("wrong:app", "importing wrong failed: SyntaxError: "),
        ("shop.main:missing", "shop.main has no missing"),
        ("shop.main:Shop.missing", "shop.main has no Shop.missing"),
        ("shop.main:Shop..name", "shop.main has no Shop..name"),
        ("shop.main:Shpo", "shop.main has no Shpo (did you mean Shop?)"),
        ("shop.main:Shop.Til.name", "shop.main has no Shop.Til.name (did you mean Till?)"),
        ("shop.main:number.rael", "shop.main has no number.rael"),
        ("shop.main:a:b", "shop.main has no a:b"),
        ("shop.main:\x1b[2J", "shop.main has no \\x1b[2J"),
        ("shop.main:lazy", "shop.main:lazy failed: LookupError: too lazy"),
    ],
)
def test_whatever_goes_wrong_is_said_in_one_line(place: str, problem: str) -> None:
    with pytest.raises(Refused) as refused:
        load_object(place, Refused)
    assert str(refused.value).startswith(problem)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("place", ["stops:app", "shop.main:stops"])
def test_an_interrupt_by_the_user_stays_one(place: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        load_object(place, Refused)


def test_the_cause_is_kept() -> None:
    for place, cause in (("broken:app", RuntimeError), ("shop.main:missing", AttributeError)):
        with pytest.raises(Refused) as refused:
            load_object(place, Refused)
        assert type(refused.value.__cause__) is cause


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("no"), "it failed: ValueError: no"),
        (ValueError(), "it failed: ValueError"),
        (ValueError(" \n "), "it failed: ValueError"),
        (KeyError("name"), "it failed: KeyError: 'name'"),
        (ValueError("a\n\tb  c\x00"), "it failed: ValueError: a b c\\x00"),
    ],
    ids=["text", "no text", "blank", "a key", "several lines"],
)
def test_a_failure_is_explained_in_one_line(error: Exception, line: str) -> None:
    assert explain_failure("it failed", error) == line


def test_an_error_that_cannot_be_written_is_named() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert explain_failure("it failed", Mute()) == "it failed: Mute"


def test_an_interrupt_is_not_explained() -> None:
    with pytest.raises(KeyboardInterrupt):
        explain_failure("it failed", KeyboardInterrupt())


@given(st.text(), st.text())
def test_no_failure_takes_two_lines_or_steers_a_terminal(what: str, text: str) -> None:
    assert explain_failure(what, ValueError(text)).isprintable()


def test_a_failure_is_named_with_its_line_and_without_its_text() -> None:
    with pytest.raises(Refused) as refused:
        load_object("broken:app", Refused)
    cause = refused.value.__cause__
    assert isinstance(cause, RuntimeError)
    assert re.fullmatch(r"RuntimeError at \S+broken\.py:1", name_failure(cause))


def test_a_failure_that_was_never_raised_has_no_line() -> None:
    assert name_failure(type("A\nB", (Exception,), {})("secret")) == "A\\nB"
