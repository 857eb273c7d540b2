"""Where code is written: told where it can be, and not guessed where it cannot."""

from pathlib import Path
from types import FunctionType

import pytest
from aiohttp import web

from aiohttp_route_middleware.places import Site, find_caller, locate
from aiohttp_route_middleware.record import note_site, read_site


async def endpoint(request: web.Request) -> web.Response:
    return web.Response()


def test_a_file_below_the_working_directory_is_told_from_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(Site(str(tmp_path / "app.py"), 7)) == "app.py:7"
    assert str(Site("/elsewhere/app.py", 7)) == "/elsewhere/app.py:7"


def test_without_a_working_directory_the_whole_path_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert str(Site("/elsewhere/app.py", 7)) == "/elsewhere/app.py:7"
    monkeypatch.undo()


def test_a_class_that_is_written_nowhere_has_no_place() -> None:
    assert locate(type("Made", (), {"__module__": "nowhere"})) is None
    assert locate(int) is None
    assert locate(7) is None


def test_a_caller_that_is_all_of_this_package_or_aiohttp_is_none() -> None:
    inside = FunctionType(find_caller.__code__, {**find_caller.__globals__, "sys": _Frames()})
    assert inside() is None


class _Frames:
    """Stands for `sys` where no frame is a user's, which no test can cause: pytest is always outside."""

    f_globals = {"__name__": "aiohttp.web"}
    f_back = None

    def _getframe(self, _depth: int) -> "_Frames":
        return self


def test_a_route_whose_place_is_not_known_has_none() -> None:
    route = web.UrlDispatcher().add_get("/", endpoint)
    assert read_site(note_site(route, None)) is None
