"""Which of the targets that may be asked is asked: four ways to balance a load.

All look at each target once at most. They are asked only where there are two targets or more.

- `"round_robin"`: in turn, by weight, those of more weight evenly spread among the others, as in nginx.
- `"least_connections"`: whoever has the fewest attempts under way for its weight; of equals, in turn.
- `"random_of_two"`: of two drawn by lot, whoever has fewer. Many proxies in front of the same targets, each of which
  sees its own attempts only, do not all run to the same one.
- `ConsistentHash`: the same key to the same target.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from hashlib import blake2b
from random import Random
from typing import Protocol

from aiohttp import web

from ...errors import ConfigurationError
from ...option_checks import check_call, check_name, refuse_option, refuse_returned
from ...support.cookies import read_cookies
from ...support.network.addresses import read_client_address
from .targets import Target

__all__ = ("BALANCES", "Balance", "ConsistentHash", "LeastConnections", "RandomOfTwo", "RoundRobin", "read_balance")

_BATTERY = "ConsistentHash()"
_HASHED = 8  # bytes


class Balance(Protocol):
    """A way to balance a load."""

    def choose(self, candidates: Sequence[Target], incoming: web.Request) -> Target:
        """Return one of two candidates or more."""
        ...


class RoundRobin:
    """In turn, by weight, smoothly: with weights 3 and 1, a a b a and not a a a b.

    Each candidate gains its weight; the first with the most is chosen, and pays what all have gained.
    """

    def __init__(self) -> None:
        self._gained: dict[Target, int] = {}

    def choose(self, candidates: Sequence[Target], incoming: web.Request) -> Target:
        """Return one of two candidates or more."""
        gained = self._gained
        total, most, best = 0, -math.inf, candidates[0]
        for target in candidates:
            total += target.weight
            has = gained[target] = gained.get(target, 0) + target.weight
            if has > most:
                most, best = has, target
        gained[best] -= total
        return best


class LeastConnections:
    """Whoever has the fewest attempts under way for its weight; of equals, as when all are idle, in turn."""

    def __init__(self) -> None:
        self._in_turn = RoundRobin()

    def choose(self, candidates: Sequence[Target], incoming: web.Request) -> Target:
        """Return one of two candidates or more."""
        loads = [target.in_flight / target.weight for target in candidates]
        least = min(loads)
        equals = [target for target, load in zip(candidates, loads) if load == least]
        return equals[0] if len(equals) == 1 else self._in_turn.choose(equals, incoming)


class RandomOfTwo:
    """Of two drawn by lot, by weight, whoever has fewer attempts under way for its weight.

    Args:
        lots: draws them.
    """

    def __init__(self, lots: Random | None = None) -> None:
        self._lots = lots or Random()  # noqa: S311  # it spreads a load, and keeps no secret

    def choose(self, candidates: Sequence[Target], incoming: web.Request) -> Target:
        """Return one of two candidates or more."""
        first = self._draw(candidates)
        second = self._draw([target for target in candidates if target is not first])
        return second if second.in_flight / second.weight < first.in_flight / first.weight else first

    def _draw(self, candidates: Sequence[Target]) -> Target:
        return self._lots.choices(candidates, [target.weight for target in candidates])[0]


class ConsistentHash:
    """The same key to the same target; when a target goes or comes, only its own share of the keys moves.

    Each target has its own score for a key, and the highest is chosen (rendezvous hashing, with weights by the
    logarithmic method). Whoever sends no key is sent to the targets in turn.

    Args:
        key: called with the incoming request, returns a text, or `None` for no key. Clients that choose their own key
            choose their target by it.
        most_load: no target has more than so many times its fair share of the attempts under way; what is too much
            goes to the next of its key. 1.25 is usual; by default there is no bound.

    Raises:
        ConfigurationError: an option is wrong; in a request, that `key` has returned something else.

    Source:
        Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", 1998; Mirrokni, Thorup and
        Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2016.

    Example:
        Upstream("http://a:8001", "http://b:8001", balance=ConsistentHash.by_header("X-Tenant"))
    """

    def __init__(self, key: Callable[[web.Request], str | None], *, most_load: float | None = None) -> None:
        check_call(_BATTERY, "key", key, takes="request")
        self._key = key
        self._most_load = None if most_load is None else _check_load(most_load)
        self._in_turn = RoundRobin()

    @classmethod
    def by_header(cls, name: str, *, most_load: float | None = None) -> ConsistentHash:
        """Make one whose key is a header; an empty one is no key.

        Args:
            name: of the header; of several fields the first counts.
            most_load: as of the class.

        Raises:
            ConfigurationError: an option is wrong.

        Example:
            ConsistentHash.by_header("X-Tenant")
        """
        check_name(_BATTERY, "name", name, example="X-Tenant")
        return cls(lambda incoming: incoming.headers.get(name), most_load=most_load)

    @classmethod
    def by_cookie(cls, name: str, *, most_load: float | None = None) -> ConsistentHash:
        """Make one whose key is a cookie; an empty one is no key.

        Args:
            name: of the cookie; of several the first counts.
            most_load: as of the class.

        Raises:
            ConfigurationError: an option is wrong.

        Example:
            ConsistentHash.by_cookie("session", most_load=1.25)
        """
        check_name(_BATTERY, "name", name, example="session")
        return cls(lambda incoming: next(iter(read_cookies(incoming.headers, name)), None), most_load=most_load)

    @classmethod
    def by_address(cls, *, most_load: float | None = None) -> ConsistentHash:
        """Make one whose key is the address of the client.

        Args:
            most_load: as of the class.

        Raises:
            ConfigurationError: an option is wrong.

        Reads/Sets:
            reads `CLIENT_ADDRESS`, which `client_address()` sets behind proxies, else the peer.

        Example:
            ConsistentHash.by_address()
        """
        return cls(_read_address, most_load=most_load)

    def choose(self, candidates: Sequence[Target], incoming: web.Request) -> Target:
        """Return one of two candidates or more."""
        key = self._key(incoming)
        if key is not None and not isinstance(key, str):
            raise refuse_returned(_BATTERY, "key", key, "return a text, or None for no key")
        if not key:
            return self._in_turn.choose(candidates, incoming)
        hashed = key.encode("utf-8", "surrogatepass")  # what is no UTF-8 in a header came as surrogates
        return max(self._bound(candidates), key=lambda target: _score(target, hashed))

    def _bound(self, candidates: Sequence[Target]) -> Sequence[Target]:
        """Leave out who has its fill; they cannot all have, for the bounds together are more than what is shared."""
        if self._most_load is None:
            return candidates
        in_flight = sum(target.in_flight for target in candidates) + 1
        each = self._most_load * in_flight / sum(target.weight for target in candidates)
        return [target for target in candidates if target.in_flight < each * target.weight]


BALANCES: dict[str, Callable[[], Balance]] = {
    "round_robin": RoundRobin,
    "least_connections": LeastConnections,
    "random_of_two": RandomOfTwo,
}


def read_balance(battery: str, balance: str | ConsistentHash) -> Balance:
    """Return a way to balance: a new one, by its name, or a `ConsistentHash`."""
    if isinstance(balance, ConsistentHash):
        return balance
    if balance in ("consistent_hash", ConsistentHash):
        problem, cure = "a consistent hash needs a key", 'write ConsistentHash.by_header("X-Tenant"), or by another'
        raise ConfigurationError(battery, problem, cure=cure)
    if not isinstance(balance, str) or balance not in BALANCES:
        cure = f"write one of {', '.join(map(repr, BALANCES))}; or a ConsistentHash"
        raise refuse_option(battery, "balance", balance, cure)
    return BALANCES[balance]()


def _score(target: Target, key: bytes) -> float:
    digest = blake2b(key, digest_size=_HASHED, key=target.seed).digest()
    chance = ((int.from_bytes(digest, "big") >> 11) + 0.5) / 2**53  # above 0 and below 1, as exact as a float can be
    return math.log(chance) / target.weight


def _read_address(incoming: web.Request) -> str | None:
    address = read_client_address(incoming)
    return None if address is None else str(address)


def _check_load(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1.01 <= value <= 100:
        raise refuse_option(_BATTERY, "most_load", value, "pass how many times its share, 1.01 to 100; 1.25 is usual")
    return value
