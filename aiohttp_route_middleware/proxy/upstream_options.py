"""The options of an upstream, read: what is wrong is told when it is made, with what to write instead."""

from __future__ import annotations

import ssl
from typing import Any, cast

from ..errors import ConfigurationError
from ..naming import describe
from ..option_checks import check_call
from .choice.affinity import AffinityCookie
from .choice.balancing import ConsistentHash
from .choice.dynamic import DynamicTargets
from .choice.health import Ejection
from .choice.probes import HealthCheck
from .choice.retries import Retries
from .choice.targets import TargetLike
from .choice.turns import Targets
from .message.paths import read_base_path
from .record import Tell

__all__ = ("read_check", "read_ejection", "read_retries", "read_targets_of", "read_tells", "read_tls")

_BATTERY = "Upstream()"


def read_targets_of(
    passed: tuple[TargetLike | DynamicTargets, ...],
    *,
    balance: str | ConsistentHash,
    affinity: AffinityCookie | None,
    check: HealthCheck | None,
    ejection: Ejection | None,
) -> Targets:
    """Return the targets of an upstream, with what chooses among them."""
    if any(isinstance(target, DynamicTargets) for target in passed):
        is_plain = balance == "round_robin" and affinity is None and check is None
        return _read_dynamic(passed, is_plain=is_plain)
    listed = cast("tuple[TargetLike, ...]", passed)
    targets = Targets(listed, balance=balance, ejection=ejection, affinity=affinity, battery=_BATTERY)
    for target in targets:
        read_base_path(_BATTERY, target.url)
    return targets


def read_ejection(ejection: object) -> Ejection | None:
    """Return when a target goes out; `None` for never."""
    if ejection is True:
        return Ejection()
    if ejection is False or isinstance(ejection, Ejection):
        return ejection or None
    cure = "write Ejection(failures=5), True or False"
    raise ConfigurationError(_BATTERY, f"ejection is {describe(ejection)}", cure=cure)


def read_retries(retries: object) -> Retries | None:
    """Return when a request is sent again; `None` for never."""
    if retries is True:
        return Retries()
    if retries is False or isinstance(retries, Retries):
        return retries or None
    cure = "write Retries(attempts=2), True or False"
    raise ConfigurationError(_BATTERY, f"retries is {describe(retries)}", cure=cure)


def read_tls(tls: object) -> ssl.SSLContext | bool:
    """Return what https is spoken by."""
    if tls is True or isinstance(tls, ssl.SSLContext):
        return tls
    cure = "pass an ssl.SSLContext; one that trusts everybody has to be made on purpose"
    raise ConfigurationError(_BATTERY, f"tls is {describe(tls)}", cure=cure)


def read_tells(tell: object) -> tuple[Tell, ...]:
    """Return those who are told of each exchange."""
    if tell is None:
        return ()
    tells: tuple[Any, ...] = tuple(tell) if isinstance(tell, (list, tuple)) else (tell,)
    for one in tells:
        check_call(_BATTERY, "on_exchange", one, takes="record")
    return tells


def read_check(check: object) -> HealthCheck | None:
    """Return how targets are asked whether they are well; `None` for not at all."""
    if isinstance(check, (HealthCheck, type(None))):
        return check
    raise ConfigurationError(_BATTERY, f"check is {describe(check)}", cure='write HealthCheck("/health"), or None')


def _read_dynamic(targets: tuple[object, ...], *, is_plain: bool) -> DynamicTargets:
    if len(targets) == 1 and isinstance(targets[0], DynamicTargets) and is_plain:
        return targets[0]
    problem = "DynamicTargets are not alone, or there is a way to choose among them"
    raise ConfigurationError(_BATTERY, problem, cure="leave out balance, affinity, check and other targets")
