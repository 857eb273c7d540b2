"""A response that was kept, sent again: returned or raised, as it was the first time."""

from __future__ import annotations

from aiohttp import web

from ..content.stored_responses import StoredResponse
from .records import Done

__all__ = ("replay",)

_CLASSES = {2: web.HTTPSuccessful, 3: web.HTTPRedirection, 4: web.HTTPClientError}
# those that are made of nothing else, such as a location, which would be missing
_KINDS: dict[int, type[web.HTTPException]] = {
    kind.status_code: kind
    for kind in (getattr(web, name) for name in web.__all__ if name.startswith("HTTP"))
    if kind.__init__ is web.HTTPException.__init__ and kind.status_code > 0
}


def replay(done: Done, response: StoredResponse, marker: str) -> web.Response:
    """Return a response again, or raise it again.

    Args:
        done: what became of the request.
        response: to it.
        marker: the field that says so.

    Raises:
        HTTPException: the response was one.
    """
    marked = response.to_response()
    marked.headers[marker] = "true"
    if done.was_raised:
        raise _make_exception(marked)
    return marked


def _make_exception(response: web.Response) -> web.HTTPException:
    """Make an exception of the class that stands for a status, or at least for its first digit."""
    kind = _KINDS.get(response.status) or _CLASSES.get(response.status // 100, web.HTTPException)
    error = kind()
    error.set_status(response.status, response.reason)
    error.headers.clear()
    error.headers.extend(response.headers)
    error.body = response.body
    return error
