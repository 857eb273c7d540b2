"""`RouteGroup`: routes that share a path prefix and leading links."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from aiohttp import web

from .declarations import read_keys
from .errors import RegistrationError
from .leading import leave_out, read_leading
from .naming import describe
from .registrar import Registrar, require_text
from .settings import Settings
from .typedefs import Keys, Link, Trace

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ("RouteGroup",)


class RouteGroup(Registrar):
    """Routes that share a path prefix, which may be empty, and leading links; no application of its own.

    It has the `add_*` methods of a router, works on any aiohttp router and inside another group, and may be used
    with `with`, for the layout alone. The path `""` is the prefix itself; `"/"` adds a slash, as in aiohttp.

    Args:
        router: the router, or the group around this one.
        prefix: put before each path; `""` or like `/posts`.
        links: stand before each route of the group, after those it inherits.
        without: inherited links to leave out of the whole group, by identity.
        checked: as for `chain()`; by default as the router around it.
        trace: as for `chain()`; the trace of the router around it is told first.
        given: request keys that are set before its chains run, by a middleware of the application.

    Raises:
        RegistrationError: the prefix is not one, a link is not one, or `without` names what is not inherited.

    Example:
        posts = RouteGroup(app.router, "/posts", authenticate)
        posts.add_get("/{id}", authorise(["post:read"]), get_post)
    """

    _prefix: str

    def __init__(
        self,
        router: web.UrlDispatcher | RouteGroup,
        prefix: str = "",
        *links: Link,
        without: Link = (),
        checked: bool | None = None,
        trace: Trace | None = None,
        given: Keys = (),
    ) -> None:
        place = f"group {prefix!r}"
        if not isinstance(router, (web.UrlDispatcher, RouteGroup)):
            raise RegistrationError(f"a group got {describe(router)}", cure="pass the router: app.router", route=place)
        require_text(prefix, place)
        if prefix and (not prefix.startswith("/") or prefix.endswith("/")):
            raise RegistrationError(
                "the prefix of a group starts with a slash and does not end in one",
                cure=f"write {'/' + prefix.strip('/')!r}" if prefix.strip("/") else "leave it out",
                route=place,
            )
        inherited: tuple[Link, ...] = ()
        if isinstance(router, Registrar):
            inherited, self._settings = router.links, router._settings
        self._router = router._router if isinstance(router, Registrar) else router
        self._prefix = router._prefix + prefix if isinstance(router, RouteGroup) else prefix
        self._links = leave_out(inherited, without, place) + read_leading(links, place)
        self._settings = self._settings.join(Settings.read(checked, trace, read_keys(given, "given=")))

    def group(
        self,
        prefix: str = "",
        *links: Link,
        without: Link = (),
        checked: bool | None = None,
        trace: Trace | None = None,
        given: Keys = (),
    ) -> RouteGroup:
        """Open a group inside this one."""
        return RouteGroup(self, prefix, *links, without=without, checked=checked, trace=trace, given=given)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Nothing is left to do: each route was registered when it was added."""

    def __repr__(self) -> str:
        return f"<RouteGroup {self._prefix!r}>"

    def _locate(self, path: str) -> str:
        require_text(path, repr(self))
        if path and not path.startswith("/"):
            raise RegistrationError(
                f"the path {path!r} does not start with a slash", cure=f"write {'/' + path!r}", route=repr(self)
            )
        return self._prefix + path
