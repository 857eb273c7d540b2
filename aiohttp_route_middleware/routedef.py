"""Route definitions with links, for any aiohttp router: `get()`, `post()`, …, and `RouteTableDef`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from aiohttp import hdrs, web
from aiohttp.typedefs import PathLike

from .chain import check_finished, compose
from .declarations import read_keys
from .errors import RegistrationError
from .leading import read_leading, subtract
from .members import flatten
from .naming import name_link
from .places import find_caller
from .record import note_site
from .registrar import Registrar, pop_handler, require_text
from .settings import Settings
from .static import add_static
from .typedefs import Chain, Endpoint, Key, Keys, Link

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = (
    "RouteTableDef",
    "delete",
    "get",
    "head",
    "options",
    "patch",
    "post",
    "put",
    "route",
    "static",
    "view",
)

_E = TypeVar("_E", bound=Endpoint)


class RouteDef(web.RouteDef):
    """aiohttp's route definition, which also knows what to leave out of, and what is given to, its chain."""

    def __init__(self, method: str, path: str, handler: Any, kwargs: dict[str, Any]) -> None:
        super().__init__(method, path, handler, kwargs)
        object.__setattr__(self, "_site", find_caller())  # aiohttp's definitions are frozen

    def register(self, router: web.UrlDispatcher | Registrar) -> list[web.AbstractRoute]:
        if isinstance(router, Registrar):
            routes = super().register(cast(web.UrlDispatcher, router))
        else:
            routes = self._finish().register(router)
        return [note_site(route, vars(self)["_site"]) for route in routes]

    def _finish(self) -> web.RouteDef:
        """Return what a router without links takes."""
        place = f"{self.method} {self.path}"
        kwargs, given = _read_extras(self.kwargs, place)
        check_finished(self.handler, given, place)
        return web.RouteDef(self.method, self.path, self.handler, kwargs)

    def __repr__(self) -> str:
        if "without" not in self.kwargs:
            return super().__repr__()
        without = _name_links(flatten((self.kwargs["without"],)))
        return f"<RouteDef {self.method} {self.path} -> {name_link(self.handler)!r}, without={without}>"


class StaticDef(web.StaticDef):
    """aiohttp's definition of a static resource, behind links."""

    def __init__(
        self, prefix: str, path: PathLike, kwargs: dict[str, Any], links: Sequence[Any], leading: tuple[Any, ...]
    ) -> None:
        super().__init__(prefix, path, {**kwargs, "links": links, "leading": leading})
        object.__setattr__(self, "_site", find_caller())

    def __repr__(self) -> str:
        links = _name_links((*self.kwargs["leading"], *self.kwargs["links"]))
        return f"<StaticDef {self.prefix} -> {self.path}, links={links}>"

    def register(self, router: web.UrlDispatcher | Registrar) -> list[web.AbstractRoute]:
        if isinstance(router, Registrar):
            resource = router._add_static(self.prefix, self.path, **self.kwargs)
        else:
            kwargs, given = _read_extras(self.kwargs, f"static {self.prefix}")
            resource = add_static(router, self.prefix, self.path, settings=Settings(given=given), **kwargs)
        return [note_site(route, vars(self)["_site"]) for route in resource]


def _name_links(links: Iterable[Any]) -> str:
    # names alone: the repr of a link may show the secret that it compares with
    return f"[{', '.join(name_link(link) for link in links)}]"


def _read_extras(kwargs: Mapping[str, Any], place: str) -> tuple[dict[str, Any], tuple[Key, ...]]:
    """Part what aiohttp's own router takes from the request keys that are given."""
    if "without" in kwargs:
        raise RegistrationError(
            "without= needs a router with leading links",
            cure="register the definition on a UrlDispatcherEx or a RouteGroup",
            route=place,
        )
    rest = dict(kwargs)
    return rest, read_keys(rest.pop("given", ()), "given=")


def route(method: str, path: str, *links: Unpack[Chain], **kwargs: Any) -> web.RouteDef:
    """Define a chain for one method, or for all with `"*"`, to be registered on any aiohttp router.

    Args:
        method: the HTTP method.
        path: as for aiohttp's `web.route()`.
        links: links, and the endpoint last.
        kwargs: `name`, `expect_handler`, `without` (inherited links to leave out) and `given` (request keys that are
            set before the chain runs, by a middleware of the application).

    Raises:
        RegistrationError: a link is not one; the message says which, and what to write instead.

    Example:
        app.add_routes([route("GET", "/posts/{id}", authenticate, get_post)])
    """
    return _define(method, path, links, (), kwargs)


def _define(
    method: str, path: str, links: tuple[Any, ...], leading: tuple[Any, ...], kwargs: dict[str, Any]
) -> RouteDef:
    require_text(path, method)
    links = (*links, *pop_handler(kwargs))
    read_keys(kwargs.get("given", ()), "given=")
    # the order is judged where the definition is registered: other links may come before these there
    handler = compose(links, leading=leading, route=f"{method} {path}", checks_order=False)
    return RouteDef(method, path, handler, kwargs)


def get(
    path: str, *links: Unpack[Chain], name: str | None = None, allow_head: bool = True, **kwargs: Any
) -> web.RouteDef:
    """Define a chain for GET, and the same for HEAD unless `allow_head=False`; see `route()`."""
    return route(hdrs.METH_GET, path, *links, name=name, allow_head=allow_head, **kwargs)


def head(path: str, *links: Unpack[Chain], **kwargs: Any) -> web.RouteDef:
    """Define a chain for HEAD; see `route()`."""
    return route(hdrs.METH_HEAD, path, *links, **kwargs)


def options(path: str, *links: Unpack[Chain], **kwargs: Any) -> web.RouteDef:
    """Define a chain for OPTIONS; see `route()`."""
    return route(hdrs.METH_OPTIONS, path, *links, **kwargs)


def post(path: str, *links: Unpack[Chain], **kwargs: Any) -> web.RouteDef:
    """Define a chain for POST; see `route()`."""
    return route(hdrs.METH_POST, path, *links, **kwargs)


def put(path: str, *links: Unpack[Chain], **kwargs: Any) -> web.RouteDef:
    """Define a chain for PUT; see `route()`."""
    return route(hdrs.METH_PUT, path, *links, **kwargs)


def patch(path: str, *links: Unpack[Chain], **kwargs: Any) -> web.RouteDef:
    """Define a chain for PATCH; see `route()`."""
    return route(hdrs.METH_PATCH, path, *links, **kwargs)


def delete(path: str, *links: Unpack[Chain], **kwargs: Any) -> web.RouteDef:
    """Define a chain for DELETE; see `route()`."""
    return route(hdrs.METH_DELETE, path, *links, **kwargs)


def view(path: str, *links: Unpack[Chain], **kwargs: Any) -> web.RouteDef:
    """Define a chain that ends in a `web.View` class, for all methods; see `route()`."""
    return route(hdrs.METH_ANY, path, *links, **kwargs)


def static(prefix: str, path: PathLike, *links: Link, **kwargs: Any) -> web.StaticDef:
    """Define a directory of files; the links run before a file is sent.

    Args:
        prefix: the URL prefix of the files.
        path: the directory.
        links: guards and middlewares.
        kwargs: as for aiohttp's `web.static()`, and `without` and `given` as for `route()`.

    Example:
        app.add_routes([static("/reports", "reports", authenticate)])
    """
    return StaticDef(prefix, path, kwargs, read_leading(links, f"static {prefix}"), ())


class RouteTableDef(Sequence[web.AbstractRouteDef]):
    """A table of routes filled by decorators, which take links after the path and return the function unchanged.

    Args:
        links: stand before each route of the table.
        given: request keys that are set before its chains run, by a middleware of the application.

    Raises:
        RegistrationError: one of the links is not one.

    Example:
        routes = RouteTableDef(authenticate)

        @routes.get("/posts/{id}", authorise(["post:read"]))
        async def get_post(request): ...

        app.add_routes(routes)
    """

    def __init__(self, *links: Link, given: Keys = ()) -> None:
        self._links = read_leading(links, "RouteTableDef")
        self._given = read_keys(given, "given=")
        self._items: list[web.AbstractRouteDef] = []

    def __repr__(self) -> str:
        return f"<RouteTableDef count={len(self._items)}>"

    @overload
    def __getitem__(self, index: int) -> web.AbstractRouteDef: ...

    @overload
    def __getitem__(self, index: slice) -> list[web.AbstractRouteDef]: ...

    def __getitem__(self, index: int | slice) -> web.AbstractRouteDef | list[web.AbstractRouteDef]:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def route(
        self, method: str, path: str, *links: Link, without: Link = (), given: Keys = (), **kwargs: Any
    ) -> Callable[[_E], _E]:
        """Register the decorated function, or `View` class, for one method, or for all with `"*"`."""
        require_text(path, f"{self!r}.route({method!r})")
        leading, rest = self._split(without, given)

        def register(endpoint: _E) -> _E:
            self._items.append(_define(method, path, (*links, endpoint), leading, {**kwargs, **rest}))
            return endpoint

        return register

    def get(self, path: str, *links: Link, **kwargs: Any) -> Callable[[_E], _E]:
        """Register the decorated function for GET, and for HEAD unless `allow_head=False`."""
        return self.route(hdrs.METH_GET, path, *links, **kwargs)

    def head(self, path: str, *links: Link, **kwargs: Any) -> Callable[[_E], _E]:
        """Register the decorated function for HEAD."""
        return self.route(hdrs.METH_HEAD, path, *links, **kwargs)

    def options(self, path: str, *links: Link, **kwargs: Any) -> Callable[[_E], _E]:
        """Register the decorated function for OPTIONS."""
        return self.route(hdrs.METH_OPTIONS, path, *links, **kwargs)

    def post(self, path: str, *links: Link, **kwargs: Any) -> Callable[[_E], _E]:
        """Register the decorated function for POST."""
        return self.route(hdrs.METH_POST, path, *links, **kwargs)

    def put(self, path: str, *links: Link, **kwargs: Any) -> Callable[[_E], _E]:
        """Register the decorated function for PUT."""
        return self.route(hdrs.METH_PUT, path, *links, **kwargs)

    def patch(self, path: str, *links: Link, **kwargs: Any) -> Callable[[_E], _E]:
        """Register the decorated function for PATCH."""
        return self.route(hdrs.METH_PATCH, path, *links, **kwargs)

    def delete(self, path: str, *links: Link, **kwargs: Any) -> Callable[[_E], _E]:
        """Register the decorated function for DELETE."""
        return self.route(hdrs.METH_DELETE, path, *links, **kwargs)

    def view(self, path: str, *links: Link, **kwargs: Any) -> Callable[[_E], _E]:
        """Register the decorated `View` class for all methods."""
        return self.route(hdrs.METH_ANY, path, *links, **kwargs)

    def static(
        self, prefix: str, path: PathLike, *links: Link, without: Link = (), given: Keys = (), **kwargs: Any
    ) -> None:
        """Register a directory of files; the links run before a file is sent."""
        leading, rest = self._split(without, given)
        own = read_leading(links, f"static {prefix}")
        self._items.append(StaticDef(prefix, path, {**kwargs, **rest}, own, leading))

    def _split(self, without: Link, given: Keys) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The table's links less those in `without`; and what the router is told: what is left of it, and given."""
        unwanted = tuple(flatten((without,)))
        rest = subtract(unwanted, self._links)
        keys = (*self._given, *read_keys(given, "given="))
        told = {"without": rest, "given": keys}
        return subtract(self._links, unwanted), {name: value for name, value in told.items() if value}
