"""The one place where a service that does not answer becomes an answer that helps."""

from aiohttp import web

from aiohttp_route_middleware.middlewares.problem_details import problem
from aiohttp_route_middleware.proxy import EXCHANGE

STATUSES = (502, 503, 504)  # a proxy raises no others for what is behind it


def apologise(request: web.Request, error: web.HTTPException) -> None:
    """Say which service it is, and what to do; where it is, and what is wrong with it, stands in the log."""
    if EXCHANGE in request:
        detail = f"The {request[EXCHANGE].upstream} service does not answer now. Try again in a moment."
        raise problem(error.status, detail=detail, headers={"Retry-After": "5"}) from error
