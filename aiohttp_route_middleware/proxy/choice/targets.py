"""The servers of an upstream: where they are, what they are called, and what is known of them.

Rules kept here:
- A target has a name that clients may see: by default its place among the targets, `"1"`, `"2"`. A hash of its address
  would be no secret: there are few enough addresses to try them all.
- What is wrong with a URL is told without the URL, in which there may be a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import TypeAlias

from yarl import URL

from ...errors import ConfigurationError
from ...naming import describe
from ...option_checks import check_count, refuse_option
from ...support.network.hosts import parse_authority
from ...syntax import is_token
from .health import Health

__all__ = ("Target", "TargetLike", "read_targets")

_BATTERY = "Target()"
_CURE = 'write it as in "http://localhost:8001" or "https://example.com/base"'
_CURE_OF_LIST = "write Upstream(*urls): each target is an argument of its own"
_WEBSOCKETS = {"ws": "http", "wss": "https"}
_BLANK = re.compile(r"[\x00-\x20\x7f\\]")  # yarl would pass over some of these, and take others for something else
_LONGEST_NAME = 64


class Target:
    """One server of one upstream.

    Args:
        url: `http` or `https`, a host, and if need be a port and a path that goes before all others; nothing else.
        weight: how much of the load it gets, beside the weights of others; default 1.
        name: what it is called in the cookie of an `AffinityCookie`, by default its place among the targets, from 1;
            and in records and metrics, by default scheme, host and port. With names, sessions stay where they are
            when targets are added or taken away.

    Raises:
        ConfigurationError: an option is wrong.

    Example:
        Upstream(Target("http://10.0.0.1:8001", weight=3), "http://10.0.0.2:8001")
    """

    __slots__ = ("health", "in_flight", "is_taken", "label", "name", "seed", "url", "weight")

    def __init__(self, url: str | URL, *, weight: int = 1, name: str | None = None) -> None:
        self.url: URL = _read_url(url)
        self.weight: int = check_count(_BATTERY, "weight", weight, unit="shares")
        self.name: str = "" if name is None else _check_name(name)
        self.label: str = self.name or str(self.url.origin())
        """What it is called where no client reads it: in records and metrics."""
        self.in_flight: int = 0
        """How many attempts are under way."""
        self.health: Health = Health(str(self.url))
        """What is known of it."""
        self.seed: bytes = blake2b((self.name or str(self.url)).encode(), digest_size=32).digest()
        """What tells it from others in a consistent hash, in all processes."""
        self.is_taken: bool = False
        """Whether it belongs to an upstream."""

    def __repr__(self) -> str:
        return f"Target({str(self.url)!r})"


TargetLike: TypeAlias = "str | URL | Target"


def read_targets(battery: str, targets: Iterable[TargetLike]) -> tuple[Target, ...]:
    """Return the targets of an upstream, named.

    Args:
        battery: what the upstream is called in errors.
        targets: targets, or their URLs.

    Raises:
        ConfigurationError: one is no target, is there twice, or belongs to another upstream; or there are none.
    """
    read = tuple(_read_target(battery, place, target) for place, target in enumerate(targets, 1))
    if not read:
        raise ConfigurationError(battery, "there are no targets", cure='name one, as in "http://localhost:8001"')
    urls, names = set[URL](), set[str]()
    for place, target in enumerate(read, 1):
        name = target.name or str(place)
        _check_target(battery, target, urls, is_named_twice=name in names)
        urls.add(target.url)
        names.add(name)
    for place, target in enumerate(read, 1):  # when nothing is wrong with any
        target.is_taken = True
        target.name = target.name or str(place)
    return read


def _read_target(battery: str, place: int, target: object) -> Target:
    if isinstance(target, Target):
        return target
    if isinstance(target, (list, tuple, set, frozenset)):
        raise ConfigurationError(battery, f"target {place} is a {type(target).__name__}", cure=_CURE_OF_LIST)
    if not isinstance(target, (str, URL)):
        raise ConfigurationError(battery, f"target {place} is {describe(target)}", cure=_CURE)
    if place > 1 and is_token(str(target)):
        problem = f"target {place} is not the URL of a server"
        raise ConfigurationError(battery, problem, cure=f'{_CURE}; a name is passed as name="shop"')
    return Target(target)


def _check_target(battery: str, target: Target, urls: set[URL], *, is_named_twice: bool) -> None:
    if target.is_taken:
        # there its health is judged by other rules
        raise ConfigurationError(battery, f"{target!r} belongs to another upstream", cure="make a target for each")
    if target.url in urls:
        raise ConfigurationError(battery, f"{target!r} is there twice", cure="give it more weight: weight=2")
    if is_named_twice:
        raise ConfigurationError(battery, f"{target!r} has a name of another", cure="give each a name of its own")


def _check_name(name: object) -> str:
    if isinstance(name, str) and is_token(name) and len(name) <= _LONGEST_NAME:
        return name
    raise refuse_option(_BATTERY, "name", name, f'write one of up to {_LONGEST_NAME} letters, as in name="a"')


def _read_url(url: object) -> URL:
    if not isinstance(url, (str, URL)):
        raise ConfigurationError(_BATTERY, f"this is {describe(url)}, and not the URL of a server", cure=_CURE)
    text = str(url)
    scheme, separator, rest = text.partition("://")
    if scheme.lower() in _WEBSOCKETS:
        cure = f'write "{_WEBSOCKETS[scheme.lower()]}://": WebSockets are passed on as well'
        raise ConfigurationError(_BATTERY, f'the scheme of its URL is "{scheme}"', cure=cure)
    if scheme.lower() not in ("http", "https") or not separator or _BLANK.search(text):
        raise ConfigurationError(_BATTERY, "this is not the URL of a server", cure=_CURE)
    if "?" in rest or "#" in rest:
        raise ConfigurationError(_BATTERY, "its URL has a query or a fragment", cure=_CURE)
    if "@" in rest.partition("/")[0]:
        cure = "leave it out, and send `Authorization` by a hook"
        raise ConfigurationError(_BATTERY, "its URL has user information", cure=cure)
    return _read_host(text)


def _read_host(text: str) -> URL:
    try:
        url = URL(text)
        authority = parse_authority(url.host_port_subcomponent or "")
    except ValueError:  # from None: it shows the URL
        raise ConfigurationError(_BATTERY, "its URL cannot be read", cure=_CURE) from None
    if authority is None or authority.port == 0:
        raise ConfigurationError(_BATTERY, "its URL has no host, or one that cannot be", cure=_CURE)
    return URL(f"{url.origin()}{url.raw_path}", encoded=True)  # in one form: without a default port, `/` for no path
