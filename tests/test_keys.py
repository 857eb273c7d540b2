"""Request keys of this package are named as they are imported, and errors tell what sets them."""

from importlib import import_module
from typing import Any

import pytest
from aiohttp import web

from aiohttp_route_middleware import RegistrationError, chain, provides, requires
from aiohttp_route_middleware.keys import note_key, read_note
from aiohttp_route_middleware.middlewares import IDENTITY
from aiohttp_route_middleware.middlewares.authorise import authorise
from aiohttp_route_middleware.middlewares.bearer_auth import bearer_auth
from aiohttp_route_middleware.middlewares.client_address import CLIENT_ADDRESS, FORWARDED_HOST, FORWARDED_SCHEME
from aiohttp_route_middleware.middlewares.csrf_token import CSRF_TOKEN
from aiohttp_route_middleware.middlewares.secure_headers import CSP_NONCE, secure_headers
from aiohttp_route_middleware.middlewares.sessions import SESSION, session_key
from aiohttp_route_middleware.naming import name_key
from docs.write_batteries import list_batteries

USER = web.RequestKey("USER", str)


async def index(request: web.Request) -> web.Response:
    raise NotImplementedError


def list_keys() -> list[Any]:
    """Each request key that the file of a battery offers, by its name."""
    found: dict[str, Any] = {}
    for file in list_batteries():
        module = import_module(f"aiohttp_route_middleware.{file.parent.name}.{file.stem}")
        found |= {name: getattr(module, name) for name in module.__all__}
    return [pytest.param(key, id=name) for name, key in found.items() if isinstance(key, web.RequestKey)]


@pytest.mark.parametrize("key", list_keys())
def test_a_key_of_this_package_is_named_as_it_is_imported(key: Any) -> None:
    module, _, name = name_key(key).rpartition(".")
    assert ".support." not in module, "say where it is made: note_key(KEY, 'middlewares.battery.KEY', set_by=...)"
    assert getattr(import_module(module), name) is key


def test_a_session_of_another_name_is_named_with_what_gives_its_key() -> None:
    assert name_key(session_key("admin")) == 'aiohttp_route_middleware.middlewares.sessions.session_key("admin")'


def test_other_keys_are_named_with_the_module_in_which_they_were_made() -> None:
    assert name_key(USER) == f"{__name__}.USER"
    assert name_key("user") == "'user'"
    assert read_note(USER) is None
    assert read_note("user") is None


def test_a_noted_key_is_the_key_itself() -> None:
    key = web.RequestKey("key", str)
    assert note_key(key, "middlewares.key", set_by="key()") is key


@pytest.mark.parametrize(
    ("key", "advice"),
    [
        (IDENTITY, "put an authenticator, such as bearer_auth(), jwt_auth() or basic_auth()"),
        (SESSION, "put sessions()"),
        (session_key("admin"), 'put sessions(name="admin")'),
        (CSRF_TOKEN, "put csrf_token()"),
        (CSP_NONCE, "put secure_headers() with NONCE in its content_security_policy"),
        (CLIENT_ADDRESS, "put client_address()"),
        (FORWARDED_HOST, "put client_address()"),
        (FORWARDED_SCHEME, "put client_address()"),
    ],
    ids=lambda value: None if isinstance(value, str) else name_key(value).rpartition(".")[2],
)
def test_what_sets_a_key_is_advised_even_if_none_was_made(key: Any, advice: str) -> None:
    with pytest.raises(RegistrationError) as caught:
        chain(secure_headers(), requires(key)(lambda request: None), index)
    assert f"requires the request key {name_key(key)}, which nothing before it provides" in str(caught.value)
    assert advice in str(caught.value)
    assert str(caught.value).endswith(f"say given=[{name_key(key)}]")


def test_batteries_that_were_made_are_not_listed_besides_but_links_of_ones_own_are() -> None:
    made = bearer_auth(lambda token: None)

    @provides(IDENTITY)
    async def recognise(request: web.Request) -> None:
        raise NotImplementedError

    with pytest.raises(RegistrationError) as caught:
        chain(authorise(["note:read"]), index)
    assert f"before it; if a middleware of the application provides it, say given=[{name_key(IDENTITY)}]" in str(
        caught.value
    )
    assert " or basic_auth(), or " in str(caught.value)
    assert ".recognise (" in str(caught.value)
    assert "middlewares/bearer_auth.py" not in str(caught.value)
    assert made
