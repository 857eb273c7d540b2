"""X-Frame-Options alone: whether other pages may show this one in a frame, which is how clicks are stolen.

For applications that set no Content-Security-Policy, and for browsers that know none. A browser that finds
`frame-ancestors` in a policy ignores this header: inside `secure_headers()`, whose default policy forbids all frames,
change the policy instead. Of this battery and `secure_headers()`, the innermost decides what the header says.

It does **not** name origins: `ALLOW-FROM` is ignored by every browser, which leaves the page open to all.

    setup(app)
    router = UrlDispatcherEx.install(app, x_frame_options("DENY"))
    router.add_get("/widget", x_frame_options("SAMEORIGIN"), show_widget)
"""

from __future__ import annotations

from aiohttp import web
from multidict import istr

from ..support.battery import GuardBattery, guard_battery
from ..support.browser.header_values import check_frame_options
from ..support.responses import on_response
from ..typedefs import Handler

__all__ = ("x_frame_options",)

_BATTERY = "x_frame_options()"
_NAME = istr("X-Frame-Options")


def x_frame_options(value: str = "DENY") -> GuardBattery:
    """Say whether other pages may show this one in a frame.

    Args:
        value: `"DENY"`, the default, for none, or `"SAMEORIGIN"` for those of the same origin.

    Raises:
        ConfigurationError: it is anything else.

    Responds:
        Nothing of its own.

    Reads/Sets:
        sets `X-Frame-Options`, unless the handler has set it. Needs `setup(app)`.

    Source:
        HTML, "The X-Frame-Options header"; RFC 7034, section 2.1.

    Example:
        x_frame_options("SAMEORIGIN")
    """
    checked = check_frame_options(_BATTERY, "value", value)

    def apply(_: web.Request, response: web.StreamResponse) -> None:
        response.headers.setdefault(_NAME, checked)

    @guard_battery(f"x_frame_options({checked})")
    async def x_frame_options(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        on_response(request, "x_frame_options", apply)
        return await handler(request) if handler else None

    return x_frame_options
