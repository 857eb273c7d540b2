"""Route definitions with links, for any aiohttp router: `get()`, `post()`, …, and `RouteTableDef`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from aiohttp import hdrs, web
from aiohttp.typedefs import PathLike

from .chain import compose, flatten
from .errors import RegistrationError
from .leading import read_leading, subtract
from .naming import name_link
from .registrar import Registrar, pop_handler, require_text
from .static import add_static
from .typedefs import Chain, Endpoint, Link

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
    """aiohttp's route definition, which can also leave out links that it inherits where it is registered."""

    def register(self, router: web.UrlDispatcher | Registrar) -> list[web.AbstractRoute]:
        if not isinstance(router, Registrar):
            _refuse_without(self.kwargs, f"{self.method} {self.path}")
        return super().register(cast(web.UrlDispatcher, router))

    def __repr__(self) -> str:
        if "without" not in self.kwargs:
            return super().__repr__()
        without = _name_links(flatten((self.kwargs["without"],)))
        return f"<RouteDef {self.method} {self.path} -> {name_link(self.handler)!r}, without={without}>"


class StaticDef(web.StaticDef):
    """aiohttp's definition of a static resource, behind links."""

    def __repr__(self) -> str:
        return f"<StaticDef {self.prefix} -> {self.path}, links={_name_links(self.kwargs['links'])}>"

    def register(self, router: web.UrlDispatcher | Registrar) -> list[web.AbstractRoute]:
        kwargs = dict(self.kwargs)
        links = kwargs.pop("links")
        if isinstance(router, Registrar):
            resource = router.add_static(self.prefix, self.path, *links, **kwargs)
        else:
            _refuse_without(kwargs, f"static {self.prefix}")
            resource = add_static(router, self.prefix, self.path, links, None, **kwargs)
        return list(resource)


def _name_links(links: Iterable[Any]) -> str:
    # names alone: the repr of a link may show the secret that it compares with
    return f"[{', '.join(name_link(link) for link in links)}]"


def _refuse_without(kwargs: Mapping[str, Any], place: str) -> None:
    if "without" in kwargs:
        raise RegistrationError(
            "without= needs a router with leading links",
            cure="register the definition on a UrlDispatcherEx or a RouteGroup",
            route=place,
        )


def route(method: str, path: str, *links: Unpack[Chain], **kwargs: Any) -> web.RouteDef:
    """Define a chain for one method, or for all with `"*"`, to be registered on any aiohttp router.

    Args:
        method: the HTTP method.
        path: as for aiohttp's `web.route()`.
        links: links, and the endpoint last.
        kwargs: `name`, `expect_handler` and `without` (inherited links to leave out).

    Raises:
        RegistrationError: a link is not one; the message says which, and what to write instead.

    Example:
        app.add_routes([route("GET", "/posts/{id}", authenticate, get_post)])
    """
    require_text(path, method)
    handler = compose((*links, *pop_handler(kwargs)), route=f"{method} {path}")
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
        kwargs: as for aiohttp's `web.static()`, and `without`.

    Example:
        app.add_routes([static("/reports", "reports", authenticate)])
    """
    return StaticDef(prefix, path, {**kwargs, "links": read_leading(links, f"static {prefix}")})


class RouteTableDef(Sequence[web.AbstractRouteDef]):
    """A table of routes filled by decorators, which take links after the path and return the function unchanged.

    Args:
        links: stand before each route of the table.

    Raises:
        RegistrationError: one of the links is not one.

    Example:
        routes = RouteTableDef(authenticate)

        @routes.get("/posts/{id}", authorise(["post:read"]))
        async def get_post(request): ...

        app.add_routes(routes)
    """

    def __init__(self, *links: Link) -> None:
        self._links = read_leading(links, "RouteTableDef")
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

    def route(self, method: str, path: str, *links: Link, without: Link = (), **kwargs: Any) -> Callable[[_E], _E]:
        """Register the decorated function, or `View` class, for one method, or for all with `"*"`."""
        require_text(path, f"{self!r}.route({method!r})")
        leading, rest = self._split(without)
        before: tuple[Link, ...] = (*leading, *links)

        def register(endpoint: _E) -> _E:
            self._items.append(route(method, path, *before, endpoint, **kwargs, **rest))
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

    def static(self, prefix: str, path: PathLike, *links: Link, without: Link = (), **kwargs: Any) -> None:
        """Register a directory of files; the links run before a file is sent."""
        leading, rest = self._split(without)
        self._items.append(static(prefix, path, *(*leading, *links), **kwargs, **rest))

    def _split(self, without: Link) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The table's links less those in `without`, and what is left of `without` for the router to leave out."""
        unwanted = tuple(flatten((without,)))
        rest = subtract(unwanted, self._links)
        return subtract(self._links, unwanted), {"without": rest} if rest else {}
