"""What a response tells of limits, and which limits a function of the application chooses."""

from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.rate_limits.fields import POLICY, RATE_LIMIT, Reading
from aiohttp_route_middleware.support.rate_limits.policies import Policies, choose_policies, read_policies
from aiohttp_route_middleware.support.responses import apply_registered, open_register


def read(limits: Any, bucket: str = "") -> Policies:
    return read_policies("name()", limits, bucket=bucket, prefix="arm:", longest=10**9)


@pytest.mark.parametrize(
    ("limits", "bucket", "written"),
    [
        pytest.param("5/hour", "", '"5/hour";q=5;w=3600', id="one"),
        pytest.param("1/second;5/hour", "", '"1/second";q=1;w=1, "5/hour";q=5;w=3600', id="several"),
        pytest.param("5/hour", "api", '"api:5/hour";q=5;w=3600', id="with a name"),
    ],
)
def test_policies_are_written_once(limits: str, bucket: str, written: str) -> None:
    assert read(limits, bucket).written == written


@pytest.mark.parametrize(
    ("links", "names"),
    [
        pytest.param("ab", ['"5/hour (2)"', '"5/hour"'], id="two links"),
        pytest.param("aa", ['"5/hour"'], id="one link, twice"),
        pytest.param("aba", ['"5/hour"', '"5/hour (2)"'], id="one link again inside of another"),
    ],
)
async def test_each_link_tells_under_a_name_of_its_own(links: str, names: list[str]) -> None:
    request, response, policies = make_mocked_request("GET", "/"), web.Response(), read("5/hour")
    open_register(request)
    for link in links:
        policies.tell(request, link, "rate_limit(5/hour)", [Reading(4, 0.0)])
    await apply_registered(request, response)
    assert response.headers[POLICY] == ", ".join(f"{name};q=5;w=3600" for name in names)
    assert response.headers[RATE_LIMIT] == ", ".join(f"{name};r=4;t=0" for name in names)


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize(
    ("chosen", "texts"),
    [("5/hour", ["5/hour"]), (["1/second", "5/hour"], ["1/second", "5/hour"]), (None, None)],
    ids=["text", "list", "none"],
)
async def test_a_function_chooses_limits_or_none(chosen: Any, texts: list[str] | None, is_async: bool) -> None:
    async def choose(request: web.Request) -> Any:
        return chosen

    ask = choose_policies(choose if is_async else lambda _: chosen, read)
    policies = await ask(cast(web.Request, None))
    assert (None if policies is None else [limit.text for limit in policies.limits]) == texts


async def test_what_a_function_chooses_wrongly_is_refused() -> None:
    ask = choose_policies(lambda _: "often", read)
    with pytest.raises(ConfigurationError, match=r"^name\(\): limits='often'; "):
        await ask(cast(web.Request, None))
