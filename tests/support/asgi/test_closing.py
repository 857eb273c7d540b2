"""Which codes and reasons of an application go out in a close frame (RFC 6455, sections 5.5 and 7.4)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.support.asgi.closing import ABNORMAL, NO_CODE, read_close


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param({}, (1000, ""), id="nothing said"),
        pytest.param({"code": None, "reason": None}, (1000, ""), id="nothing, said"),
        pytest.param({"code": NO_CODE}, (1000, ""), id="no code"),
        pytest.param({"code": 1001, "reason": "away"}, (1001, "away"), id="going away"),
        pytest.param({"code": 1003}, (1003, ""), id="the last of the first four"),
        pytest.param({"code": 1006}, (1006, ""), id="cut off"),
        pytest.param({"code": 1007}, (1007, ""), id="the first after those that are reserved"),
        pytest.param({"code": 1014}, (1014, ""), id="the last with a name"),
        pytest.param({"code": 1015}, (1015, ""), id="TLS"),
        pytest.param({"code": 3000}, (3000, ""), id="the first of libraries"),
        pytest.param({"code": 4999}, (4999, ""), id="the last of applications"),
        pytest.param({"reason": "x" * 124}, (1000, "x" * 123), id="too long a reason"),
        pytest.param({"reason": "é" * 62}, (1000, "é" * 61), id="a reason that is cut between letters"),
    ],
)
def test_a_close_is_read(message: dict[str, Any], expected: tuple[int, str]) -> None:
    assert read_close(message) == expected


@pytest.mark.parametrize("code", [0, -1, 999, 1004, 1016, 2999, 5000, 65536, "1000", 1000.5])
def test_a_code_that_nobody_may_send_is_an_error(code: Any) -> None:
    with pytest.raises(ValueError, match="a WebSocket cannot be closed with the code"):
        read_close({"code": code})


def test_a_reason_that_is_no_text_is_an_error_that_does_not_quote_it() -> None:
    with pytest.raises(ValueError, match=r"with a reason of type bytes$"):
        read_close({"reason": b"secret"})


@given(code=st.integers(), reason=st.text())
def test_whatever_is_said_fits_a_close_frame_or_is_an_error(code: int, reason: str) -> None:
    try:
        read, cut = read_close({"code": code, "reason": reason})
    except ValueError:
        assert not 3000 <= code <= 4999
    else:
        assert read in ABNORMAL or 1000 <= read <= 4999
        assert read != NO_CODE
        assert len(cut.encode()) <= 123
        assert reason.startswith(cut)
