"""The cookie by which a client stays with its target."""

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.proxy.choice.affinity import AffinityCookie
from aiohttp_route_middleware.proxy.choice.targets import Target, read_targets
from aiohttp_route_middleware.support.cookies import read_cookies
from aiohttp_route_middleware.support.network.forwarded import FORWARDED_SCHEME

from ..incoming import ask

PLAIN = AffinityCookie("stay")


@pytest.fixture
def targets() -> tuple[Target, ...]:
    return read_targets("Upstream()", ["http://10.0.0.1", "http://10.0.0.2", Target("http://10.0.0.3", name="c")])


def over_https(**headers: str) -> web.Request:
    incoming = ask(**headers)
    incoming[FORWARDED_SCHEME] = "https"
    return incoming


@pytest.mark.parametrize(
    ("cookie", "found"),
    [
        ("stay=1", 0),
        ("other=2; stay=c", 2),
        ("stay=9; stay=2", 1),
        ("stay=9", None),
        ("stay=", None),
        ("stay", None),
        ("STAY=1", None),
        ("stay=10.0.0.1", None),
    ],
)
def test_a_client_stays_with_the_target_that_its_cookie_names(
    targets: tuple[Target, ...], cookie: str, found: "int | None"
) -> None:
    assert PLAIN.find(ask(Cookie=cookie), targets) is (None if found is None else targets[found])


def test_a_target_that_is_no_candidate_is_not_found(targets: tuple[Target, ...]) -> None:
    assert PLAIN.find(ask(Cookie="stay=1"), targets[1:]) is None
    assert PLAIN.find(ask(), targets) is None


def test_the_cookie_is_for_the_session_and_for_no_script(targets: tuple[Target, ...]) -> None:
    assert PLAIN.write(ask(), targets[1]) == "stay=2; Path=/; HttpOnly; SameSite=Lax"


def test_over_https_it_is_secure(targets: tuple[Target, ...]) -> None:
    assert PLAIN.write(over_https(), targets[1]) == "stay=2; Path=/; HttpOnly; Secure; SameSite=Lax"


@pytest.mark.parametrize(("secure", "written"), [(True, "; Secure"), (False, "")])
def test_whether_it_is_secure_may_be_said(targets: tuple[Target, ...], secure: bool, written: str) -> None:
    cookie = AffinityCookie("stay", secure=secure)
    for incoming in (ask(), over_https()):
        assert cookie.write(incoming, targets[0]) == f"stay=1; Path=/; HttpOnly{written}; SameSite=Lax"


def test_it_may_last_and_go_with_frames(targets: tuple[Target, ...]) -> None:
    cookie = AffinityCookie("__Host-stay", max_age=600, same_site="None", secure=True)
    assert cookie.write(ask(), targets[0]) == ("__Host-stay=1; Max-Age=600; Path=/; HttpOnly; Secure; SameSite=None")


@pytest.mark.parametrize(
    ("cookie", "is_set"),
    [("stay=2", False), ("a=b; stay=2", False), ("stay=1", True), ("stay=2; stay=1", True), ("a=b", True)],
)
def test_it_is_set_only_where_it_changes(targets: tuple[Target, ...], cookie: str, is_set: bool) -> None:
    assert (PLAIN.write(ask(Cookie=cookie), targets[1]) is not None) is is_set


def test_it_tells_no_address(targets: tuple[Target, ...]) -> None:
    for target in targets:
        assert "10.0.0" not in str(PLAIN.write(ask(), target))


@pytest.mark.parametrize(
    ("field", "stripped"),
    [
        ("stay=1", ""),
        ("stay=1;", ""),
        (" stay = 1 ; ", ""),
        ("stay=1; a=b", "a=b"),
        ("a=b; stay=1", "a=b"),
        ("a=b;stay=1;c=d", "a=b;c=d"),
        ("a=b; stay=1; c=d; stay=2", "a=b; c=d"),
        ("a=b; c", "a=b; c"),
        ("mystay=1;  stays=2", "mystay=1;  stays=2"),
        ("a=stay;  b=2 ", "a=stay;  b=2 "),
        ("stay", "stay"),
        ("", ""),
    ],
)
def test_it_is_taken_out_of_what_is_passed_on_and_nothing_else_is_touched(field: str, stripped: str) -> None:
    assert PLAIN.strip(field) == stripped


@given(st.lists(st.sampled_from(["stay=1", "a=b", " stay=x", "b", "", " c= d", "\tstay =", "stay", '"q'])))
def test_no_target_ever_sees_it_and_every_other_cookie_is_there_in_order(pairs: list[str]) -> None:
    stripped = PLAIN.strip(";".join(pairs))
    assert read_cookies(ask(Cookie=stripped).headers, "stay") == []
    others = [pair.strip() for pair in pairs if pair.strip() and not pair.replace(" ", "").strip().startswith("stay=")]
    kept = [pair.strip() for pair in stripped.split(";") if pair.strip()]
    assert kept == [pair for pair in others if pair != "stay ="]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"name": "a b"}, "cookie='a b'; write a name"),
        ({"name": ""}, "cookie=''; write a name"),
        ({"name": "__Host-stay"}, r"cookie='__Host-stay'; add secure=True"),
        ({"name": "stay", "secure": "no"}, "secure='no'; write True or False"),
        ({"name": "stay", "same_site": "None"}, "same_site='None'; add secure=True"),
        ({"name": "stay", "same_site": "lax"}, "same_site='lax'; write 'Lax'"),
        ({"name": "stay", "max_age": 0}, "max_age=0; pass a number of seconds"),
    ],
    ids=str,
)
def test_a_cookie_that_browsers_do_not_take_is_refused(options: dict[str, str], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^AffinityCookie\(\): {problem}"):
        AffinityCookie(**options)  # type: ignore[arg-type]  # the mistake
