"""Targets: their URLs, weights and names, and what is refused."""

import pytest
from yarl import URL

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.proxy.choice.targets import Target, read_targets


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("http://localhost:8001", "http://localhost:8001/"),
        ("https://example.com", "https://example.com/"),
        ("http://[::1]:8001/base", "http://[::1]:8001/base"),
        ("http://10.0.0.1/a%2Fb/", "http://10.0.0.1/a%2Fb/"),
        ("HTTP://Example.COM", "http://example.com/"),
        ("http://bücher.example", "http://xn--bcher-kva.example/"),
        ("http://my_service:80", "http://my_service/"),
        ("http://example.com.:8001", "http://example.com.:8001/"),  # which is looked up as it stands
    ],
)
def test_a_target_has_a_url_with_a_host_and_perhaps_a_path(url: str, read: str) -> None:
    assert str(Target(url).url) == str(Target(URL(url)).url) == read


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("localhost:8001", "not the URL of a server"),
        ("ftp://localhost", "not the URL of a server"),
        ("http:/localhost", "not the URL of a server"),
        (" http://localhost", "not the URL of a server"),
        ("http://local host", "not the URL of a server"),
        ("http://localhost\\evil", "not the URL of a server"),
        ("http://localhost\n", "not the URL of a server"),
        ("", "not the URL of a server"),
        (None, "not the URL of a server"),
        (b"http://localhost", "not the URL of a server"),
        ("http://localhost/?a=1", "query or a fragment"),
        ("http://localhost?", "query or a fragment"),
        ("http://localhost#a", "query or a fragment"),
        ("http://me:secret@localhost", "user information"),
        ("http://@localhost", "user information"),
        ("http:///path", "no host, or one that cannot be"),
        ("http://localhost:0", "no host, or one that cannot be"),
        ("http://a..b", "no host, or one that cannot be"),
        ("http://localhost:secret", "cannot be read"),
        ("http://localhost:99999", "cannot be read"),
        ("http://[::1", "cannot be read"),
    ],
)
def test_what_is_no_url_of_a_server_is_refused_and_not_shown(url: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^Target\(\): .*{problem}.*; ") as caught:
        Target(url)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(("scheme", "cure"), [("ws", "http://"), ("wss", "https://"), ("WSS", "https://")])
def test_who_writes_ws_is_told_to_write_http(scheme: str, cure: str) -> None:
    with pytest.raises(ConfigurationError, match=f'the scheme of its URL is "{scheme}"; write "{cure}"'):
        Target(f"{scheme}://localhost")


@pytest.mark.parametrize("weight", [0, -1, 1.5, True, "2"])
def test_a_weight_is_a_whole_number_above_nothing(weight: int) -> None:
    with pytest.raises(ConfigurationError, match=r"Target\(\): weight=.*; pass a number of shares, 1 or more"):
        Target("http://a", weight=weight)


@pytest.mark.parametrize("name", ["", "a b", "a;b", "ä", "a" * 65, 1])
def test_a_name_is_one_that_a_cookie_can_hold(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"Target\(\): name=.*; write one of up to 64 letters"):
        Target("http://a", name=name)


def test_targets_are_called_by_their_place_or_by_their_name() -> None:
    targets = read_targets("Upstream()", ["http://a", Target("http://b", name="beta"), URL("http://c")])
    assert [target.name for target in targets] == ["1", "beta", "3"]


def test_what_clients_may_see_of_a_target_does_not_tell_its_address() -> None:
    (one,) = read_targets("Upstream()", ["http://10.0.0.1:8001"])
    (other,) = read_targets("Upstream()", ["http://10.0.0.2:8001"])
    assert one.name == other.name  # so nothing of the address is in it, not even its hash


def test_a_target_shows_its_url() -> None:
    assert repr(Target("http://a:8001")) == "Target('http://a:8001/')"


def test_an_upstream_without_targets_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"Upstream\(\): there are no targets; name one"):
        read_targets("Upstream()", [])


@pytest.mark.parametrize("twice", ["http://a:80/", "http://A"])
def test_a_target_that_is_there_twice_is_refused(twice: str) -> None:
    with pytest.raises(ConfigurationError, match="is there twice; give it more weight"):
        read_targets("Upstream()", ["http://a", twice])


@pytest.mark.parametrize("names", [("a", "a"), ("2", None)])
def test_two_targets_of_one_name_are_refused(names: "tuple[str | None, ...]") -> None:
    with pytest.raises(ConfigurationError, match="has a name of another; give each a name of its own"):
        read_targets("Upstream()", [Target(f"http://{place}", name=name) for place, name in enumerate(names, 1)])


def test_a_target_belongs_to_one_upstream() -> None:
    target = Target("http://a")
    read_targets("Upstream()", [target])
    with pytest.raises(ConfigurationError, match="belongs to another upstream; make a target for each"):
        read_targets("Upstream()", [target])


def test_targets_of_a_refused_upstream_belong_to_none() -> None:
    target = Target("http://a")
    with pytest.raises(ConfigurationError):
        read_targets("Upstream()", [target, "http://a"])
    assert read_targets("Upstream()", [target]) == (target,)
