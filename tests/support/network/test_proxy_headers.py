"""Each header can say what it is asked for."""

from typing import Any

import pytest
from aiohttp import hdrs
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.network.proxy_headers import read_header_names, read_scheme_header_name


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"), id="all three"),
        pytest.param(("X-Real-IP", None, None), id="one"),
        pytest.param(("x-mine", "x-my-scheme", "x-my-host"), id="names of one's own"),
        pytest.param(("X-Forwarded-For", None, "Host"), id="the host as the proxy has it"),
    ],
)
def test_names_are_kept_as_they_are_written(names: Any) -> None:
    assert read_header_names("test()", *names) == names


@pytest.mark.parametrize("header", ["Forwarded", "forwarded", "FORWARDED"])
def test_forwarded_is_one_header_however_it_is_written(header: str) -> None:
    assert read_header_names("test()", header, None, None).header == hdrs.FORWARDED
    assert read_scheme_header_name("test()", "header", header).header == hdrs.FORWARDED


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        pytest.param(("", None, None), "header=''; write a name, as in header='X-Forwarded-For'", id="nothing"),
        pytest.param(("a b", None, None), "header='a b'; write a name", id="a space"),
        pytest.param((None, None, None), "header=None; write a name", id="none"),
        pytest.param(
            ("X-Real-IP", "", None), "scheme_header=''; write a name, as in .*='X-Forwarded-Proto'", id="no scheme"
        ),
        pytest.param(("X-Real-IP", None, 5), "host_header=5; write a name, as in .*='X-Forwarded-Host'", id="no host"),
        pytest.param(
            ("x-forwarded-proto", None, None),
            "header='x-forwarded-proto', which says a scheme; name the header with addresses, such as 'X-Forwarded-F",
            id="a scheme for addresses",
        ),
        pytest.param(
            ("Via", None, None), "header='Via', which says something else", id="something else for addresses"
        ),
        pytest.param(
            ("X-Real-IP", "x-forwarded-for", None),
            "scheme_header='x-forwarded-for', which says addresses; name the header with a scheme, such as",
            id="addresses for a scheme",
        ),
        pytest.param(
            ("X-Real-IP", "X-Forwarded-Ssl", None),
            "scheme_header='X-Forwarded-Ssl', which says something else",
            id="on or off for a scheme",
        ),
        pytest.param(
            ("X-Real-IP", None, "X-Forwarded-For"), "host_header='X-Forwarded-For', which", id="addresses for a host"
        ),
        pytest.param(
            ("X-Real-IP", "forwarded", None),
            "scheme_header='forwarded' beside header='X-Real-IP'; pass header=\"Forwarded\" alone",
            id="Forwarded for a scheme",
        ),
        pytest.param(
            ("forwarded", "X-Forwarded-Proto", None),
            "scheme_header='X-Forwarded-Proto' beside Forwarded; leave it out: Forwarded says",
            id="a scheme beside Forwarded",
        ),
        pytest.param(
            ("Forwarded", None, "X-Forwarded-Host"), "host_header='X-F.*' beside Forwarded; leave it out", id="a host"
        ),
        pytest.param(("X-Mine", "x-mine", None), "one header stands for two things", id="one twice, in two cases"),
        pytest.param(("X-Mine", "X-Own", "x-own"), "one header stands for two things", id="another one twice"),
    ],
)
def test_what_could_say_nothing_is_refused(names: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^test\(\): {problem}"):
        read_header_names("test()", *names)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "x-real-ip", "X-Forwarded-Host", "X-Forwarded-Ssl", "", None])
def test_a_scheme_is_in_a_header_that_says_one(header: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"test\(\): header=.*X-Forwarded-Proto"):
        read_scheme_header_name("test()", "header", header)


@given(st.text(), st.none() | st.text(), st.none() | st.text())
def test_names_are_taken_or_refused(header: str, scheme: str | None, host: str | None) -> None:
    try:
        names = read_header_names("test()", header, scheme, host)
    except ConfigurationError:
        return
    assert names == (header, scheme, host)
