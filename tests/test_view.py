"""Chains that end in a web.View: still a View for other libraries, and not a line of it runs before the links."""

import inspect
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractView
from aiohttp.test_utils import make_mocked_request
from aiohttp.typedefs import Handler

from aiohttp_route_middleware import RegistrationError, UrlDispatcherEx, chain, links_of

from .conftest import Ask


class Post(web.View):
    """A post."""

    colour = "red"

    async def get(self) -> web.Response:
        return web.Response(text=f"got by {type(self).__name__}")


async def refuse(request: web.Request) -> web.Response:
    return web.Response(status=401)


async def pass_on(request: web.Request) -> None:
    return None


async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


def test_the_composed_class_is_a_view_and_a_subclass_of_the_original() -> None:
    composed = chain(pass_on, around, Post)
    assert issubclass(composed, Post)
    assert issubclass(composed, web.View)
    assert composed is not Post
    assert composed.colour == "red"
    assert links_of(composed) == (pass_on, around, Post)


def test_the_composed_class_bears_the_originals_identity() -> None:
    composed = chain(pass_on, Post)
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        assert getattr(composed, name) == getattr(Post, name)
    assert vars(composed)["__wrapped__"] is Post
    assert inspect.getsource(composed) == inspect.getsource(Post)
    assert inspect.getsourcefile(composed) == inspect.getsourcefile(Post)
    assert inspect.findsource(composed) == inspect.findsource(Post)


async def test_the_original_answers_after_the_links(ask: Ask) -> None:
    assert await (await ask(chain(pass_on, around, Post))).text() == "got by Post"
    assert await (await ask(chain(around, Post))).text() == "got by Post"


async def test_nothing_of_the_original_runs_before_the_links_have_let_it(ask: Ask) -> None:
    made: list[str] = []

    class Counting(web.View):
        def __init__(self, request: web.Request) -> None:
            made.append(request.path)
            super().__init__(request)

        async def get(self) -> web.Response:
            return web.Response()

    assert (await ask(chain(refuse, Counting))).status == 401
    assert made == []
    assert (await ask(chain(pass_on, Counting))).status == 200
    assert made == ["/"]


async def test_a_method_that_the_view_lacks_is_405_with_its_own_methods(aiohttp_client: Any) -> None:
    app = web.Application()
    app.router.add_view("/", chain(pass_on, around, Post))
    client = await aiohttp_client(app)
    response = await client.delete("/")
    assert (response.status, response.headers["Allow"]) == (405, "GET")


async def test_a_view_with_a_constructor_and_request_of_its_own_works_behind_links(ask: Ask) -> None:
    class Own(web.View):
        def __new__(cls, request: web.Request) -> "Own":
            made = super().__new__(cls)
            made.path = request.path
            return made

        path: str

        @property
        def request(self) -> web.Request:
            return self.shown

        def __init__(self, request: web.Request) -> None:
            self.shown = request

        async def get(self) -> web.Response:
            return web.Response(text=self.path)

    assert await (await ask(chain(pass_on, Own))).text() == "/"


def test_the_subclass_hook_of_the_original_does_not_see_the_composed_class() -> None:
    seen: list[str] = []

    class Registered(web.View):
        def __init_subclass__(cls, *, key: str, **options: Any) -> None:
            seen.append(key)
            super().__init_subclass__(**options)

    class Mine(Registered, key="mine"):
        pass

    assert issubclass(chain(pass_on, Mine), Registered)
    assert seen == ["mine"]


def test_a_composed_class_cannot_be_derived_from_because_the_links_would_answer_for_the_original() -> None:
    composed: Any = chain(pass_on, Post)
    with pytest.raises(RegistrationError, match=r"Derived derives from a composed view; derive from the View itself"):
        type("Derived", (composed,), {})


def test_a_finished_view_is_joined_by_further_links() -> None:
    composed = chain(around, chain(pass_on, Post))
    assert links_of(composed) == (around, pass_on, Post)
    assert issubclass(composed, Post)


async def test_an_abstract_view_of_other_make_may_end_a_chain(ask: Ask) -> None:
    class Own(AbstractView):
        def __await__(self) -> Any:
            return self.answer().__await__()

        async def answer(self) -> web.Response:
            return web.Response(text=self.request.path)

    assert await (await ask(chain(pass_on, Own))).text() == "/"


async def test_a_view_is_awaited_with_the_request_it_was_made_for() -> None:
    composed = chain(pass_on, Post)
    request = make_mocked_request("GET", "/")
    assert (await composed(request)).status == 200
    assert composed(request).request is request


def test_add_view_and_the_wildcard_method_take_composed_views() -> None:
    router = UrlDispatcherEx()
    for route in (router.add_view("/a", pass_on, Post), router.add_route("*", "/b", pass_on, Post)):
        assert route.method == "*"
        assert isinstance(route.handler, type)
        assert issubclass(route.handler, Post)
