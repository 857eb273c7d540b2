"""The arrows of CONTRIBUTING.md, kept true by reading the imports; and the public face of the package."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import aiohttp_route_middleware

PACKAGE = Path(aiohttp_route_middleware.__file__).parent
ROOT = PACKAGE.parent


def draw_rooms() -> list[str]:
    """The rooms in the order of the picture in CONTRIBUTING.md, those of a folder as `folder.room`."""
    rooms: list[str] = []
    folders: list[str] = []
    picture = (ROOT / "CONTRIBUTING.md").read_text()
    for indent, name, kind in re.findall(r"^((?:  ){1,4})(\w+)(\.py|/) ", picture, re.MULTILINE):
        folders = folders[: len(indent) // 2 - 1]
        if name != "__init__":
            rooms.append(".".join([*folders, name]))
        if kind == "/":
            folders.append(name)
    return rooms


ROOMS = draw_rooms()
FOLDERS = {room.rpartition(".")[0] for room in ROOMS if "." in room}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def find_room(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> list[str]:
    """Every module that `path` imports, ours as `.room`; what only type checkers or Python 3.14 import counts, too."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            parts = path.relative_to(PACKAGE).parent.parts
            around = parts[: len(parts) + 1 - node.level]
            found.append("." + ".".join([*around, *filter(None, [node.module])]))
        elif isinstance(node, ast.ImportFrom):
            found.append(str(node.module))
    return found


def test_every_room_of_the_package_is_in_the_picture_and_nothing_else() -> None:
    assert sorted(map(find_room, modules())) == sorted(["__init__", *ROOMS])


@pytest.mark.parametrize("path", modules(), ids=find_room)
def test_a_room_imports_only_from_rooms_above_it(path: Path) -> None:
    room = find_room(path)
    above = [*ROOMS, room][: [*ROOMS, room].index(room)]
    if room in FOLDERS or room == "__init__":  # the face of a folder, which imports what is in it
        above = ROOMS
    ours = [module.removeprefix(".") for module in imports(path) if module.startswith(".")]
    assert [module for module in ours if module not in above] == []


def test_the_core_imports_no_room_that_looks_at_it() -> None:
    core = ROOMS[: ROOMS.index("exchange")]
    script = "import sys, aiohttp_route_middleware; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    ours = {name.partition(".")[2] for name in done.stdout.split() if name.startswith("aiohttp_route_middleware.")}
    assert ours - set(core) == set()


NEEDS = {  # what a room needs besides; mostly behind an extra
    "adapters.session_storages": {"aiohttp_session"},
    "adapters.wsgi": {"a2wsgi"},
    "middlewares.metrics": {"prometheus_client"},
    "middlewares.response_cache": {"yarl"},  # which aiohttp brings
    "middlewares.tracing": {"opentelemetry"},
    "proxy.choice.dynamic": {"yarl"},
    "proxy.choice.targets": {"yarl"},
    "proxy.client_span": {"opentelemetry"},
    "proxy.exchange_metrics": {"prometheus_client"},
    "proxy.message.locations": {"yarl"},
    "proxy.message.paths": {"yarl"},
    "proxy.wire.connection": {"yarl"},
    "proxy.wire.outgoing": {"yarl"},
    "stores.redis": {"redis"},
    "support.access.security_policies": {"aiohttp_security"},
    "support.access.jws": {"jwt"},
    "support.access.verification_keys": {"jwt", "cryptography"},
    "support.asgi.scope_changes": {"yarl"},
    "support.content.compressors": {"backports", "brotli"},
    "support.caching.names": {"yarl"},
    "support.network.host_patterns": {"yarl"},
    "support.network.hosts": {"yarl"},
    "support.sessions.signed_records": {"itsdangerous"},
    "support.rate_limits.memory": {"limits"},
    "support.rate_limits.meter": {"limits"},
    "support.rate_limits.servers": {"limits", "memcachio", "redis"},
    "support.rate_limits.storages": {"limits"},
    "support.rate_limits.limits": {"limits"},
}


@pytest.mark.parametrize("path", modules(), ids=find_room)
def test_nothing_but_aiohttp_is_a_hard_dependency(path: Path) -> None:
    allowed = {*sys.stdlib_module_names, "annotationlib", "compression", "aiohttp", "multidict", "typing_extensions"}
    foreign = {module.split(".")[0] for module in imports(path) if not module.startswith(".")} - allowed
    assert foreign == NEEDS.get(find_room(path), set())


def test_importing_the_package_imports_aiohttp_and_nothing_else_of_others() -> None:
    script = "import sys, aiohttp.web; before = set(sys.modules); import aiohttp_route_middleware; "
    script += "print(*{name.split('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["aiohttp_route_middleware"]


def test_the_public_face_is_what_the_package_imports_and_no_more() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    imported = [name.name for node in tree.body if isinstance(node, ast.ImportFrom) for name in node.names]
    assert list(aiohttp_route_middleware.__all__) == sorted(imported)


@pytest.mark.parametrize(
    "name",
    ["chain", "get", "guard", "links_of", "middleware", "named", "provides", "requires", "route", "RouteTableDef"],
)
def test_public_docstrings_tell_arguments_and_show_an_example(name: str) -> None:
    documentation = getattr(aiohttp_route_middleware, name).__doc__
    assert re.match(r"[A-Z`].*\.", documentation)
    assert name == "get" or ("Args:" in documentation and "Example:" in documentation)


@pytest.mark.parametrize("path", modules(), ids=find_room)
def test_a_room_begins_by_saying_what_it_is_for(path: Path) -> None:
    assert (ast.get_docstring(ast.parse(path.read_text())) or "").strip()


@pytest.mark.parametrize("path", modules(), ids=find_room)
def test_the_body_of_a_function_fits_the_eye(path: Path) -> None:
    """Forty lines at most, docstring not counted."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert length <= 40, f"{path.name}: {node.name}() has {length} lines"


@pytest.mark.parametrize("path", modules(), ids=find_room)
def test_every_ignore_has_its_reason_beside_it(path: Path) -> None:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if "type: ignore" in line or "noqa" in line:
            assert re.search(r"(type: ignore\[[\w, -]+\]|noqa: [A-Z0-9, ]+)  # \w", line), f"{path.name}:{number}"


def test_no_assert_statement_guards_anything() -> None:
    for path in modules():
        asserts = [node.lineno for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Assert)]
        assert asserts == [], path.name


# ---- batteries


SECTIONS = ["Args", "Raises", "Responds", "Reads/Sets", "Source", "Example"]


def batteries() -> list[Path]:
    return [path for path in modules() if find_room(path).startswith(("middlewares.", "adapters."))]


each_battery = pytest.mark.parametrize("path", batteries(), ids=find_room)


def find_factory(path: Path) -> ast.FunctionDef:
    body = ast.parse(path.read_text()).body
    (factory,) = [node for node in body if isinstance(node, ast.FunctionDef) and node.name == path.stem]
    return factory


def read_sections(documentation: str) -> dict[str, str]:
    """The sections of a docstring by their names, in their order; one that comes twice is there with a mark."""
    found: dict[str, str] = {}
    for name, text in re.findall(r"^([A-Z][\w/]*):\n((?:(?: .*)?\n)*)", f"{documentation}\n", re.MULTILINE):
        found[f"{name}, again" if name in found else name] = text
    return found


def name_parameters(factory: ast.FunctionDef) -> list[str]:
    of = factory.args
    named = [*of.posonlyargs, *of.args, of.vararg, *of.kwonlyargs, of.kwarg]
    return [parameter.arg for parameter in named if parameter is not None]


@each_battery
def test_a_battery_is_one_factory_that_is_called_as_its_file(path: Path) -> None:
    assert find_factory(path).name == path.stem


@each_battery
def test_the_docstring_of_a_battery_has_its_sections_in_order(path: Path) -> None:
    documentation = ast.get_docstring(find_factory(path)) or ""
    sections = read_sections(documentation)
    assert re.match(r"[A-Z`][^\n]*\.(\n|$)", documentation)
    assert list(sections) == [name for name in SECTIONS if name in sections]
    assert sections.keys() & {"Raises", "Responds", "Reads/Sets"}
    assert "Example" in sections


@each_battery
def test_the_docstring_of_a_battery_names_each_parameter_and_no_other(path: Path) -> None:
    factory = find_factory(path)
    told = read_sections(ast.get_docstring(factory) or "").get("Args", "")
    names = [name for line in re.findall(r"^ {4}(\S.*?): ", told, re.MULTILINE) for name in line.split(", ")]
    assert [name.lstrip("*") for name in names] == name_parameters(factory)


@each_battery
def test_a_battery_that_refuses_options_has_one_place_for_its_name(path: Path) -> None:
    nodes = [*ast.walk(ast.parse(path.read_text()))]
    written = [node.value for node in nodes if isinstance(node, ast.Constant)].count(f"{path.stem}()")
    raises = any(isinstance(node, ast.Name) and node.id == "ConfigurationError" for node in nodes)
    places = re.findall(r'^_BATTERY = "(\w+\(\))"$', path.read_text(), re.MULTILINE)
    assert (written, places) == ((1, [f"{path.stem}()"]) if raises or written else (0, []))
