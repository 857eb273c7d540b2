"""What stands behind each route of an application: listed, explained, and held to a policy."""

from .explanation import Explanation, explain
from .listing import LinkInfo, RouteInfo, list_routes
from .policy import require_links

__all__ = ("Explanation", "LinkInfo", "RouteInfo", "explain", "list_routes", "require_links")
