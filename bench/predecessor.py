"""The package of this name from 2018, to compare with; it is never installed, because its import name is ours."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import subprocess
import sys
import zipimport
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .timing import ROOT

VERSION = "0.0.2"
_CACHE = ROOT / ".cache" / "bench"
_WHEEL = _CACHE / f"aiohttp_route_middleware-{VERSION}-py3-none-any.whl"
_SHA256 = "d64e228da14c69ffacf6306d61e1f149db379b3c2c18633ba374ae6435241e32"


def fetch_wheel() -> None:
    """Download the wheel from the package index, unless it is here; without a network nothing happens."""
    if _find_wheel() is None:
        package = f"aiohttp-route-middleware=={VERSION}"
        options = ["--no-deps", "--only-binary=:all:", "--quiet", "--retries=1", "--timeout=10", f"--dest={_CACHE}"]
        command = [sys.executable, "-m", "pip", "download", *options, package]
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)


def load_composer() -> Callable[[Sequence[Any]], Any] | None:
    """Load the function that composes a list of handlers in the old package, or `None` if it could not be fetched."""
    wheel = _find_wheel()
    if wheel is None:
        return None
    spec = zipimport.zipimporter(str(wheel / "aiohttp_route_middleware")).find_spec("web_urldispatcher")
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    composer: Callable[[Sequence[Any]], Any] = module._make_handler
    return composer


def _find_wheel() -> Path | None:
    """The wheel, if it is here and is the very one that we mean to run."""
    if not _WHEEL.is_file() or hashlib.sha256(_WHEEL.read_bytes()).hexdigest() != _SHA256:
        return None
    return _WHEEL
