"""Why an upstream gave no answer."""

from __future__ import annotations

import pytest

from aiohttp_route_middleware.proxy.wire import failures
from aiohttp_route_middleware.proxy.wire.failures import (
    AddressRefusedError,
    ConnectError,
    ConnectionLimitError,
    ConnectTimeoutError,
    NoTargetError,
    TargetRefusedError,
    UpstreamError,
)

EVERYTHING = [getattr(failures, name) for name in failures.__all__]
ALL: list[type[UpstreamError]] = [one for one in EVERYTHING if issubclass(one, UpstreamError)]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_no_failure_is_caught_by_what_is_meant_for_a_hook(kind: type[UpstreamError]) -> None:
    assert not issubclass(kind, Exception)
    failure = kind("why")
    assert failure.problem == str(failure) == "why"


def test_a_target_may_have_seen_all_but_what_could_not_be_sent() -> None:
    unsent = {one for one in ALL if not one.was_sent}
    assert unsent == {
        NoTargetError,
        TargetRefusedError,
        ConnectError,
        ConnectTimeoutError,
        ConnectionLimitError,
        AddressRefusedError,
    }
