"""python -m aiohttp_route_middleware: as a user runs it, from a directory with an application in it."""

import json
import os
import pty
import re
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from textwrap import dedent

import pytest

from aiohttp_route_middleware.__main__ import main

SHOP = """
    from aiohttp import web
    from aiohttp_route_middleware import UrlDispatcherEx, named, provides

    USER = web.RequestKey("USER", str)
    NUMBER = 7

    @provides(USER)
    async def authenticate(request): ...

    @named("prüfe")
    async def audit(request): ...

    @web.middleware
    async def log_time(request, handler):
        return await handler(request)

    async def index(request): ...

    class View(web.View):
        async def get(self): ...

    def make_app():
        app = web.Application(middlewares=[log_time])
        router = UrlDispatcherEx.install(app)
        router.add_get("/", index, name="home")
        router.add_get("/posts/{id}", authenticate, audit, index)
        router.add_post("/posts", authenticate, index)
        router.add_view("/view", authenticate, View)
        return app

    def make_small_app():
        app = web.Application()
        UrlDispatcherEx.install(app).add_post("/", authenticate, index)
        return app

    def fail():
        raise LookupError("no database\\nat all")

    LINKS = []

    class Unreadable(ValueError):
        def __str__(self):
            raise RuntimeError

    class Odd(web.PlainResource):
        def get_info(self):
            raise Unreadable

    def make_odd():
        app = web.Application()
        app.router.register_resource(Odd("/odd"))
        return app
"""
APP = "shop:make_app"
COLOUR = re.compile(r"\x1b\[[\d;]+m")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A directory with an application in it."""
    (tmp_path / "shop.py").write_text(dedent(SHOP), encoding="utf-8")
    return tmp_path


@pytest.fixture
def _inside(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process, in that directory; what it has imported there is forgotten."""
    monkeypatch.chdir(shop)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.delenv("NO_COLOR", raising=False)
    yield
    sys.modules.pop("shop", None)


inside = pytest.mark.usefixtures("_inside")


def make_environment(**environment: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    return {**plain, "PYTHONDONTWRITEBYTECODE": "1", **environment}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "aiohttp_route_middleware", *arguments]


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user does, in a process of its own."""
    environ = make_environment(**environment)
    return subprocess.run(command(*arguments), cwd=folder, env=environ, capture_output=True, encoding="utf-8")


def test_routes_are_listed_from_the_directory_where_one_is(shop: Path) -> None:
    done = run(shop, "routes", APP)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:4] == [
        "application  middlewares: log_time",
        "! GET HEAD /                            -> index  name: home",
        "  GET HEAD /posts/{id}                  authenticate prüfe -> index",
        "  POST     /posts                       authenticate -> index",
    ]
    assert "     3  authenticate  shop.py:8" in done.stdout.splitlines()


def test_a_lock_holds_until_a_guard_is_removed(shop: Path) -> None:
    written = run(shop, "routes", APP, "--lock", "routes.lock")
    assert (written.returncode, written.stdout, written.stderr) == (0, "", "")
    same = run(shop, "routes", APP, "--check", "routes.lock")
    assert (same.returncode, same.stdout, same.stderr) == (0, "", "")
    (shop / "shop.py").write_text(dedent(SHOP).replace("authenticate, audit, index", "audit, index"), encoding="utf-8")
    changed = run(shop, "routes", APP, "--check", "routes.lock")
    assert (changed.returncode, changed.stderr) == (1, "")
    assert changed.stdout.splitlines()[:2] == ["--- routes.lock", "+++ the application"]
    assert "-GET,HEAD /posts/{id}: shop:log_time | shop:authenticate > shop:prüfe" in changed.stdout.splitlines()
    assert "+GET,HEAD /posts/{id}: shop:log_time | shop:prüfe" in changed.stdout.splitlines()


def test_a_check_names_the_routes_without_the_link(shop: Path) -> None:
    failed = run(shop, "check", APP, "--require", "shop:authenticate")
    assert (failed.returncode, failed.stderr) == (1, "")
    assert failed.stdout == "GET HEAD / -> index (shop.py:18), defined at shop.py:26, has no authenticate\n"
    well = run(shop, "check", APP, "--require", "shop:authenticate", "--unless", "/")
    assert (well.returncode, well.stdout, well.stderr) == (0, "4 routes: all is well\n", "")


def test_a_url_is_explained(shop: Path) -> None:
    found = run(shop, "explain", APP, "GET", "/posts/7")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.splitlines()[:3] == [
        "  GET /posts/7",
        "    route       GET /posts/{id}",
        "    match_info  id = '7'",
    ]
    missed = run(shop, "explain", APP, "GET", "/posts/7/")
    assert (missed.returncode, missed.stderr) == (1, "")
    assert missed.stdout.splitlines()[1] == "    404 no route has the path /posts/7/"


def test_help_lists_the_commands_and_the_exit_codes(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    for part in ("routes ", "check ", "explain ", "package.module:attribute", "Exit codes: 0,", " 1,", " 2,"):
        assert part in done.stdout


def test_an_error_is_one_line_without_a_traceback(shop: Path) -> None:
    done = run(shop, "routes", "shop:fail")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: shop:fail failed: LookupError: no database at all\n"


@pytest.mark.parametrize("arguments", [[], ["routes"], ["nix"], ["check", APP]], ids=" ".join)
def test_a_command_that_is_none_is_refused_with_the_usage(shop: Path, arguments: list[str]) -> None:
    done = run(shop, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: python -m aiohttp_route_middleware")


def run_on_terminal(folder: Path, *arguments: str, **environment: str) -> str:
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    environ = make_environment(**environment)
    written = b""
    with (
        os.fdopen(ours, "rb", buffering=0) as terminal,
        subprocess.Popen(command(*arguments), cwd=folder, env=environ, stdout=theirs),
        suppress(OSError),  # on Linux, a terminal that nobody writes to any more is an error
    ):
        os.close(theirs)
        while part := terminal.read(4096):
            written += part
    return written.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("options", "environment", "is_coloured"),
    [
        ([], {}, True),
        ([], {"NO_COLOR": ""}, True),
        ([], {"NO_COLOR": "1"}, False),
        (["--color", "never"], {}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
    ],
    ids=["auto", "NO_COLOR is empty", "NO_COLOR", "never", "always in spite of NO_COLOR"],
)
def test_a_terminal_is_written_to_in_colour(
    shop: Path, options: list[str], environment: dict[str, str], is_coloured: bool
) -> None:
    written = run_on_terminal(shop, "explain", APP, "GET", "/", *options, **environment)
    assert COLOUR.sub("", written).startswith("  GET /\n")
    assert bool(COLOUR.search(written)) == is_coloured


def test_a_pipe_is_written_to_in_colour_only_if_asked(shop: Path) -> None:
    assert not COLOUR.search(run(shop, "routes", APP).stdout)
    assert COLOUR.search(run(shop, "routes", APP, "--color", "always").stdout)


def test_a_reader_that_has_seen_enough_is_no_error(shop: Path) -> None:
    with subprocess.Popen(
        command("routes", APP, "--format", "json"),
        cwd=shop,
        env=make_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout
        assert running.stderr
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 0


def test_what_is_written_is_utf_8_whatever_the_locale(shop: Path) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for arguments in (["routes", APP], ["routes", APP, "--format", "json"], ["explain", APP, "GET", "/posts/7"]):
        assert "prüfe" in run(shop, *arguments, **ascii_only).stdout
    run(shop, "routes", APP, "--lock", "routes.lock", **ascii_only)
    assert "prüfe" in (shop / "routes.lock").read_text(encoding="utf-8")
    assert run(shop, "routes", APP, "--check", "routes.lock", **ascii_only).returncode == 0


full_disk = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")


@full_disk
def test_a_full_disk_is_an_error_in_one_line(shop: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            command("routes", APP), cwd=shop, env=make_environment(), stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1


# From here on in this process, whose coverage is measured.


@pytest.mark.parametrize(
    ("options", "is_right"),
    [
        ([], lambda written: written.startswith("application  middlewares: log_time\n! GET")),
        (["--format", "text"], lambda written: written.startswith("application  ")),
        (["--long"], lambda written: written.startswith("! GET HEAD /\n    application log_time  shop.py:")),
        (["--format", "json"], lambda written: json.loads(written)["routes"][0]["path"] == "/"),
        (["--format", "mermaid"], lambda written: written.startswith("flowchart LR\n")),
        (["--format", "html"], lambda written: written.lower().startswith("<!doctype html>") and APP in written),
        (["--color", "always"], lambda written: COLOUR.search(written)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
@inside
def test_routes_are_written_in_each_format(
    options: list[str], is_right: Callable[[str], bool], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["routes", APP, *options]) == 0
    written = capsys.readouterr()
    assert is_right(written.out)
    assert written.err == ""


@inside
def test_a_lock_is_written_and_compared(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["routes", APP, "--lock", "routes.lock"]) == 0
    assert main(["routes", APP, "--check", "routes.lock"]) == 0
    assert capsys.readouterr().out == ""
    (shop / "routes.lock").write_text("")
    assert main(["routes", APP, "--check", "routes.lock"]) == 1
    assert capsys.readouterr().out.startswith("--- routes.lock\n+++ the application\n")


@inside
def test_writing_a_lock_and_comparing_with_another_is_one_command(capsys: pytest.CaptureFixture[str]) -> None:
    Path("old.lock").write_text("")
    assert main(["routes", APP, "--lock", "new.lock", "--check", "old.lock"]) == 1
    assert Path("new.lock").read_text().count("\n") == 2 + 4
    assert capsys.readouterr().out.startswith("--- old.lock\n")


@inside
def test_a_lock_is_not_compared_with_what_was_just_written_over_it() -> None:
    Path("routes.lock").write_text("")
    assert main(["routes", APP, "--lock", "routes.lock", "--check", "routes.lock"]) != 0


@pytest.mark.parametrize(
    ("options", "code", "out"),
    [
        (["--require", "shop:authenticate", "--unless", "/"], 0, "4 routes: all is well"),
        (["--require", "shop:authenticate", "--unless", "GET /"], 0, "4 routes: all is well"),
        (["--require", "shop:log_time"], 0, "4 routes: all is well"),
        (["--require", "shop:USER", "--unless", "/"], 0, "4 routes: all is well"),
        (["--require", "shop:audit", "--require", "shop:authenticate", "--unless", "/"], 0, "4 routes: all is well"),
        (["--require", "shop:USER"], 1, "has no link that provides shop.USER"),
        (["--require", "shop:audit", "--require", "shop:authenticate"], 1, "has no prüfe or authenticate"),
        (
            ["--require", "shop:log_time", "--unless", "/", "--unless", "/nix"],
            1,
            "unless='/nix' names no route; the `routes` command lists them",
        ),
        (
            ["--require", "shop:log_time", "--unless", "/view"],
            1,
            "unless='/view' is not needed: /view has log_time; take it out",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
@inside
def test_a_check_has_an_exit_code(options: list[str], code: int, out: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", APP, *options]) == code
    written = capsys.readouterr()
    assert written.out.splitlines()[-1].endswith(out)
    assert written.err == ""


@inside
def test_one_route_is_not_called_routes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "shop:make_small_app", "--require", "shop:authenticate"]) == 0
    assert capsys.readouterr().out == "1 route: all is well\n"


@pytest.mark.parametrize(
    ("method", "url", "code", "out"),
    [
        ("GET", "/posts/7", 0, "  GET /posts/7\n    route       GET /posts/{id}\n"),
        ("get", "http://localhost/posts/7", 0, "  GET http://localhost/posts/7\n    route  "),
        ("GET", "/nix", 1, "  GET /nix\n    404 "),
        ("PUT", "/posts", 1, "  PUT /posts\n    405 "),
        ("PUT", "/view", 1, "  PUT /view\n    405 the links run, then View,"),
    ],
)
@inside
def test_an_explanation_has_an_exit_code(
    method: str, url: str, code: int, out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", APP, method, url]) == code
    written = capsys.readouterr()
    assert written.out.startswith(out)
    assert written.err == ""


@inside
def test_an_application_is_explained_as_it_starts(capsys: pytest.CaptureFixture[str]) -> None:
    text = "from aiohttp import web\nasync def index(_): ...\napp = web.Application()\napp.router.add_get('', index)\n"
    Path("rooted.py").write_text(text)
    assert main(["explain", "rooted:app", "GET", "/"]) == 0
    assert "endpoint    index" in capsys.readouterr().out


@inside
def test_an_explanation_is_written_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", APP, "GET", "/posts/7", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["match_info"] == {"id": "7"}
    assert main(["explain", APP, "GET", "/nix", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["status"] == 404


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["routes", "shop"], "'shop' is not written as package.module:attribute"),
        (["routes", "nix:app"], "importing nix failed: ModuleNotFoundError: No module named 'nix'"),
        (["routes", "shop:nix"], "shop has no nix"),
        (["routes", "shop:NUMBER"], "shop:NUMBER is int, neither a web.Application nor what makes one"),
        (["routes", APP, "--check", "nix.lock"], "nix.lock cannot be read: "),
        (["routes", APP, "--check", "binary.lock"], "binary.lock cannot be read: "),
        (["routes", APP, "--lock", "."], ". cannot be written: "),
        (["routes", APP, "--lock", "nix/routes.lock"], "nix/routes.lock cannot be written: "),
        (["routes", APP, "--lock", "new.lock", "--format", "json"], "--lock and --check take neither --format nor"),
        (["routes", APP, "--check", "new.lock", "--long"], "--lock and --check take neither --format nor --long"),
        (["check", APP, "--require", "authenticate"], "'authenticate' is not written as package.module:attribute"),
        (["check", APP, "--require", "shop:nix"], "shop has no nix"),
        (["check", APP, "--require", "shop:LINKS"], "shop:LINKS is a list of links; name one of them"),
        (["routes", "shop:make_odd"], "looking at the application failed: Unreadable"),
        (["explain", APP, "GET", "posts"], "'posts' is neither a path that starts with a slash nor"),
        (["explain", APP, "GET POST", "/"], "'GET POST' is no HTTP method"),
        pytest.param(
            ["explain", APP, "GET", "http://[::1/"],
            "'http://[::1/'",
        ),
        pytest.param(
            ["check", APP, "--require", "shop:NUMBER"],
            "shop:NUMBER",
        ),
        pytest.param(
            ["check", APP, "--require", APP],
            APP,
            id="an application for a link",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
@inside
def test_what_cannot_be_carried_out_is_said_in_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("binary.lock").write_bytes(b"\xff\xfe")
    assert main(arguments) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.startswith(f"error: {complaint}")
    assert written.err.count("\n") == 1


def test_a_request_that_aiohttp_refuses_leaves_no_traceback(shop: Path) -> None:
    done = run(shop, "explain", APP, "GET", f"/{'a' * 10_000}")
    assert done.returncode == 2
    assert done.stderr.startswith("error: aiohttp takes no request for GET /aaa")
    assert done.stderr.count("\n") == 1


@inside
def test_a_closed_pipe_is_silent_here_too(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        assert main(["routes", APP]) == 0
    assert capfd.readouterr().err == ""


@full_disk
@inside
def test_a_full_disk_is_an_error_here_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main(["routes", APP]) == 2
    assert capsys.readouterr().err.startswith("error: ")


@inside
def test_a_check_that_failed_has_failed_though_nobody_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        assert main(["check", APP, "--require", "shop:authenticate"]) == 1


@inside
def test_the_output_may_be_caught_as_text() -> None:
    with redirect_stdout(StringIO()) as caught:
        assert main(["routes", APP]) == 0
    assert "prüfe" in caught.getvalue()


@inside
def test_the_command_line_is_read_and_the_exit_code_returned(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "aiohttp_route_middleware.__main__")
    monkeypatch.setattr(sys, "argv", ["aiohttp_route_middleware", "explain", APP, "GET", "/nix"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("aiohttp_route_middleware", run_name="__main__")
    assert caught.value.code == 1
    assert "404" in capsys.readouterr().out


@inside
@pytest.mark.parametrize("command", ["routes", "explain"])
def test_an_output_that_is_closed_is_an_error_in_one_line(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert main([command, APP, *(["GET", "/"] if command == "explain" else [])]) == 2
    monkeypatch.undo()
    assert capsys.readouterr().err == "error: the output cannot be written: it is closed\n"
