"""Why an upstream gave no answer, as one tree.

UpstreamError                 502
├── NoTargetError             503  no target may be asked now
├── TargetRefusedError        403  the target that was chosen for a request is not in the list
├── ConnectError              502  a target could not be reached
│   ├── ConnectTimeoutError   504  not in time
│   ├── ConnectionLimitError  503  it has as many connections as it may have
│   └── AddressRefusedError   502  it has no address that may be connected to
├── DisconnectedError         502  a target has closed the connection before its answer
├── ResponseTimeoutError      504  a target has not answered in time
└── BadResponseError          502  what a target has answered is no HTTP

These are no `Exception`: hooks see them at their `yield`, and an `except Exception` there, meant for what the hook
does itself, must not answer for the upstream. Who wants to, catches them by name. None of them leaves an endpoint.

Of a client that does not wait for its answer, or does not send its body to the end, hooks see nothing.
"""

from __future__ import annotations

from http import HTTPStatus

from ...errors import RouteMiddlewareError

__all__ = (
    "AddressRefusedError",
    "BadResponseError",
    "ClientGoneError",
    "ClientSilentError",
    "ConnectError",
    "ConnectTimeoutError",
    "ConnectionLimitError",
    "DisconnectedError",
    "NoTargetError",
    "ResponseTimeoutError",
    "TargetRefusedError",
    "UpstreamError",
)


class UpstreamError(BaseException):
    """The root of what hooks see when an upstream gave no answer; derived from `BaseException` on purpose.

    Args:
        problem: what has happened, for the log; clients are not told.
    """

    status: HTTPStatus = HTTPStatus.BAD_GATEWAY
    """What the client gets (RFC 9110, section 15.6)."""

    proxy_error: str = "proxy_internal_error"
    """The type of error that `Proxy-Status` has for it (RFC 9209, section 2.3)."""

    was_sent: bool = True
    """Whether the target may have seen the request."""

    is_of_target: bool = True
    """Whether it speaks against the health of the target."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem: str = problem


class NoTargetError(UpstreamError):
    """No target of the upstream may be asked now: none is healthy."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    proxy_error = "destination_unavailable"
    was_sent = False
    is_of_target = False


class TargetRefusedError(UpstreamError):
    """The target that was chosen for a request is not in the list of those that may be."""

    status = HTTPStatus.FORBIDDEN
    proxy_error = "http_request_denied"
    was_sent = False
    is_of_target = False


class ConnectError(UpstreamError):
    """A target could not be reached: its name, its port or its certificate is to blame."""

    proxy_error = "connection_refused"
    was_sent = False


class ConnectTimeoutError(ConnectError):
    """A target could not be reached in time."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    proxy_error = "connection_timeout"


class ConnectionLimitError(ConnectError):
    """All connections that a target may have are taken, and none became free in time."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    proxy_error = "connection_limit_reached"
    is_of_target = False  # clients that take their time are enough for that


class AddressRefusedError(ConnectError):
    """A target has no address that may be connected to."""

    proxy_error = "destination_ip_prohibited"


class DisconnectedError(UpstreamError):
    """A target has closed the connection before it has answered."""

    proxy_error = "connection_terminated"


class ResponseTimeoutError(UpstreamError):
    """A target has not begun to answer in time."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    proxy_error = "http_response_timeout"


class BadResponseError(UpstreamError):
    """What a target has answered is no HTTP, or could be read in two ways."""

    proxy_error = "http_protocol_error"


class ClientGoneError(RouteMiddlewareError, ConnectionResetError):
    """Nobody waits for an answer: its client has gone or broken off its body, or who has asked has enough."""


class ClientSilentError(RouteMiddlewareError):
    """The client has stopped in the middle of its body."""
