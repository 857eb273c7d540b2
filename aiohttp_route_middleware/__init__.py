"""Route chains for aiohttp: guards and middlewares on one route."""

from .chain import chain
from .declarations import guard, middleware, named, provides, requires
from .dispatcher import UrlDispatcherEx
from .errors import (
    AnswerError,
    ConfigurationError,
    InspectionError,
    PolicyError,
    RegistrationError,
    RouteMiddlewareError,
)
from .group import RouteGroup
from .naming import name_link
from .record import links_of
from .routedef import RouteTableDef, delete, get, head, options, patch, post, put, route, static, view
from .typedefs import Endpoint, Guard, Handler, Key, Link, Middleware, Outcome, Trace

__all__ = (
    "AnswerError",
    "ConfigurationError",
    "Endpoint",
    "Guard",
    "Handler",
    "InspectionError",
    "Key",
    "Link",
    "Middleware",
    "Outcome",
    "PolicyError",
    "RegistrationError",
    "RouteGroup",
    "RouteMiddlewareError",
    "RouteTableDef",
    "Trace",
    "UrlDispatcherEx",
    "chain",
    "delete",
    "get",
    "guard",
    "head",
    "links_of",
    "middleware",
    "name_link",
    "named",
    "options",
    "patch",
    "post",
    "provides",
    "put",
    "requires",
    "route",
    "static",
    "view",
)
__version__ = "0.1.0.dev0"
