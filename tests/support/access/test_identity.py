"""Who is asking: one key for all authenticators; what verify() returns by mistake lets nobody in."""

from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from aiohttp import web

from aiohttp_route_middleware import chain, middlewares, provides, requires
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.access.identity import IDENTITY, Identity, read_identity

from ...conftest import Ask

ADA = Identity("ada", scopes=frozenset(["post:read"]), claims={"iss": "test"})


@pytest.mark.parametrize(
    ("found", "identity"),
    [
        pytest.param(None, None, id="None"),
        pytest.param(False, None, id="False"),
        pytest.param(True, Identity("given"), id="True"),
        pytest.param("ada", Identity("ada"), id="a subject"),
        pytest.param(ADA, ADA, id="an identity"),
    ],
)
def test_what_verify_returns_is_read(found: Any, identity: Any) -> None:
    assert read_identity("basic_auth()", found, "given") == identity


@pytest.mark.parametrize("found", ["", 0, 1, b"ada", [], ["ada"], {"sub": "ada"}, object, Identity], ids=repr)
def test_anything_else_lets_nobody_in_and_is_not_shown(found: Any) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_identity("basic_auth()", found, "given")
    assert str(refused.value) == (
        f"basic_auth(): verify() returned {type(found).__qualname__}; "
        "return an Identity, a subject as text, True, or None to refuse"
    )


def test_an_identity_may_do_nothing_and_claims_nothing_by_default() -> None:
    assert Identity("ada").scopes == frozenset()
    claims: Any = Identity("ada").claims
    assert dict(claims) == {}
    with pytest.raises(TypeError):
        claims["admin"] = True


def test_an_identity_cannot_be_changed_and_can_be_a_key() -> None:
    with pytest.raises(FrozenInstanceError):
        ADA.__setattr__("subject", "eve")
    assert {ADA: 1}[Identity("ada", frozenset(["post:read"]), {"iss": "test"})] == 1
    assert Identity("ada") != Identity("eve")


def test_scopes_as_one_text_are_refused_because_parts_of_a_scope_would_be_found_in_it() -> None:
    text: Any = "post:read-all"
    with pytest.raises(ConfigurationError, match=r"^Identity\(\): scopes is one text; write frozenset\(text.split"):
        Identity("ada", scopes=text)


async def test_it_is_handed_on_under_one_key(ask: Ask) -> None:
    @provides(IDENTITY)
    async def authenticate(request: web.Request) -> None:
        request[IDENTITY] = ADA

    @requires(IDENTITY)
    async def show(request: web.Request) -> web.Response:
        return web.Response(text=request[IDENTITY].subject)

    async with await ask(chain(authenticate, show)) as response:
        assert await response.text() == "ada"


def test_scopes_may_be_listed() -> None:
    assert Identity("ada", ["a", "b"]).scopes == frozenset({"a", "b"})  # type: ignore[arg-type]  # as many write it


def test_who_is_asking_is_imported_beside_setup() -> None:
    assert (middlewares.IDENTITY, middlewares.Identity) == (IDENTITY, Identity)
