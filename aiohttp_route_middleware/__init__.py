"""Route chains for aiohttp: guards and middlewares on one route."""

from .chain import chain, links_of
from .dispatcher import UrlDispatcherEx
from .errors import AnswerError, RegistrationError, RouteMiddlewareError
from .group import RouteGroup
from .link import guard, middleware
from .routedef import RouteTableDef, delete, get, head, options, patch, post, put, route, static, view
from .typedefs import Endpoint, Guard, Handler, Link, Middleware

__all__ = (
    "AnswerError",
    "Endpoint",
    "Guard",
    "Handler",
    "Link",
    "Middleware",
    "RegistrationError",
    "RouteGroup",
    "RouteMiddlewareError",
    "RouteTableDef",
    "UrlDispatcherEx",
    "chain",
    "delete",
    "get",
    "guard",
    "head",
    "links_of",
    "middleware",
    "options",
    "patch",
    "post",
    "put",
    "route",
    "static",
    "view",
)
__version__ = "0.1.0.dev0"
