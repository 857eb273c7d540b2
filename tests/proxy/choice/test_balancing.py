"""Ways to balance a load: in turn, by what is under way, by lot, by a key."""

import functools
from collections import Counter
from random import Random

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.proxy.choice.balancing import (
    BALANCES,
    Balance,
    ConsistentHash,
    LeastConnections,
    RandomOfTwo,
    RoundRobin,
    read_balance,
)
from aiohttp_route_middleware.proxy.choice.targets import Target
from aiohttp_route_middleware.support.network.addresses import CLIENT_ADDRESS, parse_address

from ..incoming import ask

INCOMING = ask()


@functools.cache
def ask_as(tenant: int) -> web.Request:
    return ask(X_Tenant=str(tenant))


def make(*weights: int) -> list[Target]:
    return [Target(f"http://{chr(97 + place)}", weight=weight) for place, weight in enumerate(weights)]


def name(target: Target) -> str:
    return str(target.url.host)


def draw(balance: Balance, targets: list[Target], times: int) -> str:
    return "".join(name(balance.choose(targets, INCOMING)) for _ in range(times))


# ---- in turn


@pytest.mark.parametrize(
    ("weights", "turns"),
    [((1, 1), "abab"), ((1, 1, 1), "abcabc"), ((5, 1, 1), "aabacaa"), ((3, 1), "aabaaaba"), ((1, 2), "babbab")],
)
def test_targets_come_in_turn_smoothly_by_their_weights(weights: tuple[int, ...], turns: str) -> None:
    assert draw(RoundRobin(), make(*weights), len(turns)) == turns


@given(st.lists(st.integers(1, 9), min_size=2, max_size=6))
def test_in_one_round_each_target_has_as_many_turns_as_its_weight(weights: list[int]) -> None:
    targets, balance = make(*weights), RoundRobin()
    for _ in range(2):
        turns = Counter(balance.choose(targets, INCOMING) for _ in range(sum(weights)))
        assert [turns[target] for target in targets] == weights


def test_the_others_take_the_turns_of_one_that_is_out() -> None:
    targets, balance = make(1, 1, 1), RoundRobin()
    assert draw(balance, targets, 3) == "abc"
    assert draw(balance, targets[:2], 4) == "abab"
    assert Counter(draw(balance, targets, 6)) == {"a": 2, "b": 2, "c": 2}


# ---- by what is under way


@pytest.mark.parametrize(
    ("weights", "in_flight", "chosen"),
    [((1, 1, 1), (2, 1, 3), "b"), ((4, 1), (3, 1), "a"), ((2, 1), (3, 1), "b"), ((1, 1), (0, 1), "a")],
)
def test_whoever_has_least_under_way_for_its_weight_is_chosen(
    weights: tuple[int, ...], in_flight: tuple[int, ...], chosen: str
) -> None:
    targets = make(*weights)
    for target, count in zip(targets, in_flight):
        target.in_flight = count
    assert draw(LeastConnections(), targets, 2) == chosen * 2


def test_of_equals_each_has_its_turn_by_weight() -> None:
    assert draw(LeastConnections(), make(3, 1), 8) == "aabaaaba"


# ---- by lot


def test_of_two_drawn_by_lot_the_one_with_less_under_way_is_chosen() -> None:
    targets = make(1, 1)
    targets[0].in_flight = 1
    assert draw(RandomOfTwo(Random(1)), targets, 20) == "b" * 20


def test_whoever_has_most_under_way_is_never_chosen_by_lot() -> None:
    targets = make(1, 1, 1, 1)
    targets[2].in_flight = 5
    drawn = Counter(draw(RandomOfTwo(Random(1)), targets, 300))
    assert drawn["c"] == 0
    assert min(drawn[other] for other in "abd") > 50


def test_lots_are_drawn_by_weight() -> None:
    drawn = Counter(draw(RandomOfTwo(Random(1)), make(3, 1), 4000))
    assert 2800 < drawn["a"] < 3200


def test_lots_can_be_drawn_without_a_seed() -> None:
    assert draw(RandomOfTwo(), make(1, 1), 1) in "ab"


# ---- by a key


@pytest.fixture
def by_header() -> ConsistentHash:
    return ConsistentHash.by_header("X-Tenant")


def spread(balance: ConsistentHash, targets: list[Target], keys: int = 400) -> dict[int, Target]:
    return {key: balance.choose(targets, ask_as(key)) for key in range(keys)}


def test_the_same_key_leads_to_the_same_target_in_each_process_and_in_any_order(by_header: ConsistentHash) -> None:
    before = {key: name(target) for key, target in spread(by_header, make(1, 1, 1), 50).items()}
    again = ConsistentHash.by_header("x-tenant")
    assert {key: name(target) for key, target in spread(again, make(1, 1, 1)[::-1], 50).items()} == before
    assert "".join(before.values())[:12] == "bccabacbcbbb"


def test_when_a_target_goes_only_its_own_keys_move(by_header: ConsistentHash) -> None:
    targets = make(1, 1, 1, 1)
    before, after = spread(by_header, targets), spread(by_header, targets[:3])
    assert {before[key] for key in before if before[key] is not after[key]} == {targets[3]}
    assert {after[key] for key in before if before[key] is targets[3]} == {*targets[:3]}


def test_keys_are_shared_out_by_weight(by_header: ConsistentHash) -> None:
    targets = make(1, 2, 1)
    shares = Counter(spread(by_header, targets).values())
    for target in targets:
        assert abs(shares[target] - 100 * target.weight) < 40


def test_a_target_keeps_its_keys_by_its_name_when_its_address_changes(by_header: ConsistentHash) -> None:
    old = [Target("http://a", name="a"), Target("http://b", name="b")]
    new = [Target("http://c", name="a"), Target("http://d", name="b")]
    before, after = spread(by_header, old, 100), spread(by_header, new, 100)
    assert {key: target.name for key, target in before.items()} == {key: target.name for key, target in after.items()}


def test_who_sends_no_key_is_sent_in_turn(by_header: ConsistentHash) -> None:
    targets = make(1, 1)
    assert draw(by_header, targets, 4) == "abab"
    assert name(by_header.choose(targets, ask(X_Tenant=""))) == "a"


def test_the_key_may_be_a_cookie() -> None:
    targets = make(1, 1, 1)
    by_cookie, by_key = ConsistentHash.by_cookie("s"), ConsistentHash(lambda incoming: "value")
    assert by_cookie.choose(targets, ask(Cookie="t=1; s=value; s=2")) is by_key.choose(targets, ask())
    assert draw(by_cookie, targets, 3) == "abc"


def test_the_key_may_be_the_address_of_the_client() -> None:
    targets = make(1, 1, 1)
    incoming = ask()
    incoming[CLIENT_ADDRESS] = parse_address("192.0.2.7")
    by_key = ConsistentHash(lambda incoming: "192.0.2.7")
    assert ConsistentHash.by_address().choose(targets, incoming) is by_key.choose(targets, ask())
    incoming[CLIENT_ADDRESS] = None
    assert name(ConsistentHash.by_address().choose(targets, incoming)) == "a"


@given(st.text(st.characters()))
def test_any_text_can_be_a_key(key: str) -> None:
    targets = make(1, 1)
    assert ConsistentHash(lambda incoming: key).choose(targets, INCOMING) in targets


def test_what_is_over_its_bound_goes_to_the_next_of_its_key() -> None:
    targets = make(1, 1, 1)

    def read_key(incoming: web.Request) -> str:
        return "one"

    first = ConsistentHash(read_key).choose(targets, ask())
    bounded = ConsistentHash(read_key, most_load=1.5)
    for _ in range(30):
        bounded.choose(targets, ask()).in_flight += 1
    assert first.in_flight == 15
    assert sorted(target.in_flight for target in targets) == [0, 15, 15]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), min_size=2, max_size=6))
def test_some_target_is_always_below_its_bound(loads: list[tuple[int, int]]) -> None:
    targets = make(*[weight for _, weight in loads])
    for target, (in_flight, _) in zip(targets, loads):
        target.in_flight = in_flight
    assert ConsistentHash(lambda incoming: "key", most_load=1.01).choose(targets, INCOMING) in targets


@pytest.mark.parametrize(("returned", "told"), [(7, "7"), (0, "0"), (b"secret", "bytes")])
def test_a_key_that_is_no_text_is_told_without_its_value(returned: object, told: str) -> None:
    balance = ConsistentHash(lambda incoming: returned)  # type: ignore[arg-type,return-value]  # the mistake
    with pytest.raises(ConfigurationError, match=rf"ConsistentHash\(\): key\(\) returned {told}; return a text"):
        balance.choose(make(1, 1), make_mocked_request("GET", "/"))


@pytest.mark.parametrize("most_load", [1, 0.5, 101, True, "1.25", float("nan")])
def test_a_bound_that_is_none_is_refused(most_load: float) -> None:
    with pytest.raises(ConfigurationError, match=r"ConsistentHash\(\): most_load=.*; pass how many times its share"):
        ConsistentHash.by_address(most_load=most_load)


def test_a_key_that_is_no_function_or_has_no_name_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"key is .*; pass a function \(request\)"):
        ConsistentHash("X-Tenant")  # type: ignore[arg-type]  # the mistake
    with pytest.raises(ConfigurationError, match="name='X Tenant'; write a name, as in name='X-Tenant'"):
        ConsistentHash.by_header("X Tenant")
    with pytest.raises(ConfigurationError, match="name=''; write a name, as in name='session'"):
        ConsistentHash.by_cookie("")


# ---- by name


@pytest.mark.parametrize("balance", BALANCES)
def test_a_way_to_balance_is_made_anew_by_its_name(balance: str) -> None:
    made = read_balance("Upstream()", balance)
    assert type(made) is BALANCES[balance]
    assert made is not read_balance("Upstream()", balance)


def test_a_consistent_hash_is_taken_as_it_is(by_header: ConsistentHash) -> None:
    assert read_balance("Upstream()", by_header) is by_header


@pytest.mark.parametrize("balance", ["consistent_hash", ConsistentHash])
def test_a_consistent_hash_without_a_key_is_refused(balance: str) -> None:
    with pytest.raises(ConfigurationError, match=r"Upstream\(\): a consistent hash needs a key; write ConsistentHash"):
        read_balance("Upstream()", balance)


def test_a_way_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"balance='roundrobin'; write one of 'round_robin', 'least_.*; or"):
        read_balance("Upstream()", "roundrobin")
