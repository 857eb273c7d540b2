"""Permissions Policies: what browsers would not read as it is meant is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.browser.permissions_policy import DEFAULT_PERMISSIONS, write_permissions


def write(policy: Any) -> str:
    return write_permissions("battery()", "permissions", policy)


@pytest.mark.parametrize(
    ("policy", "written"),
    [
        pytest.param("camera=(), geolocation=(self)", "camera=(), geolocation=(self)", id="text"),
        pytest.param("camera=() ,usb=*", "camera=(), usb=*", id="loose text"),
        pytest.param('usb=("https://a.example" self);report-to="p"', None, id="where to report to"),
        pytest.param("usb=(self);report-to=p*/:1", None, id="where to report to, as a token"),
        pytest.param('usb=();report-to="a,b", camera=();report-to="c"', None, id="a comma in a string"),
        pytest.param("camera=()\t,\tusb=*", "camera=(), usb=*", id="tabs around a comma"),
        pytest.param('usb=("https://[::1]:80" "http://a_b.example")', None, id="an IPv6 address, and an underscore"),
        pytest.param({"usb": ["https://[2001:db8::1]"]}, 'usb=("https://[2001:db8::1]")', id="an IPv6 address"),
        pytest.param("camera=self", None, id="one without brackets"),
        pytest.param({"camera": []}, "camera=()", id="nobody"),
        pytest.param({"camera": ["*"]}, "camera=(*)", id="everybody, in a list"),
        pytest.param({"camera": "*", "usb": ("self",)}, "camera=*, usb=(self)", id="everybody, and a tuple"),
        pytest.param(
            {"usb": ["self", "https://*.example.com:8443"]}, 'usb=(self "https://*.example.com:8443")', id="an origin"
        ),
        pytest.param({"usb": ["https:"]}, 'usb=("https:")', id="a scheme"),
    ],
)
def test_a_policy_is_written_as_it_is_sent(policy: Any, written: str | None) -> None:
    assert write(policy) == (written or policy)


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        pytest.param(7, "permissions is int; pass a text, or a mapping of features", id="a number"),
        pytest.param("camera 'none'; geolocation 'self'", "permissions has \"camera 'none'; geo", id="Feature-Policy"),
        pytest.param("", "permissions has ''", id="an empty text"),
        pytest.param({}, "permissions is empty; write a feature, or None to send no policy", id="nothing"),
        pytest.param("camera=(),,usb=()", "permissions has ''", id="two commas"),
        pytest.param('camera=();report-to="a,b', "permissions has ", id="a string without an end"),
        pytest.param("camera=();report-to=1a", "permissions has ", id="no token"),
        pytest.param("camera=(self\tself)", "permissions has ", id="a tab in a list"),
        pytest.param("camera=(),", "permissions has ''", id="a comma at the end"),
        pytest.param("camera=()\r\nX-A: b", "permissions has 'camera=()\\r\\nX-A: b'", id="a line break"),
        pytest.param({"camera": None}, 'permissions has None; write "*" for all, or a list', id="None"),
        pytest.param({"camera": "self"}, "permissions has 'self'; write", id="a text for a list"),
        pytest.param({"camera": ["'self'"]}, "has 'camera=(\"\\'self\\'\")'; write", id="quotes as in a CSP"),
        pytest.param({"camera": ["example.com"]}, '"geolocation": ["self", "https://example.com"]', id="a host"),
        pytest.param({"camera": ['https://a" "https://b']}, "permissions has ", id="a quotation mark"),
        pytest.param({"camera": [7]}, "permissions has 'camera=(\"7\")'; write", id="a number in a list"),
        pytest.param({"Camera": []}, "permissions has 'Camera=()'", id="a feature in capitals"),
        pytest.param({"camera=(), usb": []}, "permissions has 'camera=(), usb=()'", id="two in one"),
        pytest.param(
            "camera=(), usb=(), camera=(self)",
            "permissions has camera twice, and browsers take the last alone; list all who may use it in one",
            id="twice",
        ),
    ],
)
def test_what_a_browser_would_not_read_as_it_is_meant_is_refused(policy: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        write(policy)
    assert str(refused.value).startswith("battery(): permissions ")
    assert problem in str(refused.value)
    assert str(refused.value).isprintable()


def test_the_default_permits_nothing_but_what_pages_need() -> None:
    members = write(DEFAULT_PERMISSIONS).split(", ")
    assert [member for member in members if not member.endswith("=()")] == ["sync-xhr=(self)"]


@given(st.dictionaries(st.text(max_size=5), st.lists(st.text(max_size=8), max_size=2) | st.text(max_size=5)))
def test_no_permission_lets_a_line_break_through(policy: dict[str, Any]) -> None:
    try:
        written = write(policy)
    except ConfigurationError:
        return
    assert written.isprintable()


features = st.sampled_from(["camera", "usb", "midi"])
allowed = st.just("*") | st.lists(st.sampled_from(["self", "*", "https://a.example", "https:"]), max_size=3)


@given(st.dictionaries(features, allowed, min_size=1))
def test_what_is_written_is_read_as_the_same(policy: dict[str, Any]) -> None:
    assert write(write(policy)) == write(policy)


@given(st.lists(features, min_size=1, max_size=4))
def test_a_text_names_each_feature_once(names: list[str]) -> None:
    text = ", ".join(f"{name}=()" for name in names)
    if len(set(names)) == len(names):
        assert write(text) == text
    else:
        with pytest.raises(ConfigurationError, match="twice"):
            write(text)
