"""The `add_*` methods, written once, for a router and for a group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from aiohttp import hdrs, web
from aiohttp.typedefs import PathLike

from .chain import compose
from .declarations import read_keys
from .errors import RegistrationError
from .leading import leave_out
from .naming import describe
from .places import find_caller
from .record import note_site
from .settings import Settings
from .static import add_static
from .typedefs import Chain, Keys, Link

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ("Registrar", "pop_handler", "require_text")


def require_text(path: object, place: str) -> None:
    """Raise `RegistrationError` unless `path` is text; a link in its place is the likely mistake."""
    if not isinstance(path, str):
        raise RegistrationError(f"the path is {describe(path)}", cure="the path comes first, as text", route=place)


def pop_handler(kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Take the handler out of `kwargs` if it is there: aiohttp's methods accept it as a keyword."""
    return (kwargs.pop("handler"),) if "handler" in kwargs else ()


class Registrar:
    """Registers chains: whatever leading links it has stand before the links of each route.

    Each method takes what aiohttp's method of the same name takes, with links before the endpoint, and two keywords
    more: `without=`, inherited links to leave out of this route, by identity; `given=`, request keys that are set
    before its chain runs, by a middleware of the application. Other keywords go to aiohttp as they are.
    All of them raise `RegistrationError` before anything of the route is added to the router.
    """

    _router: web.UrlDispatcher  # aiohttp's own methods
    _links: tuple[Any, ...] = ()
    _settings: Settings = Settings()

    @property
    def links(self) -> tuple[Any, ...]:
        """The flattened links that each route inherits here."""
        return self._links

    def add_route(
        self, method: str, path: str, *links: Unpack[Chain], without: Link = (), given: Keys = (), **kwargs: Any
    ) -> web.AbstractRoute:
        """Register a chain for one method, or for all with `"*"`."""
        path = self._locate(path)
        handler = self._compose(f"{method} {path}", (*links, *pop_handler(kwargs)), without, given)
        return note_site(self._router.add_route(method, path, handler, **kwargs), find_caller())

    def add_get(
        self, path: str, *links: Unpack[Chain], without: Link = (), given: Keys = (), **kwargs: Any
    ) -> web.AbstractRoute:
        """Register a chain for GET, and the same for HEAD unless `allow_head=False`."""
        path = self._locate(path)
        handler = self._compose(f"GET {path}", (*links, *pop_handler(kwargs)), without, given)
        return note_site(self._router.add_get(path, handler, **kwargs), find_caller())

    def add_head(self, path: str, *links: Unpack[Chain], **kwargs: Any) -> web.AbstractRoute:
        """Register a chain for HEAD."""
        return self.add_route(hdrs.METH_HEAD, path, *links, **kwargs)

    def add_options(self, path: str, *links: Unpack[Chain], **kwargs: Any) -> web.AbstractRoute:
        """Register a chain for OPTIONS."""
        return self.add_route(hdrs.METH_OPTIONS, path, *links, **kwargs)

    def add_post(self, path: str, *links: Unpack[Chain], **kwargs: Any) -> web.AbstractRoute:
        """Register a chain for POST."""
        return self.add_route(hdrs.METH_POST, path, *links, **kwargs)

    def add_put(self, path: str, *links: Unpack[Chain], **kwargs: Any) -> web.AbstractRoute:
        """Register a chain for PUT."""
        return self.add_route(hdrs.METH_PUT, path, *links, **kwargs)

    def add_patch(self, path: str, *links: Unpack[Chain], **kwargs: Any) -> web.AbstractRoute:
        """Register a chain for PATCH."""
        return self.add_route(hdrs.METH_PATCH, path, *links, **kwargs)

    def add_delete(self, path: str, *links: Unpack[Chain], **kwargs: Any) -> web.AbstractRoute:
        """Register a chain for DELETE."""
        return self.add_route(hdrs.METH_DELETE, path, *links, **kwargs)

    def add_view(self, path: str, *links: Unpack[Chain], **kwargs: Any) -> web.AbstractRoute:
        """Register a chain that ends in a `web.View` class, for all methods."""
        return self.add_route(hdrs.METH_ANY, path, *links, **kwargs)

    def add_static(
        self, prefix: str, path: PathLike, *links: Link, without: Link = (), given: Keys = (), **kwargs: Any
    ) -> web.AbstractResource:
        """Register a directory of files; the links run before a file is sent."""
        return self._add_static(prefix, path, links, (), without=without, given=given, **kwargs)

    def add_routes(self, routes: Iterable[web.AbstractRouteDef]) -> list[web.AbstractRoute]:
        """Register route definitions, ours and aiohttp's, each behind the leading links."""
        router = cast(web.UrlDispatcher, self)  # a definition calls the add_* methods and nothing else
        return [route for definition in routes for route in definition.register(router)]

    def _locate(self, path: str) -> str:
        require_text(path, "UrlDispatcherEx")
        return path

    def _add_static(
        self,
        prefix: str,
        path: PathLike,
        links: Sequence[Any],
        leading: tuple[Any, ...],
        *,
        without: Link = (),
        given: Keys = (),
        **kwargs: Any,
    ) -> web.AbstractResource:
        """Register a directory behind the links of this router, those that `leading` adds, and its own."""
        prefix = self._locate(prefix)
        inherited = leave_out(self._links, without, f"static {prefix}") + leading
        settings = self._settings.give(read_keys(given, "given="))
        resource = add_static(self._router, prefix, path, links, inherited, settings, **kwargs)
        for route in resource:
            note_site(route, find_caller())
        return resource

    def _compose(self, route: str, links: tuple[Any, ...], without: Any, given: Keys) -> Any:
        leading = leave_out(self._links, without, route)
        settings = self._settings.give(read_keys(given, "given="))
        return compose(links, leading=leading, route=route, settings=settings)
