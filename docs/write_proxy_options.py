"""Writes docs/proxy_options.md: all that the proxy offers, from its docstrings; `make docs`.

A test compares the page with what this would write, and its names with those that the proxy offers.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

__all__ = ("GROUPS", "PAGE", "list_names", "write_page")

ROOT = Path(__file__).parent.parent
PROXY = ROOT / "aiohttp_route_middleware" / "proxy"
PAGE = ROOT / "docs" / "proxy_options.md"
GROUPS: dict[str, tuple[str, ...]] = {
    "The endpoint": ("proxy", "Upstream", "Target"),
    "Which target": ("ConsistentHash", "AffinityCookie", "Ejection", "HealthCheck", "DynamicTargets"),
    "Another attempt": ("Retries", "RetryBudget"),
    "Paths": ("strip_prefix", "add_prefix", "replace_prefix", "replace_path", "rewrite_path", "quote_segment"),
    "What the target is told": ("set_header", "remove_headers", "Forwarding"),
    "What the client is told": (
        *("set_response_header", "remove_response_headers", "rewrite_locations", "rewrite_cookies", "intercept"),
    ),
    "Hooks of your own": ("Hook", "after", "Exchange", "OutgoingRequest", "ProxyResponse"),
    "Messages and copies": ("relay_messages", "Mirror", "AnswerCopy"),
    "What became of it": ("EXCHANGE", "ExchangeRecord", "client_span", "count_exchanges"),
    "Errors": (
        *(
            "UpstreamError",
            "NoTargetError",
            "TargetRefusedError",
            "ConnectError",
            "ConnectTimeoutError",
            "ConnectionLimitError",
        ),
        *("AddressRefusedError", "DisconnectedError", "ResponseTimeoutError", "BadResponseError"),
        *("BodyTooLargeError", "BodyCutOffError"),
    ),
}
"""What stands on the page, in its order."""

_INTRODUCTION = """\
Of the [reverse proxy](proxy.md), from its docstrings. All is imported from `aiohttp_route_middleware.proxy`, but for
`client_span`, from `aiohttp_route_middleware.proxy.client_span`, and `count_exchanges`, from
`aiohttp_route_middleware.proxy.exchange_metrics`, which need an extra."""
_MEMBERS: dict[str, tuple[str, ...]] = {
    "Upstream": ("run_with",),
    "ConsistentHash": ("by_header", "by_cookie", "by_address"),
    "Exchange": ("incoming", "request", "target", "record", "state", "has_response", "response", "answer"),
    "OutgoingRequest": ("method", "path", "url", "headers", "body"),
    "ProxyResponse": ("read", "replace_body"),
    "UpstreamError": ("status", "proxy_error"),
}
"""What of these is for users; of all others it is how they are made."""
_MADE_HERE = {"Exchange", "OutgoingRequest", "ProxyResponse", *GROUPS["Errors"]}
"""What users get, and never make: what only we pass is left out."""
_FIELDS_ALONE = {"ExchangeRecord", "AnswerCopy"}
_LONGEST_LINE = 119
_ARGUMENTS = re.compile(r"\n\nArgs:\n(?: .*\n?|\n(?= ))*")
_BETWEEN_ARGUMENTS = re.compile(r", (?=\*{0,2}\w+:|\*,)")

_Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def write_page() -> str:
    """Write the page, in groups."""
    files = list_names()
    parts = ["# The options of a reverse proxy", _INTRODUCTION, _write_contents()]
    for group, names in GROUPS.items():
        parts.append(f"## {group}")
        if group == "Errors":
            parts.append(f"```text\n{_read_tree()}\n```")
        for name in names:
            parts += [f"### {name}", *_describe(name, _find(files[name], name))]
    return "\n\n".join(parts) + "\n"


def list_names() -> dict[str, Path]:
    """List the public names of the proxy, each with the file that defines it."""
    face = ast.parse((PROXY / "__init__.py").read_text(encoding="utf-8"))
    imports = [node for node in face.body if isinstance(node, ast.ImportFrom) and node.level]
    files = {name.name: PROXY / f"{(one.module or '').replace('.', '/')}.py" for one in imports for name in one.names}
    return {**files, "client_span": PROXY / "client_span.py", "count_exchanges": PROXY / "exchange_metrics.py"}


def _write_contents() -> str:
    """Link each name to its section; GitHub numbers those that differ in their case alone."""
    seen = Counter[str]()
    lines = []
    for group, names in GROUPS.items():
        links = []
        for anchor, name in ((name.lower(), name) for name in names):
            links.append(f"[{name}](#{anchor}{f'-{seen[anchor]}' if seen[anchor] else ''})")
            seen[anchor] += 1
        lines.append(f"- {group}: {', '.join(links)}")
    return "\n".join(lines)


def _read_tree() -> str:
    module = ast.parse((PROXY / "wire" / "failures.py").read_text(encoding="utf-8"))
    return _read(module).split("\n\n")[1]


def _find(file: Path, name: str) -> list[ast.stmt]:
    """Find what defines a name, and what stands behind it."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    for place, node in enumerate(body):
        if (isinstance(node, _Definition) and node.name == name) or _is_set(node, name):
            return body[place : place + 2]
    raise LookupError(f"{file} does not define {name}")


def _describe(name: str, found: list[ast.stmt]) -> Iterator[str]:
    node = found[0]
    if not isinstance(node, _Definition):
        yield f"```python\n{ast.unparse(node)}\n```"
        yield _read_below(found)
        return
    if name not in _MADE_HERE | _FIELDS_ALONE:
        yield f"```python\n{_write_signature(name, node)}\n```"
    text = _ARGUMENTS.sub("\n", _read(node)).strip() if name in _MADE_HERE else _read(node)
    yield f"```text\n{text}\n```"
    for member in _MEMBERS.get(name, ()):
        yield from _describe_member(f"{name}.{member}", member, node)


def _write_signature(name: str, node: _Definition) -> str:
    """Write how it is called, on lines of their own if it takes much."""
    if isinstance(node, ast.ClassDef):
        made = ""
        node = next(one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__")
    else:
        made = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    arguments = _leave_out_first(ast.unparse(node.args))
    line = f"{name}({arguments}){made}"
    if len(line) <= _LONGEST_LINE:
        return line
    return "\n".join([f"{name}(", *(f"    {one}," for one in _BETWEEN_ARGUMENTS.split(arguments)), f"){made}"])


def _describe_member(title: str, name: str, owner: _Definition) -> Iterator[str]:
    """Describe a method, a property, or an attribute with a text below it."""
    for node in ast.walk(owner):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name and _read(node):
            is_property = "property" in map(ast.unparse, node.decorator_list)
            arguments = "" if is_property else f"({_leave_out_first(ast.unparse(node.args))})"
            yield f"#### `{title}{arguments}`"
            yield f"```text\n{_read(node)}\n```"
            return
        body: list[ast.stmt] = node.body if isinstance(node, _Definition) else []
        for place, statement in enumerate(body):
            if _is_set(statement, name) or _is_set(statement, f"self.{name}"):
                yield f"#### `{title}`"
                yield _read_below(body[place : place + 2])
                return
    raise LookupError(f"there is no {title}")


def _is_set(node: ast.stmt, name: str) -> bool:
    targets = (
        node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    )
    return name in map(ast.unparse, targets)


def _read(node: ast.Module | _Definition) -> str:
    return inspect.cleandoc(ast.get_docstring(node) or "")


def _read_below(found: list[ast.stmt]) -> str:
    below = found[1] if len(found) > 1 else None
    if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
        return inspect.cleandoc(below.value.value)
    raise LookupError(f"there is no text below {ast.unparse(found[0])}")


def _leave_out_first(arguments: str) -> str:
    return re.sub(r"^(?:self|cls)(?:, )?", "", arguments)
