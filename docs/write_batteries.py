"""Writes docs/batteries/: a page for each battery, from its docstrings; `make docs`.

A test compares the pages with what this would write.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

ROOT = Path(__file__).parent.parent
BATTERIES = ROOT / "aiohttp_route_middleware" / "middlewares"
PAGES = ROOT / "docs" / "batteries"


def write_page(file: Path) -> str:
    """Write the page of one battery: the documentation of its module, then that of its factory."""
    name, module = file.stem, ast.parse(file.read_text(encoding="utf-8"))
    factories = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name]
    signature = f"{name}({ast.unparse(factories[0].args)})"
    return "\n".join(
        [
            f"# {name}",
            "",
            f"```python\nfrom aiohttp_route_middleware.middlewares.{name} import {name}\n```",
            "",
            _read(module),
            "",
            "## Options",
            "",
            f"```python\n{signature}\n```",
            "",
            f"```text\n{_read(factories[0])}\n```",
            "",
        ]
    )


def list_batteries() -> list[Path]:
    """List the files of the batteries, in order of their names."""
    return sorted(file for file in BATTERIES.glob("*.py") if file.stem != "__init__")


def _read(node: ast.Module | ast.FunctionDef) -> str:
    return inspect.cleandoc(ast.get_docstring(node) or "")


if __name__ == "__main__":
    PAGES.mkdir(exist_ok=True)
    for battery in list_batteries():
        (PAGES / f"{battery.stem}.md").write_text(write_page(battery), encoding="utf-8")
