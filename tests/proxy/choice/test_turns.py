"""Turns: a target is chosen, counted, judged and freed; nothing is ever lost."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.proxy.choice.affinity import AffinityCookie
from aiohttp_route_middleware.proxy.choice.health import Ejection
from aiohttp_route_middleware.proxy.choice.targets import Target
from aiohttp_route_middleware.proxy.choice.turns import Outcome, Targets, Turn

from ...clock import Clock
from ..incoming import ask

INCOMING = ask()


class House:
    """The targets of an upstream, and their clock."""

    def __init__(self, count: int, *, affinity: "AffinityCookie | None" = None, **options: float) -> None:
        self.clock = Clock()
        urls = [f"http://{chr(97 + place)}" for place in range(count)]
        ejection = Ejection(failures=2, **options)  # type: ignore[arg-type]  # none of these is a count
        self.targets = Targets(urls, ejection=ejection, affinity=affinity, clock=self.clock)

    def take(self, *besides: Target) -> Turn:
        turn = self.targets.take(INCOMING, besides=besides)
        assert turn
        return turn

    def end(self, outcome: Outcome, times: int = 1) -> None:
        for _ in range(times):
            self.take().end(outcome)

    def is_empty(self) -> bool:
        return self.targets.take(INCOMING) is None


def test_a_turn_is_counted_while_it_is_under_way() -> None:
    house = House(1)
    first, second = house.take(), house.take()
    assert first.target.in_flight == 2
    first.end("success")
    second.end()
    assert first.target.in_flight == 0


def test_a_turn_ends_once_and_by_what_it_was_told_first() -> None:
    house = House(1, share=1)
    turn = house.take()
    for outcome in ("success", "failure", "failure", "abandoned"):
        turn.end(outcome)
    turn.answered(200, 1)
    assert turn.target.in_flight == 0
    assert not house.is_empty()


def test_targets_come_in_turn_by_default() -> None:
    house = House(3)
    assert [house.take().target.name for _ in range(4)] == ["1", "2", "3", "1"]


def test_with_no_target_that_may_be_asked_there_is_no_turn() -> None:
    house = House(1, share=1)
    house.end("failure", 2)
    assert house.is_empty()


def test_the_only_target_is_asked_however_bad_it_is() -> None:
    house = House(1)
    house.end("failure", 9)
    assert not house.is_empty()


def test_one_that_is_out_is_not_chosen() -> None:
    house = House(2)
    one, _ = house.targets
    for _ in range(4):
        turn = house.take()
        turn.end("failure" if turn.target is one else "success")
    assert {house.take().target for _ in range(4)} == {*house.targets} - {one}


def test_half_open_one_turn_at_a_time_gets_through_until_it_is_over() -> None:
    house = House(1, share=1)
    house.end("failure", 2)
    house.clock.now += 10
    probe = house.take()
    assert house.is_empty()
    probe.end()
    probe = house.take()
    assert house.is_empty()
    probe.end("failure")
    assert house.is_empty()
    house.clock.now += 20
    house.end("success")
    assert [house.take(), house.take()]


def test_a_half_open_target_is_back_when_its_answer_begins() -> None:
    house = House(1, share=1)
    house.end("failure", 2)
    house.clock.now += 10
    probe = house.take()
    probe.answered(101, 0.1)  # a WebSocket, which lasts
    house.take()
    probe.end("failure")  # what comes after that is no matter of the probe
    house.end("failure")
    assert not house.is_empty()


def test_a_half_open_target_stays_out_when_its_answer_is_slow() -> None:
    house = House(1, share=1, slow=1)
    house.end("failure", 2)
    house.clock.now += 10
    probe = house.take()
    probe.answered(200, 1.5)
    house.clock.now += 19
    probe.end("success")
    assert house.is_empty()
    house.clock.now += 1
    assert not house.is_empty()


@pytest.mark.parametrize("outcome", ["success", "failure", "abandoned"])
def test_a_slow_answer_is_one_failure_whatever_comes_of_it(outcome: Outcome) -> None:
    house = House(1, share=1, slow=1)
    for _ in range(2):
        assert not house.is_empty()
        turn = house.take()
        turn.answered(200, 1.5)
        turn.end(outcome)
    assert house.is_empty()


def test_an_answer_that_is_broken_off_is_a_failure_in_the_row_before_it() -> None:
    house = House(1, share=1)
    for _ in range(2):
        turn = house.take()
        turn.answered(200, 0.1)
        turn.end("failure")
    assert house.is_empty()


@pytest.mark.parametrize("outcome", ["success", "abandoned"])
def test_an_answer_that_has_begun_ends_the_row(outcome: Outcome) -> None:
    house = House(1, share=1)
    house.end("failure")
    turn = house.take()
    turn.answered(200, 0.1)
    turn.answered(200, 0.1)
    house.end("failure")
    turn.end(outcome)  # which was known already
    house.end("failure")
    assert house.is_empty()


def test_a_target_that_was_tried_is_chosen_only_if_there_is_no_other() -> None:
    house = House(2)
    one, other = house.targets
    assert {house.take(one).target for _ in range(4)} == {other}
    assert {house.take(one, other).target for _ in range(4)} == {one, other}
    house.targets.note_check(other, False)
    assert house.take(one).target is one


def test_the_only_target_is_tried_again() -> None:
    house = House(1)
    (one,) = house.targets
    assert house.take(one).target is one


def test_an_answer_begins_once() -> None:
    house = House(1, share=1, slow=1)
    for _ in range(2):
        turn = house.take()
        turn.answered(200, 1.5)
        turn.answered(200, 0.1)
        turn.end("success")
    assert house.is_empty()


def test_what_active_checks_say_counts() -> None:
    house = House(2)
    one, other = house.targets
    house.targets.note_check(one, False)
    assert {house.take().target for _ in range(3)} == {other}
    house.targets.note_check(other, False)
    assert house.is_empty()
    house.targets.note_check(one, True)
    assert {house.take().target for _ in range(3)} == {one}


def test_a_client_stays_with_its_target_while_that_may_be_asked() -> None:
    house = House(3, affinity=AffinityCookie("stay"))
    one, two, _ = house.targets
    incoming = ask(Cookie="stay=2")

    def take(*besides: Target) -> Target:
        turn = house.targets.take(incoming, besides=besides)
        assert turn
        return turn.target

    assert {take() for _ in range(6)} == {two}
    assert two not in {take(two) for _ in range(6)}  # it was tried, and has failed
    house.targets.note_check(two, False)
    assert one in {take() for _ in range(6)}
    assert two not in {take() for _ in range(6)}


def test_who_knows_no_target_is_balanced() -> None:
    house = House(2, affinity=AffinityCookie("stay"))
    assert len({house.take().target for _ in range(2)}) == 2


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"Upstream\(\): ejection is int; write Ejection"):
        Targets(["http://a"], ejection=5)  # type: ignore[arg-type]  # the mistake
    with pytest.raises(ConfigurationError, match=r"Upstream\(\): affinity is str; write AffinityCookie"):
        Targets(["http://a"], affinity="stay")  # type: ignore[arg-type]  # the mistake
    with pytest.raises(ConfigurationError, match=r"Shop\(\): there are no targets"):
        Targets([], battery="Shop()")


class Life(RuleBasedStateMachine):
    """Turns that begin, are answered and end in any order, while time passes and checks come in."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        ejection = Ejection(failures=2, period=4, longest=16, slow=1, share=0.7)
        balance = "least_connections"
        self.targets = Targets([f"http://{n}" for n in "abc"], balance=balance, ejection=ejection, clock=self.clock)
        self.turns: list[Turn] = []
        self.probes: dict[Target, Turn] = {}

    @rule(besides=st.sets(st.integers(0, 2)))
    def take(self, besides: set[int]) -> None:
        tried = [target for place, target in enumerate(self.targets) if place in besides]
        is_open = {target: target.health.is_open(self.clock()) for target in self.targets}
        is_out = {target: target.health.out_until is not None for target in self.targets}
        turn = self.targets.take(INCOMING, besides=tried)
        if turn is None:
            assert not any(is_open.values())
            return
        assert is_open[turn.target]
        assert turn.target not in tried or not any(is_open[one] for one in self.targets if one not in tried)
        if is_out[turn.target]:
            assert turn.target not in self.probes
            self.probes[turn.target] = turn
        self.turns.append(turn)

    @precondition(lambda self: self.turns)
    @rule(data=st.data(), seconds=st.sampled_from([0.5, 1.5]))
    def answer(self, data: st.DataObject, seconds: float) -> None:
        turn = data.draw(st.sampled_from(self.turns))
        turn.answered(200, seconds)
        self.forget_probe(turn)

    @precondition(lambda self: self.turns)
    @rule(data=st.data(), outcome=st.sampled_from(["success", "failure", "abandoned"]), times=st.integers(1, 2))
    def end(self, data: st.DataObject, outcome: Outcome, times: int) -> None:
        turn = data.draw(st.sampled_from(self.turns))
        for _ in range(times):
            turn.end(outcome)
        self.turns.remove(turn)
        self.forget_probe(turn)

    def forget_probe(self, turn: Turn) -> None:
        if self.probes.get(turn.target) is turn:
            del self.probes[turn.target]

    @rule(seconds=st.integers(1, 20))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds

    @rule(place=st.integers(0, 2), is_answering=st.booleans())
    def check(self, place: int, is_answering: bool) -> None:
        self.targets.note_check([*self.targets][place], is_answering)

    @invariant()
    def what_is_under_way_is_counted(self) -> None:
        for target in self.targets:
            assert target.in_flight == sum(turn.target is target for turn in self.turns)

    @invariant()
    def a_place_is_held_by_a_probe_and_by_nothing_else(self) -> None:
        for target in self.targets:
            assert target.health.is_tried is (target in self.probes)

    @invariant()
    def at_most_two_of_three_are_ejected(self) -> None:
        assert sum(target.health.out_until is not None for target in self.targets) <= 2

    def teardown(self) -> None:
        for turn in self.turns:
            turn.end()
        for target in self.targets:
            assert (target.in_flight, target.health.is_tried) == (0, False)
            self.targets.note_check(target, True)
        self.clock.now += 16
        assert all(target.health.is_open(self.clock()) for target in self.targets)


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestLife = Life.TestCase
