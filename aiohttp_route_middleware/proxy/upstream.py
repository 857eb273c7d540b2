"""An upstream: one or several targets that answer the same requests, and how they are asked.

    transactions = Upstream("http://10.0.0.1:8001", "http://10.0.0.2:8001", retries=Retries(attempts=3))
    transactions.run_with(app)
    app.router.add_route("*", "/transactions{tail:.*}", authenticate, proxy(transactions))

It is opened when the application starts, and closed when all its requests have ended. Several endpoints may share it.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Sequence

import aiohttp
from aiohttp import web

from ..errors import ConfigurationError
from ..naming import describe
from ..option_checks import check_count, check_seconds, check_text
from ..support.routes import walk_apps
from ..support.start_checks import check_at_start
from .choice.affinity import AffinityCookie
from .choice.balancing import ConsistentHash
from .choice.dynamic import DynamicTargets
from .choice.health import Ejection
from .choice.probes import HealthCheck
from .choice.retries import Retries
from .choice.targets import TargetLike
from .choice.turns import Targets
from .expectations import invite_late
from .open_upstream import OpenUpstream, Options
from .record import Tell
from .response import let_go_of_replaced
from .upstream_options import read_check, read_ejection, read_retries, read_targets_of, read_tells, read_tls
from .wire.attempt import Waits

__all__ = ("Upstream",)

_BATTERY = "Upstream()"


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
        connect_timeout: seconds until there is a connection; default 5. This counts for each attempt, as the next: a
            retry may take as long again.
        response_timeout: seconds from the end of the request until the head of the answer; default 60.
        idle_timeout: seconds in which nothing moves in a body; default 60.
        expect_timeout: seconds to wait for `100 Continue`; default 1.
        keep_alive: seconds that an idle connection is kept, less than the targets keep it, 0 for never; default 4.
        connections: to each target at a time; more wait for `connect_timeout`; by default there is no limit.
        tls: for https: `True`, the default, for the certificates of the system; or an `ssl.SSLContext`, with others,
            or with a certificate of ours.
        on_exchange: a function, or a list of them, called with the `ExchangeRecord` of each exchange when it is over;
            plain, and quick. It runs in the context of the request.

    Raises:
        ConfigurationError: an option is wrong. When an application starts: it is open in another one, or `run_with()`
            was not called for it; that is seen if `setup()` was called, or `run_with()` of another; else at a request.

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
        on_exchange: Tell | Sequence[Tell] | None = None,
    ) -> None:
        self.name: str = check_text(_BATTERY, "name", name)
        self.targets: Targets = read_targets_of(
            targets, balance=balance, affinity=affinity, check=check, ejection=read_ejection(ejection)
        )
        self.affinity: AffinityCookie | None = affinity
        waits = Waits(
            connect=check_seconds(_BATTERY, "connect_timeout", connect_timeout, at_least=0.001),
            response=check_seconds(_BATTERY, "response_timeout", response_timeout, at_least=0.001),
            idle=check_seconds(_BATTERY, "idle_timeout", idle_timeout, at_least=0.001),
            expect=check_seconds(_BATTERY, "expect_timeout", expect_timeout, at_least=0.001),
        )
        if connections is not None:
            check_count(_BATTERY, "connections", connections, unit="connections")
        self._options = Options(
            name=self.name,
            targets=self.targets,
            retries=read_retries(retries),
            waits=waits,
            connections=connections,
            tls=read_tls(tls),
            tells=read_tells(on_exchange),
        )
        self._check = read_check(check)
        self._keep_alive = check_seconds(_BATTERY, "keep_alive", keep_alive, at_least=0)
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
            ConfigurationError: this is no application, or one that has started or is part of another already; or it
                was called twice with one.
        """
        if not isinstance(app, web.Application):
            raise ConfigurationError(_BATTERY, f"app is {describe(app)}", cure="pass the web.Application itself")
        if app.pre_frozen or app.on_startup.frozen:
            problem = "run_with() was called with an application that has started, or is part of another already"
            raise ConfigurationError(_BATTERY, problem, cure="call it before web.run_app(), and before add_subapp()")
        if self._run in app.cleanup_ctx:
            raise ConfigurationError(_BATTERY, "run_with() was called twice with one application", cure="call it once")
        app.cleanup_ctx.append(self._run)
        app.on_shutdown.append(self._stop_tunnels)
        if invite_late not in app.on_startup:
            app.on_startup.append(invite_late)
        if let_go_of_replaced not in app.on_response_prepare:
            app.on_response_prepare.append(let_go_of_replaced)
        if check_at_start not in app.on_startup:
            app.on_startup.insert(0, check_at_start)  # before anything is opened that would have to be closed

    def check_run(self, app: web.Application) -> None:
        """Refuse an application with which it does not run, nor with one within it.

        Args:
            app: the outermost one, whose endpoints use it.

        Raises:
            ConfigurationError: `run_with()` was forgotten.
        """
        if not any(self._run in one.cleanup_ctx for one in walk_apps(app)):
            problem = f"a route uses the upstream {self.name!r}, whose run_with() was not called"
            raise ConfigurationError(_BATTERY, problem, cure="call run_with(app) before the application starts")

    async def _stop_tunnels(self, _: web.Application) -> None:
        if self._open is not None:  # else it is closed already
            self._open.stop_tunnels()

    async def _run(self, _: web.Application) -> AsyncIterator[None]:
        if self._open is not None:
            problem = f"the upstream {self.name!r} is open already, in another application"
            raise ConfigurationError(_BATTERY, problem, cure="make one for each application")
        connector = aiohttp.TCPConnector(
            limit=0,
            force_close=not self._keep_alive,  # of no time aiohttp makes one without end
            keepalive_timeout=self._keep_alive or None,
            ttl_dns_cache=10,
            **(self.targets.connecting if isinstance(self.targets, DynamicTargets) else {}),
        )
        self._open = opened = OpenUpstream(self._options, connector)
        if self._check is not None:
            opened.run_beside(self._check.run(self.targets, opened.ask, upstream=self.name))
        try:
            yield
        finally:
            self._open = None
            await opened.stop_beside()
            await connector.close()
