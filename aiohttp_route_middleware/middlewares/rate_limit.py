"""How often one may ask: so many requests in so much time, for each caller; who asks more is told when to come again.

    setup(app)
    router.add_post("/login", rate_limit("5/minute;50/day", block_time=600), log_in)
    pages = router.group("/pages", rate_limit("10/minute"))  # 10 for each of its routes
    files = router.group("/files", rate_limit("10/minute", name="files"))  # 10 for all of its routes together
    limited = rate_limit(by_plan, name="api", storage="redis://localhost:6379")
    api = router.group("/api", bearer_auth(find_token), limited)

    def by_plan(request):
        return "1000/hour" if "paid" in request[IDENTITY].scopes else "100/hour"

**Who** is counted is the caller: the subject of `IDENTITY`, if an authenticator stands before this link; else the
address, `request[CLIENT_ADDRESS]` if `client_address()` stands before it, or the peer; an IPv6 address by its /64. A
link that stands before the authenticator counts failed logins too, by address. Callers without an address, as on a
Unix socket, are one. `key` says otherwise.

**What** is counted together is one route: the same object on two routes counts each alone. Routes differ by method,
path, expressions of variables, and domain. With a `name` all that have this name, and the same storage, share. HEAD
counts as GET. What no route answers is counted as one. A request that meets the same object twice, as in an
application and on a route, is counted once, where it meets it first; so is one that a link around tries once more.
Before `method_override()` a POST counts as what its head says that it means; where `field` says it, stand behind.

**How**: `window="fixed"` begins with the first request and ends on time: it costs least, and lets through up to
twice the limit around its end. `"moving"` remembers each request, exactly. `"sliding"` weighs the last window and
this one: nearly as exact, and it keeps two numbers only.

**Several limits** must all have room: the strictest decides, and a request that one of them refuses is counted by
none. Only where two requests come at the same moment may one that is refused stay counted by some of them.

**Several links** on one route, each `rate_limit(...)`, count by themselves, from the outermost: what an inner one
refuses the outer ones have counted, and with the same `name` and storage a request counts twice. A response tells of
the policies of all that it has met, the innermost first, `Retry-After` is of the one that refuses. A policy is called
`"100/minute"`, or with a name `"api:100/minute"`; if two links have one that is called alike, the inner one is
`"100/minute (2)"`. Give them names, which tell clients more.

**Where**: in the memory of this process, by default; behind several processes each then has the whole limit. Count in
Redis, Valkey or memcached for all of them together. `storage` is a URL, or a storage of `limits.aio.storage`, which
then belongs to one event loop, and is yours to close.

- `redis://`, `rediss://`, `unix://`, `valkey://` and `valkeys://` need the extra `redis`; `?max_connections=` may
  follow, 50 by default. Clusters and sentinels: pass a storage, made with `implementation="redispy"`.
- `memcached://host:port` needs the extra `memcached`. It knows no moving window, and counts for 30 days at most, 15
  in a sliding window. It forgets when it is full.

**If the storage is down**, requests are refused with 503: what a limit guards, often a login, would be open to
everyone who can bring the storage down, or has only waited for it. With `fail_open=True` they pass, uncounted and
without fields, where being there is worth more than the limit. Both are logged when they begin and when they end.

It does **not** protect from many callers at once: who has many addresses has the limit many times. It does **not**
stop the request from coming in, nor tells how many run at the same time. It is no quota to make an invoice from. A
path that no route answers and a method that is not allowed are counted only in the middlewares of an application.

| elsewhere | what it lacks |
| --- | --- |
| aiolimiter 1.3 | has one task of one event loop wait: no callers, no refusal, no header fields, no storage |
| slowapi 0.1.10 | asks Redis without `await`: the event loop waits; what the second limit refuses the first counts |
| Litestar 2.25 | one limit and window; reads, then writes: processes with one store let more pass; no `Retry-After` |

slowapi sends `X-RateLimit-*`, Litestar the fields of an older draft. (As their sources read in November 2026.)

**Trust boundary:** nothing of the request is believed but what is named above. What `key` returns is hashed, so it
may be as long as it likes; but a key that a client can choose is a limit that a client can lift.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias

from aiohttp import web

from ..errors import ConfigurationError
from ..naming import name_link
from ..option_checks import check_choice, check_count, check_flags, check_seconds, refuse_option
from ..support.battery import GuardBattery, guard_battery, read_function
from ..support.outages import Outage
from ..support.rate_limits.counted import CountedRequests
from ..support.rate_limits.limits import LimitTexts
from ..support.rate_limits.meter import WINDOWS, Meter
from ..support.rate_limits.policies import Policies, choose_policies, read_policies
from ..support.rate_limits.storages import StorageOption, open_storages
from ..support.request_keys import read_key
from ..typedefs import Handler

__all__ = ("rate_limit",)

Limits: TypeAlias = LimitTexts | Callable[[web.Request], "LimitTexts | Awaitable[LimitTexts | None] | None"]
FindKey: TypeAlias = Callable[[web.Request], "str | Awaitable[str | None] | None"]
Cost: TypeAlias = int | Callable[[web.Request], "int | Awaitable[int]"]
Predicate: TypeAlias = Callable[[web.Request], "bool | Awaitable[bool]"]

_BATTERY = "rate_limit()"
_NAME = re.compile(r"[!-~](?:[ -~]{0,98}[!-~])?")  # what a structured field can hold, and a person can read
_PREFIX = re.compile(r"[!-~]{0,64}")  # what memcached takes in a key, which has 250 bytes


def rate_limit(
    limits: Limits,
    *,
    key: FindKey | None = None,
    cost: Cost = 1,
    name: str | None = None,
    window: Literal["fixed", "moving", "sliding"] = "fixed",
    storage: StorageOption = None,
    block_time: int | None = None,
    exempt: Predicate | None = None,
    fields: bool = True,
    fail_open: bool = False,
    timeout: float = 1.0,
    prefix: str = "arm:",
) -> GuardBattery:
    """Let each caller pass so many times in so much time.

    Args:
        limits: `"100/minute"`, several as `"10/second;1000/hour"` or in a list, or limits of the library `limits`.
            A time is `second`, `minute`, `hour`, `day`, `month` of 30 days or `year` of 360, or a number of them as in
            `"5/2hours"`. Or a function of the request, async or plain, that returns these, or `None` for no limit.
        key: a function of the request, async or plain: the name of who is counted, or `None` for the default, the
            caller.
        cost: how much a request counts; default 1. Or a function of the request, async or plain, that returns it: 0
            counts nothing. A request that costs more than the limit never passes.
        name: of what is counted together, printable ASCII; default each route by itself, also in a group.
        window: `"fixed"`, the default, `"moving"` or `"sliding"`.
        storage: a URL, or a storage of `limits.aio.storage`; default the memory of this process.
        block_time: seconds for which a caller who has exceeded a limit is refused, whatever is left; default none.
        exempt: a predicate of the request, async or plain: `True` passes uncounted; default nobody.
        fields: whether to send `RateLimit-Policy` and `RateLimit`, which needs `setup(app)`; default yes.
        fail_open: whether requests pass when the storage does not answer; default no.
        timeout: seconds for which a request waits for the storage; default 1.
        prefix: of all that is kept in the storage, for applications that share a server; default `"arm:"`.

    Raises:
        ConfigurationError: an option is wrong; or, in a request, what a function of yours has returned.

    Responds:
        429 with `Retry-After`, in seconds, if a limit is exceeded; 503 if the storage does not answer.

    Reads/Sets:
        reads `IDENTITY` and `CLIENT_ADDRESS` if they are set, and the peer of the connection. Adds to
        `RateLimit-Policy` and `RateLimit` of every response that it has counted, and of those it refuses.

    Source:
        RFC 6585, section 4; RFC 9110, section 10.2.3; draft-ietf-httpapi-ratelimit-headers-10.

    Example:
        rate_limit("10/second;1000/hour", name="api", storage="redis://localhost:6379/0")
    """
    check_choice(_BATTERY, "window", window, WINDOWS)
    check_flags(_BATTERY, fields=fields, fail_open=fail_open)
    seconds = check_seconds(_BATTERY, "timeout", timeout, at_least=0.001)
    storages = open_storages(_BATTERY, storage, window, seconds)
    longest = storages.find_longest(window)
    block = _check_block_time(block_time, longest)
    bucket = _check_words(name, prefix)
    read = functools.partial(read_policies, _BATTERY, bucket=bucket, prefix=prefix, longest=longest)
    choose = choose_policies(limits, read) if callable(limits) else None
    policies = None if choose is not None else read(limits)
    label = f"rate_limit({_describe(limits, policies, bucket)})"
    counted = CountedRequests(
        battery=_BATTERY,
        meter=Meter(storages, window=window, prefix=prefix, block_time=block, timeout=seconds),
        outage=Outage(label, "requests pass uncounted" if fail_open else "requests are refused"),
        fail_open=fail_open,
        bucket=bucket,
        find_key=read_function(_BATTERY, "key", key),
        cost=_check_cost(cost, policies),
        find_cost=read_function(_BATTERY, "cost", cost if callable(cost) else None),
        label=label if fields else "",
    )
    is_exempt = read_function(_BATTERY, "exempt", exempt)
    passed: web.RequestKey[bool] = web.RequestKey("rate_limit_passed", bool)  # this very link, further out

    @guard_battery(label)
    async def rate_limit(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        if not read_key(request, passed) and (is_exempt is None or await is_exempt(request) is not True):
            chosen = policies if choose is None else await choose(request)
            if chosen is not None:
                await counted.count(request, chosen)
                # it stays: who runs this link again for one request, to try once more, has not been asked once more
                request[passed] = True
        return await handler(request) if handler else None

    return rate_limit


def _check_cost(cost: Any, policies: Policies | None) -> int:
    if callable(cost):
        return 1
    checked = check_count(_BATTERY, "cost", cost, unit="requests")
    for limit in policies.limits if policies else ():
        if checked > limit.amount:
            raise ConfigurationError(_BATTERY, f"cost={cost} never passes {limit.text}", cure="write less")
    return checked


def _check_block_time(seconds: Any, longest: int) -> int | None:
    if seconds is None:
        return None
    return check_count(_BATTERY, "block_time", seconds, unit="seconds", at_most=longest)


def _check_words(name: Any, prefix: Any) -> str:
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        raise refuse_option(_BATTERY, "prefix", prefix, "write up to 64 characters of printable ASCII without blanks")
    if name is None:
        return ""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise refuse_option(_BATTERY, "name", name, "write up to 100 characters of printable ASCII")
    return name


def _describe(limits: Any, policies: Policies | None, bucket: str) -> str:
    listed = "; ".join(limit.text for limit in policies.limits) if policies else f"by {name_link(limits)}"
    return f"{bucket}: {listed}" if bucket else listed
