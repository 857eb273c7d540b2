"""How long the parts of a request take, measured while it is handled, and written as `Server-Timing`."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from ...keys import note_key
from ...naming import name_link
from ...syntax import quote
from ...typedefs import Outcome
from .telling import tell_safely

__all__ = ("TIMINGS", "Timings", "trace_timings")

_MOST = 64  # parts that are written; what is measured beyond is only told
_NO_TOKEN = re.compile(r"[^!#$%&'*+.^_`|~0-9A-Za-z-]+")

Tell = Callable[[str, float], None]


class Timings:
    """The parts of one request, in the order in which they ended.

    Args:
        tell: called with the name and the milliseconds of each part; what it raises is reported, and changes nothing.

    Example:
        with request[TIMINGS].measure("db", "all posts"):
            posts = await database.list_posts()
    """

    def __init__(self, tell: Tell | None = None) -> None:
        self._tell = tell
        self._parts: list[tuple[str, float, str]] = []

    def add(self, name: str, milliseconds: float, description: str = "") -> None:
        """Note how long a part took; what its name may not hold becomes a hyphen."""
        name = _write_token(name)
        if len(self._parts) < _MOST:
            self._parts.append((name, milliseconds, description))
        if self._tell is not None:
            tell_safely("server_timing", self._tell, name, milliseconds)

    @contextmanager
    def measure(self, name: str, description: str = "") -> Iterator[None]:
        """Note how long what stands in a `with` takes, whatever comes out of it."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, (time.perf_counter() - begun) * 1000, description)

    def write(self) -> str:
        """Write the value of `Server-Timing`; milliseconds as W3C Server Timing, section 3.1.1, has them."""
        return ", ".join(
            [
                f"{name};dur={milliseconds:.3f};desc={quote(_in_ascii(text))}"
                if text
                else f"{name};dur={milliseconds:.3f}"
                for name, milliseconds, text in self._parts
            ]
        )


TIMINGS = note_key(web.RequestKey("TIMINGS", Timings), "middlewares.server_timing.TIMINGS", set_by="server_timing()")


def trace_timings(request: web.Request, link: Any) -> Callable[[Outcome], None]:
    """Note how long each link takes, that of a middleware with all that it has called; to be passed as `trace=`.

    Example:
        router = UrlDispatcherEx.install(app, server_timing(enabled=True), trace=trace_timings)
    """
    begun = time.perf_counter()

    def end(outcome: Outcome) -> None:
        timings = request.get(TIMINGS)
        if timings is not None and outcome.kind != "raised":
            name = name_link(link)
            timings.add(name.partition("(")[0], (time.perf_counter() - begun) * 1000, name)

    return end


@functools.lru_cache(maxsize=256)  # of names that stand in the code, and so are few
def _write_token(name: str) -> str:
    return _NO_TOKEN.sub("-", name).strip("-") or "part"


def _in_ascii(text: str) -> str:
    return "".join(one if " " <= one <= "~" else "?" for one in text)
