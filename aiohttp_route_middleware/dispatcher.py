"""`UrlDispatcherEx`: aiohttp's router, whose `add_*` methods take links before the endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, cast

from aiohttp import web

from .declarations import read_keys
from .errors import RegistrationError
from .group import RouteGroup
from .index import IndexedDispatcher
from .leading import read_leading
from .naming import describe
from .registrar import Registrar
from .settings import Settings
from .typedefs import Keys, Link, Trace

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ("UrlDispatcherEx",)


def _refuse_instance(*_: object, **__: object) -> NoReturn:
    raise RegistrationError(
        "install() was called on a router, whose links it would leave behind",
        cure="call it on the class: UrlDispatcherEx.install(app, *links)",
    )


class UrlDispatcherEx(Registrar, IndexedDispatcher):  # type: ignore[misc]  # links where aiohttp has one handler
    """aiohttp's router, whose `add_*` methods take any number of links before the endpoint.

    Routes that are added through a resource (`add_resource(...).add_route(...)`) stay aiohttp's own: no leading
    links stand before them. aiohttp-cors answers preflights through that door, where nobody is logged in.

    Args:
        links: stand before each route of this router; sub-applications have routers and links of their own.
        checked: as for `chain()`; by default only under `python -X dev`.
        trace: as for `chain()`; by default nothing is traced.
        given: as for `chain()`.

    Raises:
        RegistrationError: one of the links is not one.

    Example:
        app = web.Application(router=UrlDispatcherEx())
        app.router.add_get("/posts/{id}", authenticate, authorise(["post:read"]), get_post)
    """

    def __init__(
        self, *links: Link, checked: bool | None = None, trace: Trace | None = None, given: Keys = ()
    ) -> None:
        super().__init__()
        self._links = read_leading(links, "UrlDispatcherEx")
        self._settings = Settings.read(checked, trace, read_keys(given, "given="))
        self.install = _refuse_instance  # type: ignore[method-assign]  # its links would be left behind
        self._router = cast(web.UrlDispatcher, super(Registrar, self))  # aiohttp's own methods of this very router

    @classmethod
    def install(
        cls,
        app: web.Application,
        *links: Link,
        checked: bool | None = None,
        trace: Trace | None = None,
        given: Keys = (),
    ) -> Self:
        """Give a fresh application an extended router, without the deprecated argument of `web.Application`.

        Args:
            app: an application without routes.
            links: stand before each route of this router.
            checked: as for `chain()`.
            trace: as for `chain()`.
            given: as for `chain()`.

        Returns:
            The new router, which is `app.router` from now on.

        Raises:
            RegistrationError: the application has routes or an extended router already, or has been started.

        Example:
            router = UrlDispatcherEx.install(web.Application())
        """
        if not isinstance(app, web.Application):
            raise RegistrationError(f"install() got {describe(app)}", cure="pass the web.Application itself")
        if isinstance(app.router, UrlDispatcherEx):
            raise RegistrationError(
                "install() was called twice: the application has an extended router already",
                cure="use app.router, or what the first call returned",
            )
        if type(app.router) is not web.UrlDispatcher:
            raise RegistrationError(
                f"install() would drop the application's own router, {describe(app.router)}",
                cure="let that router derive from UrlDispatcherEx",
            )
        if app.pre_frozen or len(app.router.resources()):
            raise RegistrationError(
                "install() came too late: the application has routes, or has started",
                cure="call it right after web.Application()",
            )
        router = cls(*links, checked=checked, trace=trace, given=given)
        app._router = router  # a private touch: aiohttp 3 and 4 have no other way that lasts
        return router

    def group(
        self,
        prefix: str = "",
        *links: Link,
        without: Link = (),
        checked: bool | None = None,
        trace: Trace | None = None,
        given: Keys = (),
    ) -> RouteGroup:
        """Open a group of routes below this router; see `RouteGroup`."""
        return RouteGroup(self, prefix, *links, without=without, checked=checked, trace=trace, given=given)
