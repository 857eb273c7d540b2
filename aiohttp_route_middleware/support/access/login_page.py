"""The way to the login page: who is sent there, and with which way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import quote

from aiohttp import hdrs, web

from ...option_checks import refuse_option
from ..network.local_paths import safe_next
from ..network.websockets import is_websocket
from .challenges import unauthorized

__all__ = ("redirect_strangers",)

RefuseStranger: TypeAlias = Callable[[web.Request], web.HTTPException]


def redirect_strangers(battery: str, redirect: str | None, challenge: str) -> RefuseStranger:
    """Return what answers a stranger: 303 to the login page, if a browser opens a page, else 401.

    Args:
        battery: whose option it is.
        redirect: the path of the login page, with a query if there is one; `None` for none.
        challenge: of the 401.

    Raises:
        ConfigurationError: it is no path of this origin.
    """
    if redirect is None:
        return lambda _: unauthorized([challenge])
    if not redirect or safe_next(redirect, "") != redirect or "#" in redirect:
        raise refuse_option(battery, "redirect", redirect, 'write a path of this origin: "/login"')
    login, _, query = redirect.partition("?")
    start = f"{login}?{query}&next=" if query else f"{login}?next="

    def refuse_stranger(request: web.Request) -> web.HTTPException:
        if not _is_navigation(request) or request.rel_url.raw_path == login:  # to itself for ever
            return unauthorized([challenge])
        # raw, so that encoded bytes come back as they were; relative, whatever origin the client has written there
        target = quote(safe_next(request.rel_url.raw_path_qs))
        return web.HTTPSeeOther(start + target, headers={hdrs.CACHE_CONTROL: "no-store"})

    return refuse_stranger


def _is_navigation(request: web.Request) -> bool:
    """Whether a page is asked for: by the word of the browser, if it gives it (Fetch Metadata, section 2.2)."""
    if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
        return False
    mode = request.headers.get("Sec-Fetch-Mode")
    return mode == "navigate" if mode is not None else not is_websocket(request)
