"""The rest of a chain behind an ASGI middleware, for a request for a WebSocket.

Rules kept here: aiohttp speaks with the client, without messages; an answer to a WebSocket that is none does not come
out, since a middleware for HTTP has not seen the request.
"""

from __future__ import annotations

from typing import Any, cast

from aiohttp import web

from ...typedefs import Handler
from ..clones import clone_request
from .crossing import Crossing
from .failure import check_answer
from .messages import Receive, Scope, Send
from .scope import ASGI_SCOPE
from .scope_changes import read_changes, remember

__all__ = ("BehindSocket",)


class BehindSocket:
    """What stands behind, for one request for a WebSocket."""

    def __init__(self, request: web.Request, handler: Handler, scope: Scope, crossing: Crossing) -> None:
        self.response: web.StreamResponse | None = None
        self._request = request
        self._handler = handler
        self._before = remember(scope)
        self._crossing = crossing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run what stands behind."""
        request = self._make_request(scope)
        try:
            with self._crossing.context.watch():
                response = await self._handler(request)
            check_answer(response)
            _check_no_bypass(response)
        except web.HTTPException as error:
            response = error
        except Exception as error:
            self._crossing.failure.error = error
            raise
        self.response = response

    def _make_request(self, scope: Scope) -> web.Request:
        async def prepare(response: web.StreamResponse) -> None:
            try:
                _check_no_bypass(response)
            except web.HTTPException:  # which is not sent in chunks, compressed, as what it stands for would be
                writer: Any = self._request.writer
                writer.chunked, writer._compress = False, None
                raise
            await cast(Any, self._request)._prepare_hook(response)

        request = clone_request(self._request, **read_changes(self._before, scope))
        vars(request)["_prepare_hook"] = prepare
        request[ASGI_SCOPE] = scope
        return request


def _check_no_bypass(response: web.StreamResponse) -> None:
    if not isinstance(response, web.WebSocketResponse) and response.status < 400:
        raise web.HTTPBadRequest(text="This is not the address of a WebSocket.")
