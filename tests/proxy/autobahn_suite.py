"""Autobahn's fuzzing client, brought from PyPI and run: what it finds of each of several WebSocket servers.

The suite and the library that it was written for are put into `.cache` once. Both are ten years old; what they do
on Python 3 was compared with the suite's own client on Python 2.7: all 247 verdicts and close codes agree, of a server
itself and of one behind a relay that changes some.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

__all__ = ("CASES", "Verdict", "bring_suite", "fuzz")

CASES = 247  # all but 9.* (limits and performance) and 12.*, 13.* (compression with many payloads)

_ROOT = Path(__file__).parent.parent.parent
_KEPT = _ROOT / ".cache" / "autobahn" / f"{sys.version_info.major}.{sys.version_info.minor}"
_SUITE = "autobahntestsuite==0.8.2"
_LIBRARIES = ("autobahn==0.10.9", "txaio==2.1.0", "Twisted>=24.7", "six")
_LONGEST = 120  # seconds that all cases may take; they need about eleven


class Verdict(NamedTuple):
    """What came of one case."""

    behavior: str  # what was answered
    behavior_at_close: str
    close_code: int | None
    close_reason: str | None


def bring_suite() -> Path:
    """Install the suite, unless it is there, and return the folder that it is in.

    Raises:
        subprocess.CalledProcessError: pip cannot have it.
    """
    if not _KEPT.exists():
        _KEPT.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_KEPT.parent) as folder:
            _install(folder, "--no-deps", "--no-compile", _SUITE)  # compiling it would only tell that it is Python 2
            _install(folder, *_LIBRARIES)
            _move(Path(folder))
    return _KEPT


def _install(folder: str, *what: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--use-pep517", "--target", folder]
    subprocess.run([*command, "--disable-pip-version-check", *what], check=True, capture_output=True)


def _move(folder: Path) -> None:
    """Let it appear at once and whole, for tests run side by side; the first one wins."""
    whole = folder / "whole"
    whole.mkdir()
    for part in folder.iterdir():
        if part != whole:
            part.rename(whole / part.name)
    if not _KEPT.exists():
        whole.rename(_KEPT)


async def fuzz(servers: Mapping[str, str]) -> dict[str, dict[str, Verdict]]:
    """Run all cases against each of these servers (a name, and its `ws://` URL), side by side.

    Returns:
        For each name, the verdict for each case, like `"6.4.1"`.
    """
    suite = await asyncio.to_thread(bring_suite)
    cases = suite / "autobahntestsuite" / "case"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", str(Path(__file__).with_name("autobahn_client.py")), str(cases)),
        *[f"{name}={url}" for name, url in servers.items()],
        env={**environment, "PYTHONPATH": str(suite)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), _LONGEST)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(errors.decode())
    found = json.loads(output)
    return {name: {case: Verdict(*told) for case, told in verdicts.items()} for name, verdicts in found.items()}
