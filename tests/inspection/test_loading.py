"""package.module:attribute: what is found there; and whatever goes wrong, in one line."""

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from aiohttp import web

from aiohttp_route_middleware.errors import InspectionError
from aiohttp_route_middleware.inspection.loading import load, load_app

SHOP = """
    import types
    from aiohttp import web

    NAME = web.AppKey("NAME", str)
    app = web.Application()
    app[NAME] = "app"

    def make_app():
        app = web.Application()
        app[NAME] = "factory"
        return app

    async def make_app_async():
        app = make_app()
        app[NAME] = "async factory"
        return app

    class Factory:
        def __call__(self):
            return make_app()

    class Shop:
        app = app

        @classmethod
        def make(cls):
            return make_app()

    factory = Factory()
    nested = types.SimpleNamespace(shop=Shop)
    number = 7

    def make_number():
        return number

    async def make_none(): ...

    def fail():
        raise LookupError("no database\\n  at 127.0.0.1:5432")

    async def fail_async():
        raise LookupError

    def give_up():
        raise SystemExit("bye")

    def paint():
        raise ValueError("\\x1b[2J red \\x9b")

    def stop():
        raise KeyboardInterrupt

    def need(config): ...

    def __getattr__(name):
        if name == "lazy":
            raise LookupError("too lazy")
        raise AttributeError(name)
"""


@pytest.fixture(autouse=True)
def _shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Modules to import, in a directory of their own; forgotten after the test."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    (tmp_path / "shop" / "main.py").write_text(dedent(SHOP))
    (tmp_path / "broken.py").write_text("import shop.main\nraise RuntimeError('line one\\n\\tline two')\n")
    (tmp_path / "exits.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "wrong.py").write_text("def (:\n")
    (tmp_path / "wants.py").write_text("import not_installed\n")
    (tmp_path / "stops.py").write_text("raise KeyboardInterrupt\n")
    (tmp_path / "refuses.py").write_text(
        "from aiohttp_route_middleware import UrlDispatcherEx\nUrlDispatcherEx().add_get('/', 7)\n"
    )
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("shop.main:app", "app"),
        ("shop.main:make_app", "factory"),
        ("shop.main:make_app_async", "async factory"),
        ("shop.main:factory", "factory"),
        ("shop.main:Shop.app", "app"),
        ("shop.main:Shop.make", "factory"),
        ("shop.main:nested.shop.make", "factory"),
    ],
    ids=lambda value: value,
)
def test_an_application_is_found_or_made(place: str, name: str) -> None:
    app = load_app(place)
    assert isinstance(app, web.Application)
    assert app[load("shop.main:NAME")] == name


def test_anything_else_is_found_as_it_is_and_not_called() -> None:
    assert load("shop.main:number") == 7
    assert load("shop.main:fail").__name__ == "fail"
    assert load("os:path.join").__name__ == "join"


UNWRITTEN = "is not written as package.module:attribute"
NO_APP = "neither a web.Application nor what makes one"


@pytest.mark.parametrize(
    ("place", "complaint"),
    [
        ("shop.main", f"'shop.main' {UNWRITTEN}"),
        ("shop.main:", f"'shop.main:' {UNWRITTEN}"),
        (":app", f"':app' {UNWRITTEN}"),
        ("", f"'' {UNWRITTEN}"),
        ("nix:app", "importing nix failed: ModuleNotFoundError: No module named 'nix'"),
        ("shop.nix:app", "importing shop.nix failed: ModuleNotFoundError: No module named 'shop.nix'"),
        ("wants:app", "importing wants failed: ModuleNotFoundError: No module named 'not_installed'"),
        ("broken:app", "importing broken failed: RuntimeError: line one line two"),
        ("exits:app", "importing exits failed: SystemExit: 3"),
        ("wrong:app", "importing wrong failed: SyntaxError: invalid syntax (wrong.py, line 1)"),
        ("shop.main:nix", "shop.main has no nix"),
        ("shop.main:Shop.nix", "shop.main has no Shop.nix"),
        ("shop.main:app.", "shop.main has no app."),
        ("shop.main:app:make", "shop.main has no app:make"),
        ("shop.main:number", f"shop.main:number is int, {NO_APP}"),
        ("shop.main:make_number", f"shop.main:make_number is int, {NO_APP}"),
        ("shop.main:make_none", f"shop.main:make_none is NoneType, {NO_APP}"),
        ("shop.main:fail", "shop.main:fail failed: LookupError: no database at 127.0.0.1:5432"),
        ("shop.main:fail_async", "shop.main:fail_async failed: LookupError"),
        ("shop.main:give_up", "shop.main:give_up failed: SystemExit: bye"),
        ("shop.main:paint", r"shop.main:paint failed: ValueError: \x1b[2J red \x9b"),
        (
            "shop.main:need",
            "shop.main:need failed: TypeError: need() missing 1 required positional argument: 'config'",
        ),
        pytest.param(
            "shop.main:lazy",
            "shop.main:lazy failed: LookupError: too lazy",
        ),
        pytest.param(
            "shop.main:a\nb",
            r"shop.main has no a\nb",
        ),
    ],
    ids=lambda value: None if " " in value else ascii(value),
)
def test_whatever_goes_wrong_is_said_in_one_line(place: str, complaint: str) -> None:
    with pytest.raises(InspectionError) as caught:
        load_app(place)
    assert str(caught.value) == complaint


def test_a_refused_route_is_said_as_it_was_refused() -> None:
    with pytest.raises(
        InspectionError, match=r"^importing refuses failed: RegistrationError: GET /: link 1 of 1, int"
    ):
        load_app("refuses:app")


def test_the_error_itself_is_kept_as_the_cause() -> None:
    with pytest.raises(InspectionError) as caught:
        load_app("shop.main:fail")
    assert isinstance(caught.value.__cause__, LookupError)


@pytest.mark.parametrize("place", ["stops:app", "shop.main:stop"], ids=["module", "factory"])
def test_whoever_presses_control_c_is_obeyed(place: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        load_app(place)
