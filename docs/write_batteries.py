"""Writes docs/batteries/: a page for each battery and each adapter, from its docstrings; `make docs`.

The page on the options of the proxy is written with them. A test compares all with what this would write.
"""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from textwrap import dedent

from docs import write_proxy_options

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "aiohttp_route_middleware"
PAGES = ROOT / "docs" / "batteries"
LONGEST_LINE = 119
_INDENTED = re.compile(r"(?:^ {4}.*\n(?:\n+(?= {4}))?)+", re.MULTILINE)


def write_page(file: Path) -> str:
    """Write the page of one battery: the documentation of its module, then that of its factory."""
    name, module = file.stem, ast.parse(file.read_text(encoding="utf-8"))
    factories = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name]
    signature = f"{name}({ast.unparse(factories[0].args)})"
    return "\n".join(
        [
            f"# {name}",
            "",
            f"```python\n{_write_import(file, _read_names(module))}\n```",
            "",
            "Whence all other names come that stand here: [what is imported from where](../README.md#imports).",
            "",
            fence_code(_read(module)),
            "",
            "## Options",
            "",
            f"```python\n{signature}\n```",
            "",
            f"```text\n{_read(factories[0])}\n```",
            "",
        ]
    )


def fence_code(text: str) -> str:
    """Put what is indented by four into fences: Python, or what a program writes."""
    return _INDENTED.sub(_fence, f"{text}\n").removesuffix("\n")


def _fence(block: re.Match[str]) -> str:
    code = dedent(block[0])
    try:
        ast.parse(code)
    except SyntaxError:
        return f"```text\n{code}```\n"
    return f"```python\n{code}```\n"


def list_batteries() -> list[Path]:
    """List the files of the batteries, then those of the adapters, each in order of their names."""
    folders = (PACKAGE / "middlewares", PACKAGE / "adapters")
    return [file for folder in folders for file in sorted(folder.glob("*.py")) if file.stem != "__init__"]


def _write_import(file: Path, names: list[str]) -> str:
    start = f"from {PACKAGE.name}.{file.parent.name}.{file.stem} import"
    line = f"{start} {', '.join(names)}"
    return line if len(line) <= LONGEST_LINE else "\n".join([f"{start} (", *(f"    {name}," for name in names), ")"])


def _read_names(module: ast.Module) -> list[str]:
    """Read what a module offers: its `__all__`, in its order."""
    (offered,) = [
        node.value
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    return [*ast.literal_eval(offered)]


def _read(node: ast.Module | ast.FunctionDef) -> str:
    return inspect.cleandoc(ast.get_docstring(node) or "")


if __name__ == "__main__":
    PAGES.mkdir(exist_ok=True)
    for battery in list_batteries():
        (PAGES / f"{battery.stem}.md").write_text(write_page(battery), encoding="utf-8")
    write_proxy_options.PAGE.write_text(write_proxy_options.write_page(), encoding="utf-8")
