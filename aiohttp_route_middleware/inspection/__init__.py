"""What stands behind each route of an application: listed, explained, and held to a policy."""

from .listing import LinkInfo, RouteInfo, list_routes

__all__ = ("LinkInfo", "RouteInfo", "list_routes")
