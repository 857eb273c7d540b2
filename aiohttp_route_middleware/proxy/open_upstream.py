"""An upstream while its application runs: connections, tunnels, what runs beside, and who is told of exchanges."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from ..support.telemetry.telling import tell_safely
from .choice.dynamic import DynamicTargets, KeptPlaces
from .choice.retries import Retries
from .choice.targets import Target
from .choice.turns import Targets
from .message.paths import join_path, read_base_path
from .record import ExchangeOutcome, ExchangeRecord, Tell
from .websockets.tunnel import TunnelResponse
from .wire.attempt import Attempt, Waits
from .wire.bodies import NoBody
from .wire.connection import Connector
from .wire.failures import ClientGoneError
from .wire.outgoing import write_head

__all__ = ("OpenUpstream", "Options", "Place")

_BATTERY = "Upstream()"
_CHECK_HEADERS = CIMultiDict({"User-Agent": "aiohttp-route-middleware", "Accept": "*/*"})


class Options(NamedTuple):
    """What was passed to an upstream, read, as far as it counts for each request.

    Args:
        name: in the log, in records and in metrics.
        targets: of which one is chosen for each attempt.
        retries: `None` for never.
        waits: how long for what.
        connections: to each target at a time; `None` for no limit.
        tls: for https.
        tells: called with the record of each exchange.
    """

    name: str
    targets: Targets
    retries: Retries | None
    waits: Waits
    connections: int | None
    tls: ssl.SSLContext | bool
    tells: tuple[Tell, ...]


class Place(NamedTuple):
    """Where a target is, in the forms in which that is needed."""

    origin: str
    host: str
    base_path: str
    connector: Connector
    for_checks: Connector


class OpenUpstream:
    """An upstream while its application runs.

    Args:
        options: of the upstream.
        connector: where connections to its targets are kept.
    """

    def __init__(self, options: Options, connector: aiohttp.TCPConnector) -> None:
        self.name: str = options.name
        self.targets: Targets = options.targets
        self.retries: Retries | None = options.retries
        self.waits: Waits = options.waits
        self.places: dict[Target, Place] = _read_places(connector, options)
        self._tells = options.tells
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
            for tell in self._tells:
                tell_safely("Upstream", tell, record)

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
            answer = await attempt.send(place.for_checks, head, "GET")
            return answer.message.code
        finally:
            attempt.end(ClientGoneError())  # the answer may be long, and nobody reads it


def _read_places(connector: aiohttp.TCPConnector, options: Options) -> dict[Target, Place]:
    targets = options.targets
    if isinstance(targets, DynamicTargets):
        return KeptPlaces(lambda target: _read_place(target, connector, options), targets.keep)
    return {target: _read_place(target, connector, options) for target in targets}


def _read_place(target: Target, connector: aiohttp.TCPConnector, options: Options) -> Place:
    url = target.url
    origin = url.origin()
    opens = Connector(connector, origin, options.tls, options.waits.connect, options.connections)
    checks = Connector(connector, origin, options.tls, options.waits.connect)  # clients do not stand in their way
    return Place(str(origin), url.host_port_subcomponent or "", read_base_path(_BATTERY, url), opens, checks)
