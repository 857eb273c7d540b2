"""The listing as one HTML page, to open from disk and to send to a colleague.

The page loads nothing: style and script stand in it, and its policy allows just these two, by their hashes. Every
name, path and file is text; none is a link. Without the script it can be read all the same.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from itertools import takewhile
from string import Template

from ..naming import print_plainly
from .listing import LinkInfo, RouteInfo

__all__ = ("write_page",)

_KINDS = {"app": "application middleware", "inherited": "inherited link", "own": "own link", "endpoint": "endpoint"}


def write_page(routes: Sequence[RouteInfo], title: str) -> str:
    """Write a page that shows what runs for each route, and which routes have a link and which lack it.

    Links are the same if they have the same name and are written in the same place. Files are given from the
    working directory if they are below it; the same routes make the same page.

    Args:
        routes: as `list_routes` gives them.
        title: the heading, such as the name of the service.

    Example:
        Path("routes.html").write_text(write_page(list_routes(app), "Blog"), encoding="utf-8")
    """
    style, script = _read("page.css"), _read("page.js")
    groups = _group_links(routes)
    return Template(_read("page.html")).substitute(
        policy=f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
        title=_escape(title),
        style=style,
        script=script,
        facts=_write_facts(routes, groups) if routes else "<p>This application has no routes.</p>",
        hidden="" if routes else "hidden",
        links="\n".join(_write_group(group, len(routes)) for group in groups),
        routes="\n".join(_write_route(number, route, groups) for number, route in enumerate(routes)),
    )


@dataclass
class _Entry:
    """A line in the list of links: one link, or all that are written in one place under several names.

    Args:
        name: of the link, or how the names of all begin.
        place: where it is written; its module if no file is known.
        parts: how many links it stands for.
        kinds: what it is on some of its routes.
        routes: the numbers of the routes that it stands on.
        number: by which routes refer to it.
    """

    name: str
    place: str
    parts: int = 1
    kinds: set[str] = field(default_factory=set)
    routes: set[int] = field(default_factory=set)
    number: int = 0


def _group_links(routes: Sequence[RouteInfo]) -> list[list[_Entry]]:
    """All links and application middlewares by the place where they are written, those on most routes first."""
    places: dict[object, dict[str, _Entry]] = {}
    for number, route in enumerate(routes):
        for kind, link in _list_steps(route)[:-1]:
            members = places.setdefault((link.module, link.site or link.name), {})
            entry = members.setdefault(link.name, _Entry(link.name, str(link.site or link.module)))
            entry.kinds.add("app" if kind == "app" else "link")
            entry.routes.add(number)
    groups = sorted((_head_group(list(members.values())) for members in places.values()), key=_rank_group)
    for number, entry in enumerate(entry for group in groups for entry in group):
        entry.number = number
    return groups


def _head_group(members: list[_Entry]) -> list[_Entry]:
    """Put a line for all before the members, if they are several."""
    if len(members) == 1:
        return members
    head = _Entry(f"{_find_beginning([entry.name for entry in members])}…", members[0].place, len(members))
    for entry in members:
        head.kinds |= entry.kinds
        head.routes |= entry.routes
    return [head, *sorted(members, key=lambda entry: -len(entry.routes))]


def _find_beginning(names: Sequence[str]) -> str:
    pairs = zip(min(names), max(names))  # what these two have in common, all between them have
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _rank_group(group: list[_Entry]) -> int:
    return -len(group[0].routes)


def _list_steps(route: RouteInfo) -> list[tuple[str, LinkInfo]]:
    """What runs, in the order of running."""
    parts = {"app": route.middlewares, "inherited": route.inherited, "own": route.own, "endpoint": (route.endpoint,)}
    return [(kind, link) for kind, links in parts.items() for link in links]


def _write_facts(routes: Sequence[RouteInfo], groups: Sequence[Sequence[_Entry]]) -> str:
    bare = sum(not route.links for route in routes)
    kinds = [entry.kinds for group in groups for entry in group if entry.parts == 1]
    applications = {route.mounts[:depth] for route in routes for depth in range(1, len(route.mounts) + 1)}
    says = "without any link"
    facts = [
        _write_fact(len(routes), "route", "routes"),
        _write_filter(says, f"<strong>{bare}</strong> {says}") if bare else _write_fact(bare, says, says),
        _write_fact(sum("link" in kind for kind in kinds), "link", "links"),
        _write_fact(sum("app" in kind for kind in kinds), "application middleware", "application middlewares"),
        _write_fact(len(applications), "sub-application", "sub-applications"),
    ]
    return f'<ul class="facts">{"".join(f"<li>{fact}</li>" for fact in facts)}</ul>'


def _write_fact(number: int, one: str, many: str) -> str:
    return f"<span><strong>{number}</strong> {one if number == 1 else many}</span>"


def _write_filter(says: str, label: str, data: str = "") -> str:
    """Write a button that the script makes work; `says` is what it shows, in words."""
    return f'<button type="button" disabled aria-pressed="false" data-says="{_escape(says)}"{data}>{label}</button>'


def _write_group(group: Sequence[_Entry], total: int) -> str:
    rows = [_write_entry(entry, total, "part" if entry is not group[0] else "whole") for entry in group]
    return f"<tbody>{''.join(rows)}</tbody>"


def _write_entry(entry: _Entry, total: int, role: str) -> str:
    about = ""
    if entry.parts > 1:
        about += f' <button type="button" disabled aria-expanded="true">any of {entry.parts}</button>'
    if "app" in entry.kinds:
        about += f' <span class="tag">{"also " if "link" in entry.kinds else ""}application middleware</span>'
    return (
        f'<tr class="{role}"><th scope="row">{_code(entry.name)}{about}'
        f'<span class="where">{_code(entry.place)}</span></th>'
        f"<td>{_write_choice(entry, 'with', len(entry.routes))}</td>"
        f"<td>{_write_choice(entry, 'without', total - len(entry.routes))}</td></tr>"
    )


def _write_choice(entry: _Entry, want: str, number: int) -> str:
    if number == 0:
        return "<span>0</span>"
    says = f"{want} {entry.name}"
    label = f'{number}<span class="vh"> {_escape(says)}</span>'
    return _write_filter(says, label, f' data-link="{entry.number}" data-want="{want}"')


def _write_route(number: int, route: RouteInfo, groups: Sequence[Sequence[_Entry]]) -> str:
    numbers = " ".join(str(entry.number) for group in groups for entry in group if number in entry.routes)
    return (
        f'<tr data-links="{numbers}"><td class="methods">{" ".join(map(_code, route.methods))}</td>'
        f'<th scope="row">{_code(route.path)}{"".join(_write_names(route))}</th>'
        f"<td><details><summary>{' → '.join(_write_chain(route))}</summary>"
        f"<ol>{''.join(map(_write_step, _list_steps(route)))}</ol></details></td>"
        f"<td>{_code(str(route.site)) if route.site else 'not known'}</td></tr>"
    )


def _write_names(route: RouteInfo) -> Iterator[str]:
    if route.name:
        yield f" <small>named {_code(route.name)}</small>"
    if route.mounts:
        yield f" <small>mounted at {', '.join(map(_code, route.mounts))}</small>"


def _write_chain(route: RouteInfo) -> Iterator[str]:
    for kind, link in _list_steps(route):
        if kind == "endpoint" and not route.links:
            yield '<span class="none">no links</span>'
        place = f' title="{_escape(str(link.site))}"' if link.site else ""
        yield f'<span class="{kind}"{place}>{_code(link.name)}</span>'


def _write_step(step: tuple[str, LinkInfo]) -> str:
    kind, link = step
    place = f" {_code(str(link.site))}" if link.site else ""
    return f'<li>{_KINDS[kind]} {_code(link.name)} <span class="where">{_code(link.module)}{place}</span></li>'


def _code(text: str) -> str:
    return f"<code>{_escape(text)}</code>"


def _escape(text: str) -> str:
    return escape(print_plainly(text))


def _read(name: str) -> str:
    return resources.files(f"{__package__}").joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    """Name an inline style or script in a policy (CSP Level 3, section 2.3.1, hash-source)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
