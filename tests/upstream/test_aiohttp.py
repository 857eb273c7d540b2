"""aiohttp's own tests pass with our dispatcher in place of its own, without links and with links before every handler.

They come from the source distribution of the installed aiohttp, which is downloaded once.
"""

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import aiohttp
import pytest

ROOT = Path(__file__).parent.parent.parent
TESTS = [
    "test_urldispatch.py",
    "test_web_urldispatcher.py",
    "test_route_def.py",
    "test_web_app.py",
    "test_web_middleware.py",
    "test_web_functional.py",
]

# aiohttp 3.14.0 keeps the options of its tests in setup.cfg, later ones in pytest.ini.
WANTED = re.compile(r"^[^/]+/(tests/.*|pytest\.ini|setup\.cfg)$")

# aiohttp's tests of unreadable files expect that the reader is not root; they fail for root on aiohttp alone, too.
NOT_AS_ROOT = [
    "test_web_urldispatcher.py::test_static_directory_without_read_permission",
    "test_web_urldispatcher.py::test_static_file_without_read_permission",
]

# With links, the handler of a route is the composed one: these assert that it is the very function registered.
ASSERTS_IDENTITY = [
    "test_urldispatch.py::test_add_route_root",
    "test_urldispatch.py::test_add_route_simple",
    "test_urldispatch.py::test_add_with_matchdict",
    "test_urldispatch.py::test_add_with_matchdict_with_colon",
    "test_urldispatch.py::test_add_route_with_add_get_shortcut",
    "test_urldispatch.py::test_add_route_with_add_post_shortcut",
    "test_urldispatch.py::test_add_route_with_add_put_shortcut",
    "test_urldispatch.py::test_add_route_with_add_patch_shortcut",
    "test_urldispatch.py::test_add_route_with_add_delete_shortcut",
    "test_urldispatch.py::test_add_route_with_add_head_shortcut",
    "test_urldispatch.py::test_dispatch_lowercase_method",
    "test_urldispatch.py::test_add_with_name",
    "test_urldispatch.py::test_add_with_tailing_slash",
    "test_urldispatch.py::test_add_url_escaping",
    "test_urldispatch.py::test_any_method",
    "test_urldispatch.py::test_match_second_result_in_table",
    "test_urldispatch.py::test_raise_method_not_allowed",
    "test_urldispatch.py::test_add_domain",
    "test_urldispatch.py::test_add_domain_matches_host_with_port",
    "test_urldispatch.py::test_convert_empty_path_to_slash_on_freezing",
    "test_urldispatch.py::test_prefixed_subapp_overlap",
    "test_urldispatch.py::test_prefixed_subapp_empty_route",
    "test_urldispatch.py::test_prefixed_subapp_root_route",
    "test_route_def.py::test_get",
    "test_route_def.py::test_head",
    "test_route_def.py::test_options",
    "test_route_def.py::test_post",
    "test_route_def.py::test_put",
    "test_route_def.py::test_patch",
    "test_route_def.py::test_delete",
    "test_route_def.py::test_route",
]

# How many pass with links on 3.14.0; later releases have more. It guards against a run that finds no tests.
AT_LEAST = 487

SINCE_3_14_0 = ["test_dispatch_lowercase_method", "test_add_domain_matches_host_with_port"]

# With links, our rules differ on purpose: an endpoint must be async (aiohttp warns, and 4 refuses it),
# and a returned HTTPException is raised (aiohttp warns, and 4 answers 500).
DIFFERS_ON_PURPOSE = [
    "test_urldispatch.py::test_deprecate_non_coroutine",
    "test_web_urldispatcher.py::test_handler_metadata_persistence",
    "test_web_functional.py::test_return_http_exception_deprecated",
]


@pytest.fixture(scope="session")
def aiohttp_tests() -> Path:
    """The tests of the installed aiohttp, unpacked; downloaded if they are not there yet."""
    folder = ROOT / ".cache" / f"aiohttp-{aiohttp.__version__}"
    if not (folder / "tests").is_dir():
        download = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "aiohttp", "--dest", str(folder)]
        subprocess.run([sys.executable, *download, f"aiohttp=={aiohttp.__version__}"], check=True)
        with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
            members = [member for member in archive.getmembers() if member.isfile() and WANTED.search(member.name)]
            for member in members:
                member.name = member.name.partition("/")[2]
            archive.extractall(folder, members, filter="data")
    return folder


def run(folder: Path, pass_through: str, left_out: list[str]) -> str:
    plugins = [f"-p{name}" for name in ("xdist", "pytest_mock", "pytest_timeout", "tests.upstream.swapped_dispatcher")]
    options = ["-q", "-n2", "-oaddopts=", "--tb=short", "-pno:cacheprovider"]
    environment = {
        **os.environ,
        "PASS_THROUGH": pass_through,
        "LEFT_OUT": " ".join([*left_out, *(NOT_AS_ROOT if os.geteuid() == 0 else [])]),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": str(ROOT),
    }
    configuration = "pytest.ini" if (folder / "pytest.ini").exists() else "setup.cfg"
    command = [sys.executable, "-m", "pytest", "-c", configuration, "--rootdir=.", *options, *plugins]
    done = subprocess.run(
        [*command, *(f"tests/{name}" for name in TESTS)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    return done.stdout


def count_passed(output: str) -> int:
    found = re.search(r"(\d+) passed", output)
    assert found, output
    return int(found[1])


def test_aiohttps_tests_pass_on_our_dispatcher(aiohttp_tests: Path) -> None:
    assert count_passed(run(aiohttp_tests, "none", [])) >= AT_LEAST


@pytest.mark.parametrize("pass_through", ["marked", "unmarked", "plain", "mixed"])
def test_aiohttps_tests_pass_with_links_before_every_handler(aiohttp_tests: Path, pass_through: str) -> None:
    output = run(aiohttp_tests, pass_through, ASSERTS_IDENTITY + DIFFERS_ON_PURPOSE)
    assert count_passed(output) >= AT_LEAST


def test_what_is_left_out_exists(aiohttp_tests: Path) -> None:
    for name in ASSERTS_IDENTITY + DIFFERS_ON_PURPOSE + NOT_AS_ROOT:
        file, _, test = name.partition("::")
        if test in SINCE_3_14_0 and aiohttp.__version__ == "3.14.0":
            continue
        assert f"def {test}(" in (aiohttp_tests / "tests" / file).read_text(), name
