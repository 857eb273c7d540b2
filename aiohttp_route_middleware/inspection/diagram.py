"""The listing as a Mermaid flowchart: what runs in which order, and which routes lie behind the same links."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..naming import escape_unprintable
from .listing import LinkInfo, RouteInfo

__all__ = ("draw_diagram",)

# What stands out; links and routes have the colours of the theme.
_CLASSES = (
    "classDef app fill:#dbeafe,stroke:#1d4ed8,color:#172554,stroke-dasharray:4 3",
    "classDef bare fill:#fef3c7,stroke:#b45309,color:#451a03,stroke-width:3px",
)
# The quote ends a label and the backtick makes it Markdown; # and ; write characters by number; %% is a comment
# or a directive, $$ a formula, \n a new line; & < > are HTML, which labels become. The rest is plain within quotes.
_MEANT_BY_MERMAID = frozenset('"`#;%$\\&<>')
# While it draws, Mermaid writes "#" and ";" as these pairs, and reads them back, whoever wrote them.
_READ_BACK = {"ﬂ°": r"\ufb02\xb0", "¶ß": r"\xb6\xdf"}


def draw_diagram(routes: Sequence[RouteInfo]) -> str:
    """Draw routes as a Mermaid flowchart, from the request through middlewares and links to the endpoints.

    Routes that begin with the same middlewares and links share them. Links are the same if they have the same name
    and are written in the same place. Application middlewares and routes without links stand out.

    Mermaid draws at most 500 arrows and 50 000 characters, unless whoever calls it raises its `maxEdges` and
    `maxTextSize`.

    Args:
        routes: as `list_routes` gives them; for a part of an application, some of them.

    Example:
        print(draw_diagram([route for route in list_routes(app) if route.path.startswith("/admin")]))
    """
    lines = [*_draw_nodes(routes), *_CLASSES]
    return "flowchart LR\n" + "".join(f"  {line}\n" for line in lines)


def _draw_nodes(routes: Sequence[RouteInfo]) -> Iterator[str]:
    yield f'n0(["{"request" if routes else "no routes"}"])'
    nodes: dict[tuple[object, ...], str] = {(): "n0"}  # by all that has run when one is left
    drawn = 0
    for route in routes:
        behind: tuple[object, ...] = ()
        for kind, link in route.stations[:-1]:
            is_application = kind == "application"
            source, behind = nodes[behind], (*behind, is_application, link.identity)
            if behind not in nodes:
                drawn += 1
                nodes[behind] = f"n{drawn}"
                yield f"{source} --> n{drawn}{_draw_link(link, is_application=is_application)}"
        drawn += 1
        yield f"{nodes[behind]} --> n{drawn}{_draw_route(route)}"


def _draw_link(link: LinkInfo, *, is_application: bool) -> str:
    label = _escape(link.name)
    return f'{{{{"{label}"}}}}:::app' if is_application else f'["{label}"]'


def _draw_route(route: RouteInfo) -> str:
    # a new line as such: in a label with <br/>, Mermaid takes characters written by number for what they mean to it
    label = _escape(f"{', '.join(route.methods)} {route.path}") + "\n" + _escape(route.endpoint.name)
    return f'(["{label}"]){":::bare" if route.is_bare else ""}'


def _escape(text: str) -> str:
    """Write a label so that Mermaid shows `text` itself, whatever it is."""
    plain = escape_unprintable(text) or " "  # an empty label is a syntax error
    for pair, spelled in _READ_BACK.items():
        plain = plain.replace(pair, spelled)
    numbered = "".join(f"#{ord(one)};" if one in _MEANT_BY_MERMAID else one for one in plain)
    return numbered.replace(":fa-", "#58;fa-")  # fa:fa-car would be drawn as an icon
