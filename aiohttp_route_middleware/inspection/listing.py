"""Every route of an application and of its sub-applications: what runs before its endpoint, and where that is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from aiohttp import hdrs, web

from ..errors import InspectionError
from ..marks import unwrap_partial
from ..naming import describe, name_link
from ..places import Site, locate
from ..record import links_of, read_record, read_site
from .paths import write_path

__all__ = ("Kind", "LinkInfo", "RouteInfo", "list_routes")

_FILES = "/{...}"

Kind: TypeAlias = Literal["application", "inherited", "own", "endpoint"]


@dataclass(frozen=True)
class LinkInfo:
    """A link, an application middleware or an endpoint.

    Args:
        name: what it is called; a link can tell by `@named`.
        module: where it is importable from, as far as it says.
        site: file and line, if it is written in Python.
        link: the very object.
    """

    name: str
    module: str
    site: Site | None
    link: Any

    @classmethod
    def of(cls, link: Any) -> LinkInfo:
        """Describe a link."""
        meant = unwrap_partial(getattr(link, "__stands_for__", link))
        module = getattr(meant, "__module__", None) or type(meant).__module__
        return cls(name_link(link), str(module), locate(meant), link)

    @property
    def identity(self) -> tuple[str, str, Site | None]:
        """What is the same for the same link, wherever it stands."""
        return (self.module, self.name, self.site)

    def __str__(self) -> str:
        return self.name if self.site is None else f"{self.name} ({self.site})"


@dataclass(frozen=True)
class RouteInfo:
    """A route, with all that runs before its endpoint, from the outside to the inside.

    Args:
        methods: what it answers: `("GET", "HEAD")` for a GET route with the HEAD that came with it, `("*",)` for all.
        path: as it was registered, with the prefixes of sub-applications and the expressions of its variables, so
            that what is shown alike answers alike; a domain stands before it, and `/{...}`, which no route can have,
            behind the prefix of a directory of files.
        name: of its resource.
        mounts: the domains and prefixes of the sub-applications it is in, from the outermost.
        middlewares: of the applications, from the outermost.
        inherited: links of routers, groups and tables.
        own: links of the route itself.
        endpoint: what answers at last.
        site: where it is defined, if this package registered it or composed its chain.
        routes: aiohttp's own; none for a resource that does not list what it answers, which is its own endpoint.
        apps: the applications it is in, from the outermost.
    """

    methods: tuple[str, ...]
    path: str
    name: str | None
    mounts: tuple[str, ...]
    middlewares: tuple[LinkInfo, ...]
    inherited: tuple[LinkInfo, ...]
    own: tuple[LinkInfo, ...]
    endpoint: LinkInfo
    site: Site | None
    routes: tuple[web.AbstractRoute, ...]
    apps: tuple[web.Application, ...] = ()

    @property
    def links(self) -> tuple[LinkInfo, ...]:
        """The links before the endpoint, inherited ones first."""
        return self.inherited + self.own

    @property
    def is_bare(self) -> bool:
        """Whether there is no link; middlewares of the application may still guard it."""
        return not self.links

    @property
    def stations(self) -> tuple[tuple[Kind, LinkInfo], ...]:
        """What runs, in the order of running, with its kind."""
        parts: dict[Kind, tuple[LinkInfo, ...]] = {
            "application": self.middlewares,
            "inherited": self.inherited,
            "own": self.own,
            "endpoint": (self.endpoint,),
        }
        return tuple((kind, link) for kind, links in parts.items() for link in links)

    @property
    def label(self) -> str:
        """The first method and the path, by which a route is named."""
        return f"{self.methods[0]} {self.path}"


@dataclass(frozen=True)
class _Around:
    """The applications around a route."""

    domain: str = ""
    mounts: tuple[str, ...] = ()
    middlewares: tuple[LinkInfo, ...] = ()
    apps: tuple[web.Application, ...] = ()

    def enter(self, app: web.Application) -> _Around:
        middlewares = self.middlewares + tuple(map(LinkInfo.of, app.middlewares))
        return replace(self, middlewares=middlewares, apps=(*self.apps, app))

    def mount(self, prefix: str) -> _Around:
        return replace(self, mounts=(*self.mounts, prefix))

    def select(self, domain: str) -> _Around:
        """Enter a domain; one inside another answers where both hold."""
        return replace(self.mount(domain), domain=f"{self.domain}&{domain}" if self.domain else domain)


def list_routes(app: web.Application) -> list[RouteInfo]:
    """List the routes of an application in the order of registration, those of its sub-applications in their places.

    Args:
        app: any aiohttp application, with any of its routers.

    Raises:
        InspectionError: it is not an application, or has a router that cannot list its resources.

    Example:
        for route in list_routes(app): print(route.label, [link.name for link in route.links])
    """
    if not isinstance(app, web.Application):
        raise InspectionError(f"{describe(app)} is not a web.Application")
    return list(_walk(app, _Around()))


def _walk(app: web.Application, around: _Around) -> Iterator[RouteInfo]:
    if not isinstance(app.router, web.UrlDispatcher):
        raise InspectionError(f"the router {describe(app.router)} cannot list its resources")
    if app in around.apps:  # mounted in itself: what is in there is listed already
        return
    around = around.enter(app)
    for resource in app.router.resources():
        info: Any = resource.get_info()
        if "app" not in info:
            yield from _read_resource(resource, around)
        elif "rule" in info:
            domain = info["rule"].get_info().get("domain", info["rule"].canonical)
            yield from _walk(info["app"], around.select(domain))
        else:
            yield from _walk(info["app"], around.mount(info["prefix"]))


def _read_resource(resource: web.AbstractResource, around: _Around) -> Iterator[RouteInfo]:
    directory = resource.get_info().get("directory")
    path = write_path(resource) or ("" if directory else "/")
    for routes in _join_head(resource) or _find_silent(resource):
        handler = routes[0].handler if routes else resource
        record = read_record(handler)
        links = list(map(LinkInfo.of, links_of(handler)))
        inherited = record.leading_count if record else 0
        yield RouteInfo(
            methods=tuple(route.method for route in routes) or (hdrs.METH_ANY,),
            path=f"{around.domain}{path}{_FILES if directory else ''}",
            name=resource.name,
            mounts=around.mounts,
            middlewares=around.middlewares,
            inherited=tuple(links[:inherited]),
            own=tuple(links[inherited:-1]),
            endpoint=_name_files(links[-1], directory) if directory else links[-1],
            site=read_site(routes[0]) if routes else None,
            apps=around.apps,
            routes=routes,
        )


def _join_head(resource: Iterable[web.AbstractRoute]) -> list[tuple[web.AbstractRoute, ...]]:
    """The routes of a resource, a HEAD route together with the GET route that it came with."""
    listed = list(resource)
    by_method = {route.method: route for route in listed}
    get, head = by_method.get(hdrs.METH_GET), by_method.get(hdrs.METH_HEAD)
    if get is None or head is None or get.handler != head.handler:
        return [(route,) for route in listed]
    return [(get, head), *((route,) for route in listed if route not in (get, head))]


def _find_silent(resource: web.AbstractResource) -> list[tuple[web.AbstractRoute, ...]]:
    """One entry for a resource that lists no routes but resolves in its own way; aiohttp's own answers nothing."""
    return [] if type(resource).resolve is web.Resource.resolve else [()]


def _name_files(endpoint: LinkInfo, directory: Path) -> LinkInfo:
    return LinkInfo(f"files in {directory.name}/", endpoint.module, endpoint.site, endpoint.link)
