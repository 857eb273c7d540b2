"""`simulate()`: run a chain alone, for tests: the response, who ran, who answered, how long each took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from aiohttp import hdrs, web

from .chain import compose
from .errors import InspectionError
from .exchange import exchange
from .naming import describe, name_link
from .settings import Settings
from .typedefs import Handler, Key, Outcome

__all__ = ("Simulation", "Step", "simulate")


@dataclass
class Step:
    """One link as it ran.

    Args:
        link: the very link.
        outcome: how it ended.
        started: seconds after the first link started.
        seconds: how long it took, with all that it called.
    """

    link: Any
    outcome: Outcome
    started: float
    seconds: float

    @property
    def name(self) -> str:
        """What the link is called."""
        return name_link(self.link)


@dataclass(frozen=True)
class Simulation:
    """What came of a simulated request.

    Args:
        response: the very object that the chain returned, or the `HTTPException` that it raised.
        body: of the response, as the client received it.
        steps: each link that ran, in the order in which they started.
    """

    response: web.StreamResponse
    body: bytes
    steps: tuple[Step, ...]

    @property
    def status(self) -> int:
        """The status code of the response."""
        return self.response.status

    @property
    def text(self) -> str:
        """The body, as UTF-8."""
        return self.body.decode()

    @property
    def answered_by(self) -> Any:
        """The link whose response it is: the innermost one that returned or raised it."""
        response: Any = self.response
        return next(
            step.link
            for step in reversed(self.steps)
            if response is step.outcome.answer or response is step.outcome.error
        )


async def simulate(
    target: Any,
    path: str = "",
    *,
    method: str = "",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    match_info: Mapping[str, str] | None = None,
    given: Mapping[Key, Any] | None = None,
    app: Mapping[Any, Any] | None = None,
) -> Simulation:
    """Run one chain with one request, through aiohttp's own protocol but without a socket.

    The middlewares and signals of an application do not run, nor does a WebSocket: for those use a real server.

    Args:
        target: a route, or what `chain()` returned, or any handler or `View` class.
        path: of the request, with its query; by default that of the route, filled with `match_info`, or `/`.
        method: of the request; by default that of the route, or GET.
        headers: of the request.
        body: of the request.
        match_info: what the router would have found in the path; for a route, read from `path` by default.
        given: request keys and values that are set before the chain runs, as a middleware of the application would.
        app: what `request.app` holds, for one the application itself.

    Returns:
        The response, and each link that ran.

    Raises:
        InspectionError: the path is not one of the route.
        Exception: whatever the chain raises, except an `HTTPException`, which is a response.

    Example:
        done = await simulate(chain(authenticate, get_post), "/posts/7", match_info={"id": "7"})
        assert done.status == 401 and done.answered_by is authenticate
    """
    stage = _Stage(target, match_info, given or {})
    simulated = web.Application()
    for key, value in (app or {}).items():
        simulated[key] = value
    simulated.router.register_resource(stage)
    try:
        received = await exchange(simulated, method or stage.method, path or stage.fill_path(), headers or {}, body)
    except InspectionError:
        if stage.error is not None:
            raise stage.error from None  # why the response broke off
        raise
    if stage.error is not None:
        raise stage.error
    if stage.response is None:
        reason = f"{path!r} is no path of {stage.path}" if stage.has_missed else "aiohttp refuses the request"
        raise InspectionError(f"nothing ran, and the answer is {received.status}: {reason}")
    return Simulation(stage.response, received.body, tuple(stage.recorder.steps))


class _Recorder:
    """A trace that writes down each link as it ends, in the order in which they started."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._began: float | None = None

    def __call__(self, _request: web.Request, link: Any) -> Callable[[Outcome], None]:
        started = time.perf_counter()
        self._began = self._began or started
        step = Step(link, Outcome("raised"), started - self._began, 0.0)
        self.steps.append(step)

        def end(outcome: Outcome) -> None:
            step.outcome = outcome
            step.seconds = time.perf_counter() - started

        return end


class _Match(web.UrlMappingMatchInfo):
    """What the router has found: the very route that is played, though the stage answers."""

    def __init__(self, found: Mapping[str, str], route: web.AbstractRoute, answer: Handler) -> None:
        super().__init__(dict(found), route)
        self._answer = answer

    @property
    def handler(self) -> Handler:
        """What aiohttp calls."""
        return self._answer


class _Stage(web.AbstractResource):
    """The one resource of the simulated application: it answers with the traced chain, whatever the path."""

    def __init__(self, target: Any, match_info: Mapping[str, str] | None, given: Mapping[Key, Any]) -> None:
        super().__init__()
        self._played = target if isinstance(target, web.AbstractRoute) else None
        self._match_info = match_info
        self._given = given
        self._route = web.ResourceRoute(hdrs.METH_ANY, self._answer, self)
        self.recorder = _Recorder()
        self.response: web.StreamResponse | None = None
        self.error: BaseException | None = None
        self.has_missed = False
        handler = target.handler if isinstance(target, web.AbstractRoute) else target
        if not callable(handler):
            raise InspectionError(f"simulate() got {describe(handler)}; pass a route, a chain or a handler")
        self._handler = compose((handler,), settings=Settings.read(None, self.recorder, ()), checks_order=False)

    @property
    def method(self) -> str:
        """The method to ask with."""
        return hdrs.METH_GET if self._played is None or self._played.method == "*" else self._played.method

    @property
    def canonical(self) -> str:
        return "/"  # where aiohttp looks for it, whatever is asked for

    @property
    def path(self) -> str:
        """The path of the route."""
        return "/" if self._played is None or self._played.resource is None else self._played.resource.canonical

    def fill_path(self) -> str:
        """The path to ask for: that of the route."""
        if self._played is None:
            return "/"
        try:
            return str(self._played.url_for(**(self._match_info or {})))
        except (KeyError, TypeError) as error:
            raise InspectionError(
                f"{self.path} needs a path, or match_info= with a text for each variable: {error!r}"
            ) from error

    async def resolve(self, request: web.Request) -> tuple[web.UrlMappingMatchInfo | None, set[str]]:
        found: Mapping[str, str] | None = self._match_info
        if found is None and self._played is not None and self._played.resource is not None:
            found, _ = await self._played.resource.resolve(request)
            if found is None:
                self.has_missed = True
                return None, set()
        return _Match(found or {}, self._played or self._route, self._answer), set()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        for key, value in self._given.items():
            request[key] = value
        try:
            response: web.StreamResponse = await self._handler(request)
        except web.HTTPException as error:
            self.response = error
            raise
        except BaseException as error:  # simulate() raises it, where a test sees it; a cancellation, too
            self.error = error
            return web.Response(status=500)
        self.response = response
        return response

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[web.AbstractRoute]:
        return iter((self._route,))

    def get_info(self) -> Any:
        return {"path": self.path}

    def raw_match(self, path: str) -> bool:
        return False

    def url_for(self, **_: str) -> NoReturn:
        raise RuntimeError("a simulated route has no URL")

    def add_prefix(self, prefix: str) -> NoReturn:
        raise RuntimeError("a simulated route gets no prefix")
