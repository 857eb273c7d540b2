"""What an application needs once for its batteries: headers on each response, preflights, a look at their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import hdrs, web

from ..declarations import named, provided_by
from ..errors import ConfigurationError, RegistrationError
from ..naming import describe
from ..order import check_middlewares
from ..typedefs import Handler, Key
from ..uncalled import find_call
from .cors.preflight import answer_preflight
from .responses import apply_registered, is_register_open, open_register
from .start_checks import check_endpoints
from .traffic.body_limits import check_expectations

__all__ = ("prepare_responses", "setup")


def setup(app: web.Application) -> None:
    """Prepare an application for batteries that set headers or answer preflights, with its sub-applications.

    An application that was not prepared starts all the same: the first request that reaches such a battery is a 500,
    whose `ConfigurationError` in the log names the battery and this call.

    Args:
        app: the outermost application, before it starts; or a sub-application, for which alone it works then. To call
            this more than once does no harm. A signal `on_response_prepare` of your own runs after it: let it add to
            `Vary`, and set no header twice.

    Raises:
        ConfigurationError: this is not an application; when it starts: an endpoint could not work, as a `proxy()` to
            an upstream whose `run_with()` was forgotten.
        RegistrationError: when the application starts: one of its middlewares, or of its sub-applications, requires a
            request key that only a later one provides, is a battery that was not called, or speaks ASGI or WSGI.

    Example:
        setup(app)
        app.router.add_get("/", secure_headers(), index)
    """
    if not isinstance(app, web.Application):
        raise ConfigurationError("setup()", f"app is {describe(app)}", cure="pass the web.Application itself")
    if prepare_responses not in app.middlewares:
        app.middlewares.insert(0, prepare_responses)  # before all that may clone the request, or register
    if apply_registered not in app.on_response_prepare:  # another application's middlewares may have been taken over
        app.on_response_prepare.insert(0, apply_registered)
    if _check_at_startup not in app.on_startup:
        app.on_startup.insert(0, _check_at_startup)  # before anything is opened that would have to be closed
    check_expectations(app)


@named("setup")
@web.middleware
async def prepare_responses(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer preflights, or begin to collect what is set on the response; the outermost middleware."""
    if is_register_open(request):
        return await handler(request)
    answer = await answer_preflight(request) if request.method == hdrs.METH_OPTIONS else None
    if answer is not None:
        return answer
    open_register(request)
    return await handler(request)


async def _check_at_startup(app: web.Application) -> None:
    if not app.pre_frozen:  # else it is part of another, whose middlewares come first and are not known here
        _check(app, (), (), "the middlewares of the application")
        check_endpoints(app)


def _check(app: web.Application, around: Sequence[web.Application], given: Sequence[Key], place: str) -> None:
    if app in around or not isinstance(app.router, web.UrlDispatcher):  # mounted in itself, or not to be listed
        return
    _check_called(app.middlewares, place)
    check_middlewares(app.middlewares, given, place)
    provided = (*given, *(key for link in app.middlewares for key in provided_by(link)))
    for resource in app.router.resources():
        inner = resource.get_info().get("app")
        if inner is not None:
            _check(inner, (*around, app), provided, f"the middlewares of the sub-application {resource.canonical}")


def _check_called(links: Sequence[Any], place: str) -> None:
    """Refuse what is no middleware yet: aiohttp would call it for each request, with an application and a handler."""
    for position, link in enumerate(links, 1):
        call = find_call(link)
        if call is not None:
            problem = f"link {position} of {len(links)}, {describe(link)}, {call[0]}"
            raise RegistrationError(problem, cure=call[1], route=place, link=link, position=position)
