"""One row of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from aiohttp.typedefs import Handler

from ..by_hand.shared import Signal
from ..request_maker import TARGET, RequestMaker, Sink

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """One battery, what is written by hand in its place, and the request that both see.

    Args:
        battery: a link.
        by_hand: likewise.
        headers: of the request.
        method: of the request.
        target: of the request.
        body: of the request.
        fresh: headers that differ from request to request.
        is_tls: how it came.
        signal: by hand; the battery then needs `setup(app)`.
        needs_setup: whether the battery needs it, though no signal is written by hand.
        state: what links before have set on the request.
        endpoint: behind the battery; by default one that returns a response, which is then made anew only in a whole
            exchange.
        endpoint_by_hand: by default the same.
        bare: what is subtracted, if the endpoint does what would not be fair to count: it raises, say.
        of_application: whether both are middlewares of an application, and no links of a chain.
        in_loop: whether both ask for the running task.
        is_whole: whether they do their work when the response is sent, so that a whole exchange is measured.
        routed: methods that the application has beside that of the request; for a whole exchange.
    """

    battery: Any
    by_hand: Any
    headers: Headers
    _: KW_ONLY
    method: str = "GET"
    target: str = TARGET
    body: bytes = b""
    fresh: Callable[[], Headers] | None = None
    is_tls: bool = False
    signal: Signal | None = None
    needs_setup: bool = False
    state: Callable[[], dict[Any, Any]] = dict
    endpoint: Handler | None = None
    endpoint_by_hand: Handler | None = None
    bare: Handler | None = None
    of_application: bool = False
    in_loop: bool = False
    is_whole: bool = False
    routed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Note that a signal by hand stands for `setup(app)`."""
        object.__setattr__(self, "needs_setup", self.needs_setup or self.signal is not None)

    def make_requests(self, sink: Sink | None = None) -> RequestMaker:
        """Return what makes its requests."""
        return RequestMaker(
            self.method,
            self.headers,
            self.state,
            is_tls=self.is_tls,
            target=self.target,
            body=self.body,
            fresh=self.fresh,
            sink=sink,
        )


Cases = Iterator[tuple[str, Case]]
