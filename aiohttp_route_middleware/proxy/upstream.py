"""An upstream: one or several targets that answer the same requests, and how they are asked.

    transactions = Upstream("http://10.0.0.1:8001", "http://10.0.0.2:8001", retries=Retries(attempts=3))
    transactions.run_with(app)
    app.router.add_route("*", "/transactions{tail:.*}", authenticate, proxy(transactions))

It is opened when the application starts, and closed when all its requests have ended. Several endpoints may share it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, NamedTuple, cast

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from ..errors import ConfigurationError
from ..naming import describe
from ..option_checks import check_count, check_function, check_seconds, check_text
from ..support.telemetry.telling import tell_safely
from .choice.affinity import AffinityCookie
from .choice.balancing import ConsistentHash
from .choice.dynamic import DynamicTargets, KeptPlaces
from .choice.health import Ejection
from .choice.probes import HealthCheck
from .choice.retries import Retries
from .choice.targets import Target, TargetLike
from .choice.turns import Targets
from .expectations import invite_late
from .message.paths import join_path, read_base_path
from .record import ExchangeOutcome, ExchangeRecord, Tell
from .response import let_go_of_replaced
from .websockets.tunnel import TunnelResponse
from .wire.attempt import Attempt, Waits
from .wire.bodies import NoBody
from .wire.connection import Connector
from .wire.failures import ClientGoneError
from .wire.outgoing import write_head

__all__ = ("OpenUpstream", "Place", "Upstream")

_BATTERY = "Upstream()"
_CHECK_HEADERS = CIMultiDict({"User-Agent": "aiohttp-route-middleware", "Accept": "*/*"})


class Place(NamedTuple):
    """Where a target is, in the forms in which that is needed."""

    origin: str
    host: str
    base_path: str
    connector: Connector


class OpenUpstream:
    """An upstream while its application runs."""

    def __init__(self, upstream: Upstream, connector: aiohttp.TCPConnector) -> None:
        self.name: str = upstream.name
        self.targets: Targets = upstream.targets
        self.retries: Retries | None = upstream.retries
        self.waits: Waits = upstream.waits
        self.places: dict[Target, Place] = _read_places(connector, upstream)
        self._tell = upstream.tell
        self._tunnels: set[TunnelResponse] = set()
        self._is_stopping = False
        self._beside: set[asyncio.Task[None]] = set()
        self._retried = frozenset[int]() if self.retries is None else self.retries.statuses

    def is_retried(self, status: int) -> bool:
        """Whether an answer with this status is none, if there may be another."""
        return status in self._retried

    def close_record(self, record: ExchangeRecord, outcome: ExchangeOutcome) -> None:
        """Note how an exchange has ended, and tell who wants to know; once."""
        if record.outcome is None:
            record.outcome = outcome
            record.seconds = record.since_start()
            if self._tell is not None:
                tell_safely("Upstream", self._tell, record)

    async def run_tunnel(self, tunnel: TunnelResponse, request: web.Request) -> None:
        """Run a WebSocket to its end."""
        if self._is_stopping:
            tunnel.stop()
        self._tunnels.add(tunnel)
        try:
            await tunnel.run(request)
        finally:
            self._tunnels.discard(tunnel)

    def stop_tunnels(self) -> None:
        """End all WebSockets, for which the server would wait, and those that are about to begin."""
        self._is_stopping = True
        for tunnel in self._tunnels:
            tunnel.stop()

    def run_beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Run what nobody waits for; it is cancelled when the application ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def stop_beside(self) -> None:
        """End what runs beside."""
        if self._beside:
            for task in self._beside:
                task.cancel()
            await asyncio.wait(self._beside)

    async def ask(self, target: Target, path: str) -> int:
        """Ask a target whether it is well; return the status of its answer."""
        place = self.places[target]
        attempt = Attempt(NoBody(), self.waits)
        head = write_head("GET", join_path(place.base_path, path), place.host, _CHECK_HEADERS, "")
        try:
            answer = await attempt.send(place.connector, head, "GET")
            return answer.message.code
        finally:
            attempt.end(ClientGoneError())  # the answer may be long, and nobody reads it


class Upstream:
    """One or several targets that answer the same requests.

    Args:
        targets: their URLs, or each a `Target`; or `DynamicTargets` alone, which are chosen for each request, and go
            with neither `balance`, `affinity` nor `check`.
        name: in the log, in records and in metrics; default `"upstream"`.
        balance: `"round_robin"`, the default, `"least_connections"`, `"random_of_two"`, or a `ConsistentHash`.
        affinity: an `AffinityCookie`, by which clients stay with a target; by default they do not.
        ejection: when a target that fails is asked no more: an `Ejection`; `True`, the default, for the usual one;
            `False` for never. A single target is always asked, unless checks say that it is not well.
        check: a `HealthCheck`, by which targets are asked now and then; by default they are not.
        retries: when a request is sent again: `Retries`; `True`, the default, for the usual: twice at most, and only
            if that is safe; `False` for never.
        connect_timeout: seconds until there is a connection; default 5.
        response_timeout: seconds from the end of the request until the head of the answer; default 60.
        idle_timeout: seconds in which nothing moves in a body; default 60.
        expect_timeout: seconds to wait for `100 Continue`; default 1.
        keep_alive: seconds that an idle connection is kept, less than the targets keep it, 0 for never; default 4.
        connections: to each target at a time; more wait for `connect_timeout`; by default there is no limit.
        tls: for https: `True`, the default, for the certificates of the system; or an `ssl.SSLContext`, with others,
            or with a certificate of ours.
        on_exchange: called with the `ExchangeRecord` of each exchange when it is over; plain, and quick.

    Raises:
        ConfigurationError: an option is wrong. When an application starts: it is open in another one. At a request:
            `run_with()` was not called.

    Example:
        Upstream("http://localhost:8001", name="transactions", response_timeout=10.0)
    """

    def __init__(
        self,
        *targets: TargetLike | DynamicTargets,
        name: str = "upstream",
        balance: str | ConsistentHash = "round_robin",
        affinity: AffinityCookie | None = None,
        ejection: Ejection | bool = True,
        check: HealthCheck | None = None,
        retries: Retries | bool = True,
        connect_timeout: float = 5.0,
        response_timeout: float = 60.0,
        idle_timeout: float = 60.0,
        expect_timeout: float = 1.0,
        keep_alive: float = 4.0,
        connections: int | None = None,
        tls: ssl.SSLContext | bool = True,
        on_exchange: Callable[[ExchangeRecord], None] | None = None,
    ) -> None:
        self.name: str = check_text(_BATTERY, "name", name)
        judging = Ejection() if ejection is True else ejection or None
        self.targets: Targets
        if any(isinstance(target, DynamicTargets) for target in targets):
            is_plain = balance == "round_robin" and affinity is None and check is None
            self.targets = _read_dynamic(targets, is_plain=is_plain)
        else:
            listed = cast("tuple[TargetLike, ...]", targets)
            self.targets = Targets(listed, balance=balance, ejection=judging, affinity=affinity, battery=_BATTERY)
        for target in self.targets:
            read_base_path(_BATTERY, target.url)
        self.affinity: AffinityCookie | None = affinity
        self.retries: Retries | None = _read_retries(retries)
        self.waits: Waits = Waits(
            connect=check_seconds(_BATTERY, "connect_timeout", connect_timeout, at_least=0.001),
            response=check_seconds(_BATTERY, "response_timeout", response_timeout, at_least=0.001),
            idle=check_seconds(_BATTERY, "idle_timeout", idle_timeout, at_least=0.001),
            expect=check_seconds(_BATTERY, "expect_timeout", expect_timeout, at_least=0.001),
        )
        self.tls: ssl.SSLContext | bool = _read_tls(tls)
        self.tell: Tell | None = _read_tell(on_exchange)
        self._check = _read_check(check)
        self._keep_alive = check_seconds(_BATTERY, "keep_alive", keep_alive, at_least=0)
        self._connections = (
            0 if connections is None else check_count(_BATTERY, "connections", connections, unit="connections")
        )
        self._open: OpenUpstream | None = None

    @property
    def opened(self) -> OpenUpstream:
        """What is there while an application runs.

        Raises:
            ConfigurationError: none does.
        """
        if self._open is None:
            problem = f"the upstream {self.name!r} is not open"
            raise ConfigurationError(_BATTERY, problem, cure="call run_with(app) before the application starts")
        return self._open

    def run_with(self, app: web.Application) -> None:
        """Open it when an application starts, and close it when that has ended all its requests.

        Args:
            app: before it starts.

        Raises:
            ConfigurationError: this is no application, or it was called twice with one.
        """
        if not isinstance(app, web.Application):
            raise ConfigurationError(_BATTERY, f"app is {describe(app)}", cure="pass the web.Application itself")
        if self._run in app.cleanup_ctx:
            raise ConfigurationError(_BATTERY, "run_with() was called twice with one application", cure="call it once")
        app.cleanup_ctx.append(self._run)
        app.on_shutdown.append(self._stop_tunnels)
        app.on_startup.append(invite_late)
        if let_go_of_replaced not in app.on_response_prepare:
            app.on_response_prepare.append(let_go_of_replaced)

    async def _stop_tunnels(self, _: web.Application) -> None:
        if self._open is not None:  # else it is closed already
            self._open.stop_tunnels()

    async def _run(self, _: web.Application) -> AsyncIterator[None]:
        if self._open is not None:
            problem = f"the upstream {self.name!r} is open already, in another application"
            raise ConfigurationError(_BATTERY, problem, cure="make one for each application")
        connector = aiohttp.TCPConnector(
            limit=0,
            limit_per_host=self._connections,
            force_close=not self._keep_alive,  # of no time aiohttp makes one without end
            keepalive_timeout=self._keep_alive or None,
            ttl_dns_cache=10,
            **(self.targets.connecting if isinstance(self.targets, DynamicTargets) else {}),
        )
        self._open = opened = OpenUpstream(self, connector)
        checks = None if self._check is None else asyncio.ensure_future(self._check.run(self.targets, opened.ask))
        try:
            yield
        finally:
            self._open = None
            if checks is not None:
                checks.cancel()
                await asyncio.wait([checks])
            await opened.stop_beside()
            await connector.close()


def _read_dynamic(targets: tuple[object, ...], *, is_plain: bool) -> DynamicTargets:
    if len(targets) == 1 and isinstance(targets[0], DynamicTargets) and is_plain:
        return targets[0]
    problem = "DynamicTargets are not alone, or there is a way to choose among them"
    raise ConfigurationError(_BATTERY, problem, cure="leave out balance, affinity, check and other targets")


def _read_places(connector: aiohttp.TCPConnector, upstream: Upstream) -> dict[Target, Place]:
    targets = upstream.targets
    if isinstance(targets, DynamicTargets):
        return KeptPlaces(lambda target: _read_place(target, connector, upstream), targets.keep)
    return {target: _read_place(target, connector, upstream) for target in targets}


def _read_place(target: Target, connector: aiohttp.TCPConnector, upstream: Upstream) -> Place:
    url = target.url
    origin = url.origin()
    opens = Connector(connector, origin, upstream.tls, upstream.waits.connect)
    return Place(str(origin), url.host_port_subcomponent or "", read_base_path(_BATTERY, url), opens)


def _read_retries(retries: object) -> Retries | None:
    if retries is True:
        return Retries()
    if retries is False or isinstance(retries, Retries):
        return retries or None
    raise ConfigurationError(_BATTERY, f"retries is {describe(retries)}", cure="write Retries(attempts=2), or False")


def _read_tls(tls: object) -> ssl.SSLContext | bool:
    if tls is True or isinstance(tls, ssl.SSLContext):
        return tls
    cure = "pass an ssl.SSLContext; one that trusts everybody has to be made on purpose"
    raise ConfigurationError(_BATTERY, f"tls is {describe(tls)}", cure=cure)


def _read_tell(tell: Tell | None) -> Tell | None:
    if tell is not None:
        check_function(_BATTERY, "on_exchange", tell, takes="record")
    return tell


def _read_check(check: object) -> HealthCheck | None:
    if isinstance(check, (HealthCheck, type(None))):
        return check
    raise ConfigurationError(_BATTERY, f"check is {describe(check)}", cure='write HealthCheck("/health"), or None')
