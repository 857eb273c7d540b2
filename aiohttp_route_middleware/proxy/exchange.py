"""One incoming request, the request that is made of it, and the response: what hooks see."""

from __future__ import annotations

from typing import Any

from aiohttp import hdrs, web

from ..errors import ConfigurationError
from ..naming import describe
from .choice.targets import Target
from .record import ExchangeRecord
from .response import ProxyResponse, ReceivedResponse
from .wire.outgoing import OutgoingRequest

__all__ = ("Exchange",)

_CURE = "set a response of aiohttp"


class Exchange:
    """One incoming request, with what becomes of it.

    Args:
        incoming: the request of the client, with what links before have set on it.
        request: what is sent; hooks change it before.
        record: what is told of it.
    """

    def __init__(self, incoming: web.Request, request: OutgoingRequest, record: ExchangeRecord) -> None:
        self.incoming: web.Request = incoming
        """The request of the client; the same that links before have seen."""
        self.request: OutgoingRequest = request
        """The request that is sent to a target."""
        self.record: ExchangeRecord = record
        """What is told of this exchange, as far as it is known."""
        self.target: Target | None = None
        """The target that was asked last; `None` before."""
        self.state: dict[str, Any] = {}
        """Free for hooks, for this exchange alone."""
        self._response: web.StreamResponse | None = None

    @property
    def has_response(self) -> bool:
        """Whether there is a response already."""
        return self._response is not None

    @property
    def response(self) -> web.StreamResponse:
        """The response: a `ProxyResponse`, whose body comes when it is sent; or what a hook has put in its place.

        Raises:
            LookupError: there is none yet.
        """
        if self._response is None:
            raise LookupError("there is no response yet; it is there after the yield of a hook, or in an @after one")
        return self._response

    @response.setter
    def response(self, response: web.StreamResponse) -> None:
        if not isinstance(response, web.StreamResponse):
            raise ConfigurationError("Exchange.response", f"a hook has set {describe(response)}", cure=_CURE)
        if response is not self._response:
            self.forget_response()
            _forget_length(response, self.incoming)
            self._response = response

    def take_answer(self, response: ReceivedResponse) -> None:
        """Note what the target has answered."""
        self._response = response

    def forget_response(self) -> None:
        """Let go of the response, if there is one: it will not be sent."""
        before, self._response = self._response, None
        if isinstance(before, ReceivedResponse):
            before.abandon()

    @property
    def answer(self) -> ProxyResponse:
        """The response, if it is the target's; for what only that can do, such as `read()`.

        Raises:
            LookupError: there is none, or a hook has put another in its place.
        """
        if isinstance(self._response, ProxyResponse):
            return self._response
        raise LookupError("there is no answer of a target; a hook has answered, or it is too early")


def _forget_length(response: web.StreamResponse, incoming: web.Request) -> None:
    """Leave the length of a body that is here to aiohttp: one taken over from the target has the client wait for ever.

    A HEAD request and 304 are told the length of a body that is not here (RFC 9110, section 8.6).
    """
    is_told_alone = incoming.method == hdrs.METH_HEAD or response.status == web.HTTPNotModified.status_code
    if isinstance(response, web.Response) and not response.prepared and not is_told_alone:
        response.headers.popall(hdrs.CONTENT_LENGTH, None)
