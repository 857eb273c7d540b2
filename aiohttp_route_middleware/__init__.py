"""Route chains for aiohttp: guards and middlewares on one route."""

from .chain import chain, links_of
from .declarations import guard, middleware, named, provides, requires
from .dispatcher import UrlDispatcherEx
from .errors import AnswerError, RegistrationError, RouteMiddlewareError
from .group import RouteGroup
from .routedef import RouteTableDef, delete, get, head, options, patch, post, put, route, static, view
from .typedefs import Endpoint, Guard, Handler, Key, Link, Middleware, Outcome, Trace

__all__ = (
    "AnswerError",
    "Endpoint",
    "Guard",
    "Handler",
    "Key",
    "Link",
    "Middleware",
    "Outcome",
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
