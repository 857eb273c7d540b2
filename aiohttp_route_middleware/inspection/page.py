"""The listing as one HTML page, to open from disk and to send to a colleague.

The page loads nothing: style and script stand in it, and its policy allows just these two, by their hashes. Every
name, path and file is text; none is a link. Without the script it can be read all the same.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from html import escape
from importlib import resources
from string import Template

from ..naming import escape_unprintable
from .listing import Kind, LinkInfo, RouteInfo
from .usage import Usage, group_links

__all__ = ("write_page",)

_KINDS = {
    "application": "application middleware",
    "inherited": "inherited link",
    "own": "own link",
    "endpoint": "endpoint",
}


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
    groups = group_links(routes)
    return Template(_read("page.html")).substitute(
        policy=f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
        title=_escape(title),
        style=style,
        script=script,
        facts=_write_facts(routes, groups) if routes else "<p>This application has no routes.</p>",
        hidden="" if routes else "hidden",
        links="\n".join(_write_group(group, len(routes)) for group in groups),
        routes="\n".join(map(_write_route, routes, _number_links(routes, groups))),
    )


def _write_facts(routes: Sequence[RouteInfo], groups: Sequence[Sequence[Usage]]) -> str:
    bare = sum(route.is_bare for route in routes)
    kinds = [entry.kinds for group in groups for entry in group if entry.parts == 1]
    applications = {route.mounts[:depth] for route in routes for depth in range(1, len(route.mounts) + 1)}
    says = "without any link"
    facts = [
        _write_fact(len(routes), "route", "routes"),
        _write_filter(says, f"<strong>{bare}</strong> {says}") if bare else _write_fact(bare, says, says),
        _write_fact(sum("link" in kind for kind in kinds), "link", "links"),
        _write_fact(sum("application" in kind for kind in kinds), "application middleware", "application middlewares"),
        _write_fact(len(applications), "sub-application", "sub-applications"),
    ]
    return f'<ul class="facts">{"".join(f"<li>{fact}</li>" for fact in facts)}</ul>'


def _write_fact(number: int, one: str, many: str) -> str:
    return f"<span><strong>{number}</strong> {one if number == 1 else many}</span>"


def _write_filter(says: str, label: str, data: str = "") -> str:
    """Write a button that the script makes work; `says` is what it shows, in words."""
    return f'<button type="button" disabled aria-pressed="false" data-says="{_escape(says)}"{data}>{label}</button>'


def _write_group(group: Sequence[Usage], total: int) -> str:
    rows = [_write_entry(entry, total, "part" if entry is not group[0] else "whole") for entry in group]
    return f"<tbody>{''.join(rows)}</tbody>"


def _write_entry(entry: Usage, total: int, role: str) -> str:
    about = ""
    if entry.parts > 1:
        about += f' <button type="button" disabled aria-expanded="true">any of {entry.parts}</button>'
    if "application" in entry.kinds:
        about += f' <span class="tag">{"also " if "link" in entry.kinds else ""}application middleware</span>'
    return (
        f'<tr class="{role}"><th scope="row">{_code(entry.name)}{about}'
        f'<span class="where">{_code(entry.place)}</span></th>'
        f"<td>{_write_choice(entry, 'with', len(entry.routes))}</td>"
        f"<td>{_write_choice(entry, 'without', total - len(entry.routes))}</td></tr>"
    )


def _write_choice(entry: Usage, want: str, number: int) -> str:
    if number == 0:
        return "<span>0</span>"
    says = f"{want} {entry.name}"
    label = f'{number}<span class="vh"> {_escape(says)}</span>'
    return _write_filter(says, label, f' data-link="{entry.number}" data-want="{want}"')


def _number_links(routes: Sequence[RouteInfo], groups: Sequence[Sequence[Usage]]) -> list[str]:
    """For each route, the numbers of the links that stand on it."""
    numbers: list[list[str]] = [[] for _ in routes]
    for entry in (entry for group in groups for entry in group):
        for route in entry.routes:
            numbers[route].append(str(entry.number))
    return [" ".join(one) for one in numbers]


def _write_route(route: RouteInfo, numbers: str) -> str:
    return (
        f'<tr data-links="{numbers}"><td class="methods">{" ".join(map(_code, route.methods))}</td>'
        f'<th scope="row">{_code(route.path)}{"".join(_write_names(route))}</th>'
        f"<td><details><summary>{' → '.join(_write_chain(route))}</summary>"
        f"<ol>{''.join(map(_write_step, route.stations))}</ol></details></td>"
        f"<td>{_code(str(route.site)) if route.site else 'not known'}</td></tr>"
    )


def _write_names(route: RouteInfo) -> Iterator[str]:
    if route.name:
        yield f" <small>named {_code(route.name)}</small>"
    if route.mounts:
        yield f" <small>mounted at {', '.join(map(_code, route.mounts))}</small>"


def _write_chain(route: RouteInfo) -> Iterator[str]:
    for kind, link in route.stations:
        if kind == "endpoint" and route.is_bare:
            yield '<span class="none">no links</span>'
        place = f' title="{_escape(str(link.site))}"' if link.site else ""
        yield f'<span class="{kind}"{place}>{_code(link.name)}</span>'


def _write_step(step: tuple[Kind, LinkInfo]) -> str:
    kind, link = step
    place = f" {_code(str(link.site))}" if link.site else ""
    return f'<li>{_KINDS[kind]} {_code(link.name)} <span class="where">{_code(link.module)}{place}</span></li>'


def _code(text: str) -> str:
    return f"<code>{_escape(text)}</code>"


def _escape(text: str) -> str:
    return escape(escape_unprintable(text))


def _read(name: str) -> str:
    return resources.files(f"{__package__}").joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    """Name an inline style or script in a policy (CSP Level 3, section 2.3.1, hash-source)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
