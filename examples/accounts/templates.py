"""The HTML of the pages: files that are read once, and in which each value is escaped."""

from html import escape
from pathlib import Path
from string import Template

_FOLDER = Path(__file__).parent / "templates"
_TEMPLATES = {path.stem: Template(path.read_text("utf-8")) for path in _FOLDER.glob("*.html")}


def render(page: str, **values: str) -> str:
    """Write a page; values are escaped for text and for attributes in double quotes."""
    escaped = {name: escape(value) for name, value in values.items()}
    body = _TEMPLATES[page].substitute(escaped)
    return _TEMPLATES["layout"].substitute(title=escaped["title"], body=body)
