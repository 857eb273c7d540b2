"""For how long a session lasts, and what is refused as a time."""

from typing import Any

import pytest

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.sessions.lifetime import Lifetime, read_lifetime

ALIVE = [
    pytest.param(0, 90, True, id="fresh"),
    pytest.param(0, 80, True, id="just"),
    pytest.param(0, 79, False, id="unused"),
    pytest.param(-99, 90, True, id="old"),
    pytest.param(-100, 90, False, id="too old"),
    pytest.param(0, 101, True, id="another clock"),
]

READ = [
    pytest.param(None, None, (100, 100, 100), id="absolute alone"),
    pytest.param(None, 50, (50, 100, 5), id="idle"),
    pytest.param(30, None, (30, 100, 100), id="max_age"),
    pytest.param(30, 50, (30, 100, 5), id="both"),
    pytest.param(100, 100.0, (100, 100, 10), id="as long as absolute"),
]

REFUSED = [
    pytest.param({"absolute": None}, "absolute=None; pass a number of seconds", id="no end"),
    pytest.param({"absolute": float("inf")}, "absolute=inf; pass a number of seconds", id="never"),
    pytest.param({"idle": 0}, "idle=0; pass a number of seconds, 1 or more", id="no time"),
    pytest.param({"idle": float("nan")}, "idle=nan; pass a number of seconds", id="no number"),
    pytest.param({"max_age": True}, "max_age=True; pass a number of seconds", id="truth"),
    pytest.param({"idle": 101}, "longer than absolute; raise absolute", id="long idle"),
    pytest.param({"max_age": 101}, "longer than absolute; raise absolute", id="long max_age"),
]


@pytest.mark.parametrize(("created", "written", "alive"), ALIVE)
def test_when_a_session_is_alive(created: int, written: int, alive: bool) -> None:
    lifetime = Lifetime(unwritten=20, absolute=199.5, refresh=2)
    assert lifetime.is_alive(created=created, written=written, now=99.5) is alive


@pytest.mark.parametrize(("max_age", "idle", "seconds"), READ)
def test_the_shortest_time_ends_an_unused_session(
    max_age: float | None, idle: float | None, seconds: tuple[float, float, float]
) -> None:
    lifetime = read_lifetime("sessions()", max_age=max_age, idle=idle, absolute=100)
    assert (lifetime.unwritten, lifetime.absolute, lifetime.refresh) == seconds


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_what_is_no_lifetime_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^sessions\(\): .*{message}"):
        read_lifetime("sessions()", **{"max_age": None, "idle": None, "absolute": 100, **options})
