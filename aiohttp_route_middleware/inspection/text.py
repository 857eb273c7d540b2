"""Routes and explanations for a terminal: 80 columns, in colour if wanted.

Without colour nothing is lost: `!` marks routes without links, parentheses inherited ones. Escape sequences are
written here, not by a library: five styles are all that is needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from unicodedata import east_asian_width

from ..naming import escape_unprintable
from .explanation import Explanation
from .listing import Kind, LinkInfo, RouteInfo

__all__ = ("WIDTH", "write_explanation", "write_routes", "write_routes_at_length")

WIDTH = 80
_METHODS, _PATH = 11, 40  # where the second and the third column begin
_STYLES = {"bad": "1;31", "good": "32", "faint": "2", "head": "1", "plain": ""}

Piece = tuple[str, str]  # a text and its style


class Writer:
    """Collects lines, and wraps them.

    Args:
        in_colour: whether to write escape sequences.
    """

    def __init__(self, *, in_colour: bool) -> None:
        self._in_colour = in_colour
        self._lines: list[str] = []

    def write(self, pieces: Sequence[Piece], indent: int = 0) -> None:
        """Write one line; what does not fit is continued below, behind `indent` spaces."""
        line, used = "", 0
        for text, style in _cut(pieces, WIDTH - indent):
            if used and used + _measure(text.rstrip()) > WIDTH:
                self._lines.append(line.rstrip())
                line, used, text = " " * indent, indent, text.lstrip()
            line += self._paint(text, style)
            used += _measure(text)
        self._lines.append(line.rstrip())

    def _paint(self, text: str, style: str) -> str:
        code = _STYLES[style]
        shown = text.rstrip()  # a space behind it stays uncoloured, so that it can be dropped at the end of a line
        return f"\x1b[{code}m{shown}\x1b[0m{text[len(shown) :]}" if self._in_colour and code and shown else text

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)


def _cut(pieces: Sequence[Piece], width: int) -> Iterator[Piece]:
    """Cut what is wider than a whole line."""
    for text, style in pieces:
        part, used = "", 0
        for char in escape_unprintable(text):
            columns = _measure(char)
            if used + columns > width:
                yield part, style
                part, used = "", 0
            part, used = part + char, used + columns
        yield part, style


def _measure(text: str) -> int:
    """Count columns: characters of East Asia take two."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def write_routes(routes: Sequence[RouteInfo], *, in_colour: bool = False) -> str:
    """Write a table of the routes, application by application, and what links there are."""
    out = Writer(in_colour=in_colour)
    for (mounts, middlewares), members in groupby(routes, key=lambda route: (route.mounts, route.middlewares)):
        _write_application(out, mounts, middlewares)
        for route in members:
            _write_row(out, route)
        out.write([])
    _write_summary(out, routes)
    return str(out)


def _write_application(out: Writer, mounts: Sequence[str], middlewares: Sequence[LinkInfo]) -> None:
    names = ", ".join(link.name for link in middlewares) or "none"
    out.write([(" ".join(mounts) or "application", "head"), (f"  middlewares: {names}", "faint")], indent=4)


def _write_row(out: Writer, route: RouteInfo) -> None:
    methods = " ".join(route.methods).ljust(_METHODS - 3)
    start: list[Piece] = [_mark(route), (f"{methods} ", "plain"), (route.path, "head")]
    width = sum(_measure(escape_unprintable(text)) for text, _ in start)
    if width < _PATH:
        out.write([*start, (" " * (_PATH - width), "plain"), *_list_chain(route)], indent=_PATH)
    else:
        out.write(start, indent=_METHODS)
        out.write([(" " * _PATH, "plain"), *_list_chain(route)], indent=_PATH)


def _mark(route: RouteInfo) -> Piece:
    return ("! ", "bad") if route.is_bare else ("  ", "plain")


def _list_chain(route: RouteInfo) -> Iterator[Piece]:
    for link in route.inherited:
        yield f"({link.name}) ", "faint"
    for link in route.own:
        yield f"{link.name} ", "plain"
    yield f"-> {route.endpoint.name}", "good"
    if route.name:
        yield f"  name: {route.name}", "faint"


def _write_summary(out: Writer, routes: Sequence[RouteInfo]) -> None:
    bare = sum(route.is_bare for route in routes)
    out.write([(f"{count_routes(routes)}, ", "plain"), (f"{bare} without links", "bad" if bare else "good")])
    if bare:
        out.write([("! no links; middlewares of the application may still guard it", "faint")])
    if any(route.inherited for route in routes):
        out.write([("( ) inherited from the router, a group or a table", "faint")])
    counts = Counter(link.identity for route in routes for link in route.links)
    if counts:
        out.write([])
        out.write([("routes  link", "head")])
    for (module, name, site), number in counts.most_common():
        out.write([(f"{number:6}  {name}  ", "plain"), (str(site or module), "faint")], indent=8)


def write_routes_at_length(routes: Sequence[RouteInfo], *, in_colour: bool = False) -> str:
    """Write each route with everything that is known of it, and where each part is written."""
    out = Writer(in_colour=in_colour)
    for route in routes:
        out.write([_mark(route), (f"{' '.join(route.methods)} {route.path}", "head")], indent=4)
        _write_parts(out, route)
        out.write([])
    _write_summary(out, routes)
    return str(out)


def write_explanation(found: Explanation, *, in_colour: bool = False) -> str:
    """Write what answers a request, or why nothing does."""
    out = Writer(in_colour=in_colour)
    out.write([("  ", "plain"), (f"{found.method} {found.url}", "head")], indent=4)
    if found.status is not None:
        out.write([(f"    {found.status} ", "bad"), *_split_words(found.notes[0])], indent=8)
    for note in found.notes[1:] if found.status is not None else found.notes:
        out.write([("    ", "plain"), *_split_words(note)], indent=8)
    if found.route:
        _write_field(out, "route", found.route.label)
        for name, value in found.match_info.items():
            _write_field(out, "match_info", f"{name} = '{value}'")
        _write_parts(out, found.route)
    else:
        for link in found.middlewares:
            _write_link(out, "application", link)
    return str(out)


def _write_parts(out: Writer, route: RouteInfo) -> None:
    for kind, link in route.stations:
        _write_link(out, kind, link)
    if route.name:
        _write_field(out, "name", route.name)
    if route.site:
        _write_field(out, "defined", str(route.site))


def _write_link(out: Writer, kind: Kind, link: LinkInfo) -> None:
    _write_field(out, kind, f"{link.name}  ", str(link.site or ""))


def _write_field(out: Writer, label: str, text: str, more: str = "") -> None:
    out.write([(f"    {label:12}", "faint"), (text, "plain"), (more, "faint")], indent=16)


def _split_words(text: str) -> list[Piece]:
    return [(f"{word} ", "plain") for word in text.split(" ")]


def count_routes(routes: Sequence[RouteInfo]) -> str:
    return "1 route" if len(routes) == 1 else f"{len(routes)} routes"
