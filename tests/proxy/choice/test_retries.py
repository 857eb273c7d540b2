"""Retries: when a request may be sent again, and who pays for it."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.proxy.choice.retries import IDEMPOTENT_METHODS, FailedAttempt, Retries, RetryBudget

from ...clock import Clock

FLAGS = (False, True)


def fail(
    method: str = "GET",
    *,
    was_sent: bool = True,
    is_body_consumed: bool = False,
    status: "int | None" = None,
    has_key: bool = False,
) -> FailedAttempt:
    return FailedAttempt(method, was_sent, is_body_consumed, status, has_key)


# ---- what is safe


def test_the_methods_that_may_be_repeated_are_those_of_rfc_9110() -> None:
    assert {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"} == IDEMPOTENT_METHODS


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"])
def test_an_idempotent_request_is_sent_again(method: str) -> None:
    assert Retries().is_safe(fail(method))


@pytest.mark.parametrize("method", ["POST", "PATCH", "CONNECT", "get", "LOCK"])
def test_another_is_not_once_a_target_may_have_seen_it(method: str) -> None:
    assert not Retries().is_safe(fail(method))


@pytest.mark.parametrize("method", ["POST", "PATCH", "GET"])
def test_one_that_was_never_sent_may_be_by_any_method(method: str) -> None:
    assert Retries().is_safe(fail(method, was_sent=False))


@pytest.mark.parametrize(("method", "was_sent", "status"), [*itertools.product(("GET", "POST"), FLAGS, (None, 503))])
def test_nothing_is_sent_again_whose_body_was_taken(method: str, was_sent: bool, status: "int | None") -> None:
    retries = Retries(statuses={503}, methods=["GET", "POST"], idempotency_key=True)
    failed = FailedAttempt(method, was_sent, is_body_consumed=True, status=status, has_key=True)
    assert not retries.is_safe(failed)
    assert not retries.allow(1, failed)
    assert (retries.budget.granted, retries.budget.refused) == (0, 0)


@pytest.mark.parametrize(
    ("statuses", "method", "status", "is_safe"),
    [
        ((), "GET", 503, False),
        ({502, 503}, "GET", 503, True),
        ({502, 503}, "GET", 504, False),
        ({503}, "POST", 503, False),
        ({503}, "GET", 200, False),
    ],
)
def test_an_answer_counts_as_failed_by_its_status(
    statuses: "tuple[int, ...]", method: str, status: int, is_safe: bool
) -> None:
    for was_sent in FLAGS:  # what was answered was sent
        assert Retries(statuses=statuses).is_safe(fail(method, status=status, was_sent=was_sent)) is is_safe


@pytest.mark.parametrize(("idempotency_key", "has_key"), [*itertools.product(FLAGS, FLAGS)])
def test_a_request_with_an_idempotency_key_is_sent_again_if_that_is_asked_for(
    idempotency_key: bool, has_key: bool
) -> None:
    retries = Retries(idempotency_key=idempotency_key)
    assert retries.is_safe(fail("POST", has_key=has_key)) is (idempotency_key and has_key)


def test_the_methods_may_be_others() -> None:
    retries = Retries(methods=["GET", "REPORT"])
    assert [retries.is_safe(fail(method)) for method in ("GET", "REPORT", "PUT")] == [True, True, False]


@pytest.mark.parametrize(("attempts", "made", "allowed"), [(2, 1, True), (2, 2, False), (3, 2, True), (3, 3, False)])
def test_only_so_many_attempts_are_made(attempts: int, made: int, allowed: bool) -> None:
    assert Retries(attempts=attempts).allow(made, fail()) is allowed


# ---- the budget


def test_the_budget_pays_only_for_what_the_rest_allows() -> None:
    retries = Retries(budget=RetryBudget(most=1, clock=Clock()))
    assert not retries.allow(2, fail())
    assert not retries.allow(1, fail("POST"))
    assert retries.allow(1, fail())
    assert not retries.allow(1, fail())
    assert (retries.budget.granted, retries.budget.refused) == (1, 1)


def test_a_share_of_the_requests_is_paid_for() -> None:
    retries = Retries(budget=RetryBudget(share=0.25, per_second=0, most=10, clock=Clock()))
    assert [retries.allow(1, fail()) for _ in range(11)] == [True] * 10 + [False]
    allowed = 0
    for _ in range(400):
        retries.note_request()
        allowed += retries.allow(1, fail())
    assert allowed == 100


def test_quiet_services_have_some_each_second() -> None:
    clock = Clock()
    budget = RetryBudget(share=0, per_second=2, most=10, clock=clock)
    assert [budget.take() for _ in range(11)] == [True] * 10 + [False]
    clock.now += 0.5
    assert [budget.take() for _ in range(2)] == [True, False]
    clock.now += 2
    assert [budget.take() for _ in range(5)] == [True] * 4 + [False]


def test_what_is_saved_up_has_a_bound() -> None:
    clock = Clock()
    budget = RetryBudget(most=3, clock=clock)
    for _ in range(1000):
        budget.note_request()
    clock.now += 1000
    assert [budget.take() for _ in range(4)] == [True] * 3 + [False]


@given(st.lists(st.one_of(st.sampled_from(["request", "retry"]), st.floats(0, 5)), max_size=60))
def test_there_are_never_more_retries_than_were_earned(events: "list[str | float]") -> None:
    clock = Clock(0)
    budget = RetryBudget(share=0.2, per_second=1, most=5, clock=clock)
    requests = 0
    for event in events:
        if event == "request":
            budget.note_request()
            requests += 1
        elif event == "retry":
            budget.take()
        else:
            clock.now += float(event)
        assert budget.granted <= 5 + 0.2 * requests + clock.now + 1e-6


def test_by_default_a_service_may_retry_from_the_first_request_on() -> None:
    assert Retries().allow(1, fail())


def test_several_upstreams_may_share_a_budget() -> None:
    budget = RetryBudget(share=0.1, per_second=1, most=1, clock=Clock())
    assert Retries(budget=budget).allow(1, fail())
    assert not Retries(budget=budget).allow(1, fail())


# ---- options


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"attempts": 1}, "attempts=1; pass a number of attempts, 2 to 10"),
        ({"attempts": 11}, "attempts=11; pass a number of attempts, 2 to 10"),
        ({"statuses": [200]}, r"statuses=\[200\]; list statuses from 400 to 599"),
        ({"methods": "GET"}, r"methods='GET'; pass a list: methods=\['GET'\]"),
        ({"methods": ["get"]}, "methods has 'get'; list methods"),
        ({"methods": ["A B"]}, "methods has 'A B'; list methods"),
        ({"methods": [1]}, "methods has 1; list methods"),
        ({"idempotency_key": "yes"}, "idempotency_key='yes'; write True or False"),
        ({"budget": 0.2}, "budget is no RetryBudget; write RetryBudget"),
    ],
    ids=str,
)
def test_wrong_options_are_refused(options: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^Retries\(\): {problem}"):
        Retries(**options)  # type: ignore[arg-type]  # the mistake


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"share": 1.5}, "share=1.5; pass a share, from 0 to 1"),
        ({"per_second": -1}, "per_second=-1; pass a number of seconds, 0 or more"),
        ({"most": 0}, "most=0; pass a number of retries, 1 or more"),
        ({"share": 0, "per_second": 0}, "it never grows; for no retries, write retries=False"),
    ],
    ids=str,
)
def test_a_wrong_budget_is_refused(options: dict[str, float], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^RetryBudget\(\): {problem}"):
        RetryBudget(**options)  # type: ignore[arg-type]  # the mistake
