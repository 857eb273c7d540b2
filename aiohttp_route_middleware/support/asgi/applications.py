"""Applications of another world, passed or found by name; what speaks the wrong tongue is sent to its own adapter."""

from __future__ import annotations

from typing import Any

from ...errors import ConfigurationError
from ...loading import load_object
from ...option_checks import check_function
from ...uncalled import find_call, find_tongue

__all__ = ("read_application",)

_KINDS = {"asgi": "an ASGI application", "wsgi": "a WSGI application"}
_PARAMETERS = {"asgi": "scope, receive, send", "wsgi": "environ, start_response"}


def read_application(app: object, tongue: str) -> Any:
    """Return an application.

    Args:
        app: the application, or where it is: `"package.module:app"`.
        tongue: what it must speak: `"asgi"` or `"wsgi"`, as its adapter is called.

    Raises:
        ConfigurationError: there is none, or the names of its parameters tell that it speaks the other.
    """
    battery = f"{tongue}()"

    def refuse(problem: str) -> ConfigurationError:
        return ConfigurationError(battery, problem, cure=f'pass {_KINDS[tongue]}, or "package.module:app"')

    application = load_object(app, refuse) if isinstance(app, str) else app
    check_function(battery, "app", application, takes=_PARAMETERS[tongue])
    if find_tongue(application) in (None, tongue):
        return application
    problem, cure = find_call(application) or ("", "")
    raise ConfigurationError(battery, f"app {problem}", cure=cure)
