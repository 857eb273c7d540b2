"""chain(): order, answers, identity, and what is refused; over a real socket where a request is involved."""

import asyncio
import functools
import gc
import inspect
import sys
import weakref
from typing import Any, NamedTuple

import aiohttp
import pytest
import wrapt
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from aiohttp.typedefs import Handler
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import RegistrationError, chain, guard, links_of, middleware

from .conftest import Ask, Diary
from .steady_ids import steady

unchecked_chain: Any = chain  # for the mistakes that a type checker would not let pass


async def endpoint(request: web.Request) -> web.Response:
    """The endpoint's documentation."""
    return web.Response(text="done")


async def pass_on(request: web.Request) -> None:
    return None


async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


class Around:
    """A middleware as an object."""

    def __init__(self, name: str = "Around") -> None:
        self.name = name

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        response.headers["X-Around"] = self.name
        return response

    async def method(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await self(request, handler)

    @classmethod
    async def class_method(cls, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await cls("class")(request, handler)

    @staticmethod
    async def static_method(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await Around("static")(request, handler)


class Answers:
    """Guards and endpoints as an object."""

    async def method(self, request: web.Request) -> web.Response:
        return web.Response(text="method")

    async def __call__(self, request: web.Request) -> web.Response:
        return web.Response(text="object")


# ---- order and answers


async def test_links_run_in_order_as_a_b_h(ask: Ask, diary: Diary) -> None:
    a, b, c, d = diary.middleware("a"), diary.guard("b"), diary.middleware("c"), diary.plain_guard("d")
    response = await ask(chain(a, b, c, d, diary.endpoint()))
    assert (response.status, await response.text()) == (200, "done")
    assert diary.names == ["a", "b", "c", "d", "endpoint", "/c", "/a"]


@pytest.mark.parametrize("kind", ["guard", "plain_guard"])
async def test_the_first_response_of_a_guard_is_the_answer(ask: Ask, diary: Diary, kind: str) -> None:
    stop = getattr(diary, kind)("stop", web.Response(status=401, text="stop"))
    response = await ask(chain(diary.middleware("a"), stop, diary.guard("never"), diary.endpoint()))
    assert (response.status, await response.text()) == (401, "stop")
    assert diary.names == ["a", "stop", "/a"]


@pytest.mark.parametrize("kind", ["guard", "plain_guard"])
async def test_a_falsy_response_is_still_the_answer(ask: Ask, diary: Diary, kind: str) -> None:
    class Falsy(web.StreamResponse):
        def __bool__(self) -> bool:
            return False

    response = await ask(chain(getattr(diary, kind)("stop", Falsy(status=202)), diary.endpoint()))
    assert response.status == 202
    assert diary.names == ["stop"]


async def test_what_a_plain_guard_returns_is_awaited(ask: Ask, diary: Diary) -> None:
    passing, refusing = diary.guard("passing"), diary.guard("refusing", web.Response(status=403))
    response = await ask(chain(lambda request: passing(request), lambda request: refusing(request), diary.endpoint()))
    assert response.status == 403
    assert diary.names == ["passing", "refusing"]


async def test_a_middleware_may_answer_without_calling_the_rest(ask: Ask, diary: Diary) -> None:
    async def authenticate(request: web.Request, handler: Handler) -> web.Response:
        return web.Response(body="unauthenticated", status=401)

    response = await ask(chain(authenticate, diary.endpoint()))
    assert (response.status, await response.text()) == (401, "unauthenticated")
    assert diary.names == []


async def test_a_middleware_may_call_the_rest_again(ask: Ask, diary: Diary) -> None:
    tries: list[int] = []

    async def flaky(request: web.Request) -> web.Response:
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionResetError("the database went away")
        return web.Response(text=f"try {len(tries)}")

    async def retry(request: web.Request, handler: Handler) -> web.StreamResponse:
        for _ in range(2):
            try:
                return await handler(request)
            except ConnectionResetError:
                continue
        return await handler(request)

    response = await ask(chain(retry, diary.guard("each"), flaky))
    assert await response.text() == "try 3"
    assert diary.names == ["each"] * 3


async def test_a_middleware_may_catch_what_the_rest_raises(ask: Ask) -> None:
    async def failing(request: web.Request) -> web.Response:
        raise LookupError("no such post")

    async def catch(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except LookupError as error:
            return web.Response(status=404, text=str(error))

    response = await ask(chain(catch, around, pass_on, failing))
    assert (response.status, await response.text()) == (404, "no such post")


async def test_another_request_that_a_middleware_passes_on_flows_on(ask: Ask) -> None:
    seen: list[str] = []

    async def rename(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request.clone(rel_url="/renamed"))

    async def look(request: web.Request) -> None:
        seen.append(request.path)

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=request.path)

    class Answer(web.View):
        async def get(self) -> web.Response:
            return web.Response(text=self.request.path)

    for handler in (chain(look, rename, look, answer), chain(look, rename, look, Answer)):
        response = await ask(handler)
        assert await response.text() == "/renamed"
    assert seen == ["/", "/renamed"] * 2


async def test_the_other_responses_of_aiohttp_are_responses(ask: Ask) -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"streamed")
        return response

    class Own(web.Response):
        pass

    async def own(request: web.Request) -> web.Response:
        return Own(text="streamed")

    for handler in (stream, own):
        assert await (await ask(chain(pass_on, around, handler))).text() == "streamed"


# ---- HTTPException


@pytest.mark.parametrize("style", ["raised", "returned"])
@pytest.mark.parametrize("where", ["guard", "plain guard", "endpoint", "view"])
async def test_an_http_exception_is_seen_as_raised_by_every_link_around_it(ask: Ask, style: str, where: str) -> None:
    def refuse(request: web.Request) -> Any:
        if style == "raised":
            raise web.HTTPForbidden(text="refused")
        return web.HTTPForbidden(text="refused")

    async def refuse_async(request: web.Request) -> Any:
        return refuse(request)

    class Refusing(web.View):
        async def get(self) -> Any:
            return refuse(self.request)

    links: dict[str, list[Any]] = {
        "guard": [refuse_async, endpoint],
        "plain guard": [refuse, endpoint],
        "endpoint": [refuse_async],
        "view": [Refusing],
    }
    seen: list[int] = []

    async def look(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            seen.append(error.status)
            raise

    response = await ask(unchecked_chain(look, look, *links[where]))
    assert (response.status, await response.text()) == (403, "refused")
    assert seen == [403, 403]


async def test_an_http_exception_returned_by_a_middleware_leaves_the_chain_raised(ask: Ask) -> None:
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        return web.HTTPForbidden()

    # Returned, it would be a DeprecationWarning of aiohttp 3, an error in this suite, and a 500 of aiohttp 4.
    with pytest.raises(web.HTTPForbidden):
        await chain(around, refuse, endpoint)(make_mocked_request("GET", "/"))
    assert (await ask(chain(refuse, endpoint))).status == 403


# ---- wrong answers


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        pytest.param(True, "type bool", id="True"),
        pytest.param(False, "type bool", id="False"),
        pytest.param(endpoint, "was a factory registered without being called?", id="a factory"),
        pytest.param(web.HTTPForbidden, "returned the class HTTPForbidden", id="an exception class"),
        pytest.param(ValueError("secret"), "type ValueError instead of a response; raise it", id="an exception"),
        pytest.param({"sub": "me"}, "return a web.Response; a guard may return None", id="a dict"),
    ],
)
@pytest.mark.parametrize("kind", ["guard", "plain_guard"])
async def test_a_guard_that_returns_something_else_is_a_500_that_names_it(
    ask: Ask, diary: Diary, caplog: pytest.LogCaptureFixture, kind: str, answer: Any, advice: str
) -> None:
    response = await ask(chain(getattr(diary, kind)("wrong", answer), diary.endpoint()))
    assert response.status == 500
    assert diary.names == ["wrong"]
    assert f"GET / (Diary.{kind}.{kind} -> Diary.endpoint.endpoint): Diary.{kind}.{kind} (" in caplog.text
    assert "instead of a response" in caplog.text
    assert advice in caplog.text


@pytest.mark.parametrize("links", [[pass_on], [around], [Around()], [pass_on, around, pass_on]], ids=steady)
@pytest.mark.parametrize(
    ("answer", "advice"), [(None, "is a `return` missing? or is the endpoint missing?"), ("text", "type str")]
)
async def test_an_endpoint_that_returns_no_response_is_a_500_that_names_the_chain_and_it(
    ask: Ask, caplog: pytest.LogCaptureFixture, links: list[Any], answer: Any, advice: str
) -> None:
    async def forgetful(request: web.Request) -> Any:
        return answer

    response = await ask(chain(*links, forgetful))
    assert response.status == 500
    assert f"{__name__.rpartition('.')[2]}.py" in caplog.text
    assert ".forgetful): " in caplog.text
    assert ".forgetful (" in caplog.text
    assert advice in caplog.text


async def test_a_wrong_answer_is_logged_by_its_type_and_never_by_its_value(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    response = await ask(unchecked_chain(lambda request: "the secret", endpoint))
    assert response.status == 500
    assert "type str" in caplog.text
    assert "the secret" not in caplog.text
    assert "the secret" not in await response.text()


async def test_a_missing_await_is_advised(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    async def hasty(request: web.Request) -> Any:
        return asyncio.get_running_loop().create_future()

    response = await ask(chain(hasty, endpoint))
    assert response.status == 500
    assert "is an `await` missing?" in caplog.text


async def test_a_middleware_that_returns_nothing_is_a_500_that_names_the_chain(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    async def forgetful(request: web.Request, handler: Handler) -> None:
        await handler(request)

    response = await ask(unchecked_chain(forgetful, endpoint, checked=False))
    assert response.status == 500
    assert "forgetful -> endpoint): a middleware (`python -X dev` tells which) returned None" in caplog.text


async def test_a_wrong_answer_without_a_router_names_the_path() -> None:
    request = make_mocked_request("GET", "/path")
    request._match_info = None  # as before any router resolved it
    with pytest.raises(
        TypeError, match=r"^GET /path: .*<lambda> \(.*test_chain.py:\d+\) returned an object of type int"
    ):
        await unchecked_chain(lambda request: 1, endpoint)(request)


async def test_a_shared_exception_that_a_guard_returns_holds_on_to_no_request() -> None:
    denied = web.HTTPForbidden()

    async def look(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            return web.Response(status=error.status)

    handler = chain(look, lambda request: denied, endpoint)
    requests: list[weakref.ref[web.Request]] = []
    for _ in range(50):
        request = make_mocked_request("GET", "/")
        requests.append(weakref.ref(request))
        assert (await handler(request)).status == 403
        del request
    gc.collect()
    assert sum(request() is not None for request in requests) <= 2


async def test_a_forgotten_await_of_the_rest_is_warned_of_as_in_any_function() -> None:
    async def forgetful(request: web.Request, handler: Handler) -> web.Response:
        handler(request)
        return web.Response()

    with pytest.warns(RuntimeWarning, match="was never awaited"):
        await chain(forgetful, pass_on, endpoint)(make_mocked_request("GET", "/"))


async def test_code_that_runs_inside_a_run_may_import() -> None:
    """Compiled code imports through the globals of the frame that called it: ours must have builtins."""
    frames: list[Any] = []

    def look(request: web.Request) -> None:
        frames.append(sys._getframe(1))

    await chain(look, endpoint)(make_mocked_request("GET", "/"))
    assert frames[0].f_globals["__builtins__"]
    assert eval("__import__('datetime')", frames[0].f_globals)  # as PyImport_Import does


# ---- what no caller can replace


async def test_a_second_argument_replaces_no_guard_and_is_refused() -> None:
    handler: Any = chain(lambda request: web.Response(status=401), endpoint)
    request = make_mocked_request("GET", "/")
    for arguments, keywords in (((pass_on,), {}), ((), {"guard_1": pass_on}), ((), {"call": endpoint})):
        with pytest.raises(TypeError, match="argument"):
            await handler(request, *arguments, **keywords)


# ---- one handler


@pytest.mark.parametrize(
    "handler",
    [endpoint, Answers().method, Answers(), functools.partial(endpoint), lambda request: None, web.View],
    ids=["function", "method", "object", "partial", "lambda", "view"],
)
def test_a_chain_of_one_handler_is_that_handler(handler: Any) -> None:
    assert chain(handler) is handler
    assert unchecked_chain([handler], ()) is handler


def test_nested_lists_and_tuples_are_flattened() -> None:
    pipeline: list[Any] = [pass_on, (around, [pass_on])]
    composed = chain(pipeline, ((),), [[around]], endpoint)
    assert links_of(composed) == (pass_on, around, pass_on, around, endpoint)


async def test_a_callable_tuple_is_a_link_and_not_a_list_of_links(ask: Ask) -> None:
    class Not(NamedTuple):
        inner: Any

        async def __call__(self, request: web.Request) -> web.Response | None:
            return web.Response(status=403) if await self.inner(request) is None else None

    denies = Not(pass_on)
    assert links_of(chain([denies], endpoint)) == (denies, endpoint)
    assert (await ask(chain(denies, endpoint))).status == 403


def test_a_finished_chain_at_the_end_is_joined_and_keeps_its_attributes() -> None:
    inner: Any = chain(around, endpoint)
    inner.colour = "red"  # as decorators do
    composed: Any = chain(pass_on, inner)
    assert links_of(composed) == (pass_on, around, endpoint)
    assert composed.colour == "red"
    assert composed.__wrapped__ is endpoint
    assert links_of(inner) == (around, endpoint)


async def test_a_wrapper_around_a_finished_chain_is_not_taken_for_the_chain(ask: Ask) -> None:
    @functools.wraps(chain(pass_on, endpoint))
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=403)

    assert links_of(refuse) == (refuse,)
    assert links_of(chain(around, refuse)) == (around, refuse)
    assert (await ask(chain(around, refuse))).status == 403


def test_links_of_a_handler_that_is_no_chain_is_the_handler() -> None:
    assert links_of(endpoint) == (endpoint,)


def test_links_of_a_route_are_those_of_its_handler() -> None:
    route = web.UrlDispatcher().add_get("/", chain(pass_on, endpoint))
    assert links_of(route) == (pass_on, endpoint)


# ---- identity


def test_the_composed_handler_bears_the_endpoints_identity() -> None:
    async def handler(request: web.Request, size: int = 1) -> web.Response:
        """Documentation."""
        return web.Response()

    handler.schema = {"type": "object"}  # type: ignore[attr-defined]  # as decorators do
    composed: Any = chain(pass_on, around, handler)
    assert composed is not handler
    assert inspect.iscoroutinefunction(composed)
    partial: Any = chain(pass_on, functools.partial(handler, size=2))
    assert (partial.__module__, partial.__doc__) == (handler.__module__, handler.__doc__)
    for name in ("__name__", "__qualname__", "__module__", "__doc__", "__annotations__", "schema"):
        assert getattr(composed, name) == getattr(handler, name), name
    assert composed.__wrapped__ is handler
    assert inspect.signature(composed) == inspect.signature(handler)
    assert inspect.getsource(composed) == inspect.getsource(handler)


@pytest.mark.parametrize(
    ("last", "name"),
    [
        pytest.param(functools.partial(endpoint), "endpoint", id="partial"),
        pytest.param(Answers().method, "method", id="method"),
        pytest.param(Answers(), "Answers", id="object"),
    ],
)
def test_an_endpoint_without_a_name_of_its_own_gives_the_name_of_what_it_calls(last: Any, name: str) -> None:
    composed: Any = chain(pass_on, last)
    assert composed.__name__ == name


async def test_the_composed_handler_hashes_by_identity_and_stays_the_routes_object(
    aiohttp_client: AiohttpClient,
) -> None:
    class Unhashable:
        __hash__ = None  # type: ignore[assignment]  # aiohttp caches app-level chains on the handler's hash

        def __eq__(self, other: object) -> bool:
            return self is other

        async def __call__(self, request: web.Request) -> web.Response:
            return web.Response(text="unhashable")

    app = web.Application(middlewares=[web.middleware(closure("application"))])
    route = app.router.add_get("/", chain(pass_on, Unhashable()))
    assert hash(route.handler) == object.__hash__(route.handler)
    assert route.handler is route.handler
    client = await aiohttp_client(app)
    for _ in range(2):  # the second time from aiohttp's cache of composed app-level middlewares
        response = await client.get("/")
        assert (await response.text(), response.headers["X-Around"]) == ("unhashable", "application")


async def test_the_handler_that_a_middleware_gets_looks_like_the_endpoint_as_in_aiohttp(ask: Ask) -> None:
    seen: list[tuple[str, str]] = []

    async def look(request: web.Request, handler: Any) -> Any:
        seen.append((handler.__name__, handler.label))
        return await handler(request)

    async def labelled(request: web.Request) -> web.Response:
        return web.Response()

    labelled.label = "the label"  # type: ignore[attr-defined]  # as decorators do
    await ask(chain(look, pass_on, look, functools.partial(look), labelled))
    assert seen == [("labelled", "the label")] * 3


# ---- what is a link


def closure(name: str) -> Any:
    async def close_over(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await Around(name)(request, handler)

    return close_over


async def keyword_only(request: web.Request, *, handler: Handler) -> web.StreamResponse:
    return await Around("keyword only")(request, handler)


async def keyword_of_another_name(request: web.Request, *, rest: Handler) -> web.StreamResponse:
    return await Around("keyword rest")(request, rest)


@web.middleware
async def marked_by_aiohttp(*args: Any, **kwargs: Any) -> Any:
    return await Around("aiohttp's mark")(*args, **kwargs)


async def called_next(request: web.Request, next: Handler) -> web.StreamResponse:  # noqa: A002  # as in other frameworks
    return await Around("next")(request, next)


async def positional_only(request: web.Request, handler: Handler, /) -> web.StreamResponse:
    return await Around("positional only")(request, handler)


async def injected(request: web.Request, handler: Handler, name: str = "in", *, tail: str = "jected") -> Any:
    return await Around(name + tail)(request, handler)


async def configured(name: str, request: web.Request, handler: Handler) -> web.StreamResponse:
    return await Around(name)(request, handler)


@middleware
async def any_arguments(*args: Any) -> Any:
    return await Around("args")(*args)


@middleware
async def any_keywords(request: web.Request, **kwargs: Any) -> Any:
    return await Around("kwargs")(request, **kwargs)


@middleware
async def optional_handler(request: web.Request, handler: Any = None, name: str = "optional") -> Any:
    return await Around(name)(request, handler)


@middleware
async def optional_keyword(request: web.Request, *, handler: Any = None) -> Any:
    return await Around("optional keyword")(request, handler)


class MarkedCall:
    @middleware
    async def __call__(self, *args: Any) -> Any:
        return await Around("marked call")(*args)


async def with_rest(request: web.Request, handler: Handler, *args: Any, **kwargs: Any) -> Any:
    return await Around("with rest")(request, handler)


class CallsStatically:
    @staticmethod
    async def __call__(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await Around("static call")(request, handler)


MIDDLEWARES = [
    pytest.param(web.middleware(closure("marked")), "marked", id="marked with web.middleware"),
    pytest.param(closure("closure"), "closure", id="closure"),
    pytest.param(keyword_only, "keyword only", id="keyword only"),
    pytest.param(keyword_of_another_name, "keyword rest", id="keyword of another name"),
    pytest.param(called_next, "next", id="called next"),
    pytest.param(positional_only, "positional only", id="positional only"),
    pytest.param(injected, "injected", id="with further defaults"),
    pytest.param(functools.partial(injected, tail="to"), "into", id="partial with keyword"),
    pytest.param(functools.partial(configured, "partial"), "partial", id="partial with position"),
    pytest.param(functools.partial(functools.partial(any_arguments)), "args", id="partial of marked"),
    pytest.param(Around("object"), "object", id="object"),
    pytest.param(functools.partial(Around("partial object")), "partial object", id="partial of object"),
    pytest.param(Around("method").method, "method", id="bound method"),
    pytest.param(Around.class_method, "class", id="class method"),
    pytest.param(Around.static_method, "static", id="static method"),
    pytest.param(any_arguments, "args", id="marked *args"),
    pytest.param(any_keywords, "kwargs", id="marked **kwargs"),
    pytest.param(MarkedCall(), "marked call", id="object, *args, marked"),
    pytest.param(optional_handler, "optional", id="marked, handler optional"),
    pytest.param(optional_keyword, "optional keyword", id="marked, keyword optional"),
    pytest.param(with_rest, "with rest", id="two and *args"),
]
if aiohttp.__version__.startswith("3."):  # aiohttp 4 leaves no mark
    MIDDLEWARES.append(pytest.param(marked_by_aiohttp, "aiohttp's mark", id="*args, marked by aiohttp"))
if sys.version_info >= (3, 13):  # before, inspect takes the first parameter of a static `__call__` for `self`
    MIDDLEWARES.append(pytest.param(CallsStatically(), "static call", id="static __call__"))


@pytest.mark.parametrize("checked", [False, True], ids=["", "checked"])
@pytest.mark.parametrize(("link", "name"), MIDDLEWARES)
async def test_a_middleware_of_any_shape_runs(ask: Ask, link: Any, name: str, checked: bool) -> None:
    response = await ask(chain(link, pass_on, endpoint, checked=checked))
    assert (response.headers["X-Around"], await response.text()) == (name, "done")


@guard
async def any_guard(*args: Any) -> web.Response:
    return web.Response(text="args")


async def guard_with_defaults(request: web.Request, text: str = "defaults", **further: Any) -> web.Response:
    return web.Response(text=text)


@functools.wraps(around)
async def wrapper(request: web.Request) -> web.Response:
    return web.Response(text="the wrapper decides")


@pytest.mark.parametrize(
    ("link", "text"),
    [
        pytest.param(Answers().method, "method", id="bound method"),
        pytest.param(Answers(), "object", id="object"),
        pytest.param(any_guard, "args", id="marked *args"),
        pytest.param(guard_with_defaults, "defaults", id="defaults do not count"),
        pytest.param(functools.partial(guard_with_defaults, text="partial"), "partial", id="partial"),
        pytest.param(wrapper, "the wrapper decides", id="inspected itself, not what it wraps"),
    ],
)
async def test_a_guard_of_any_shape_runs(ask: Ask, link: Any, text: str) -> None:
    assert await (await ask(chain(link, endpoint))).text() == text


def test_a_proxy_of_a_middleware_is_called_and_not_passed_over() -> None:
    calls: list[str] = []

    @wrapt.decorator
    async def record(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        calls.append(wrapped.__name__)
        return await wrapped(*args, **kwargs)

    handler: Any = chain(record(around), endpoint)
    with pytest.raises(StopIteration):
        handler(make_mocked_request("GET", "/")).send(None)
    assert calls == ["around"]


# ---- refusals


async def generator(request: web.Request) -> Any:
    yield None


def plain_middleware(request: web.Request, handler: Handler) -> Any: ...


async def old_style(app: web.Application, handler: Handler) -> Any: ...


async def three(request: web.Request, handler: Handler, db: Any) -> Any: ...


async def two_and_keyword(request: web.Request, handler: Handler, *, db: Any) -> Any: ...


async def nothing() -> None: ...


def optional(times: int = 3) -> Any: ...


def keyword_factory(*, times: int) -> Any: ...


async def starred(*args: Any) -> None: ...


def double_starred(*args: Any, **kwargs: Any) -> Any: ...


@guard
async def guard_of_two(request: web.Request, handler: Handler) -> None: ...


def plain_generator(request: web.Request) -> Any:
    yield None


class Starred:
    async def method(self, *args: Any) -> None: ...


@middleware
async def marked_starred(*args: Any) -> None: ...


@middleware
async def marked_alone(request: web.Request) -> None: ...


class NoSignature:
    """Stands for extension types whose signature cannot be read."""

    __signature__ = "none"

    async def __call__(self, request: web.Request) -> None: ...


class Method:
    async def middleware(self, request: web.Request) -> None: ...

    async def endpoint(self, request: web.Request) -> web.Response: ...  # type: ignore[empty-body]  # never called


FINISHED = chain(pass_on, endpoint)
FINISHED_VIEW = chain(pass_on, web.View)
MARK_PARTIAL = middleware(functools.partial(plain_middleware))
MARK_THREE = middleware(functools.partial(three))


class Pass:
    """A guard as an object."""

    async def __call__(self, request: web.Request, status: int = 0) -> None: ...


partial_guard = functools.partial(guard(Pass()), status=5)

REFUSED = [
    pytest.param((), 0, "the chain is empty; pass an endpoint", id="empty"),
    pytest.param(([], ()), 0, "the chain is empty", id="empty lists"),
    pytest.param((None,), 1, "link 1 of 1, NoneType, is not callable", id="None alone"),
    pytest.param((7, endpoint), 1, "link 1 of 2, int, is not callable; pass a guard", id="not callable"),
    pytest.param((pass_on, "name"), 2, "link 2 of 2, str, is not callable", id="endpoint not callable"),
    pytest.param(
        (pass_on, lambda r: None), 2, "endpoint that is not async; write it as `async def`", id="plain endpoint"
    ),
    pytest.param((plain_middleware, endpoint), 1, "middleware that is not async; write it as", id="plain middleware"),
    pytest.param((MARK_PARTIAL, endpoint), 1, "middleware that is not async", id="plain middleware, marked"),
    pytest.param((web.View, endpoint), 1, "is a View, which can only end a chain; put it last", id="View first"),
    pytest.param((pass_on, [pass_on, web.View], endpoint), 3, "), is a View", id="View nested"),
    pytest.param((old_style, endpoint), 1, "old-style middleware factory (app, handler); write", id="old style"),
    pytest.param((around,), 1, "is a middleware, and nothing follows it; put an endpoint last", id="middleware alone"),
    pytest.param((pass_on, marked_starred), 2, "is a middleware, and nothing follows it", id="ends in a marked one"),
    pytest.param((pass_on, around), 2, "is a middleware, and nothing follows it", id="ends in a middleware"),
    pytest.param(
        (guard(Pass()),), 1, "is a guard, and nothing follows it; put an endpoint after it", id="guard alone"
    ),
    pytest.param((pass_on, guard(Pass())), 2, "is a guard, and nothing follows it", id="ends in a marked guard"),
    pytest.param((pass_on, partial_guard), 2, "is a guard, and nothing", id="ends in a partial of a marked guard"),
    pytest.param((Method.middleware, endpoint), 1, "is a method without its object; pass", id="unbound method"),
    pytest.param((Method.endpoint,), 1, "is a method without its object; pass", id="unbound endpoint"),
    pytest.param((Around, endpoint), 1, "is a class, not a link; pass an instance: Around(...)", id="class"),
    pytest.param((pass_on, Around), 2, "is a class, but not a web.View; end the chain", id="class last"),
    pytest.param((three, endpoint), 1, "3 required parameters (request, handler, db); a guard takes", id="three"),
    pytest.param((MARK_THREE, endpoint), 1, "but a middleware is called with (request, handler)", id="three, marked"),
    pytest.param((two_and_keyword, endpoint), 1, "3 required parameters (request, handler, db)", id="two, a keyword"),
    pytest.param((nothing, endpoint), 1, "takes no required parameter; a guard takes (request)", id="no parameter"),
    pytest.param((optional, endpoint), 1, "takes no required parameter; a guard takes", id="only optional ones"),
    pytest.param((keyword_factory, endpoint), 1, "1 required parameter (times); a guard takes", id="factory, keyword"),
    pytest.param((pass_on, nothing), 2, "takes no required parameter, but an endpoint is", id="endpoint without"),
    pytest.param((marked_alone, endpoint), 1, "marked as a middleware but takes no handler", id="marked, no handler"),
    pytest.param((starred, endpoint), 1, "takes *args, so it could be a guard or a middleware; mark", id="*args"),
    pytest.param((Starred().method, endpoint), 1, "takes *args", id="method with *args"),
    pytest.param((double_starred, endpoint), 1, "mark it with @middleware or @guard", id="*args, **kwargs"),
    pytest.param((guard_of_two, endpoint), 1, "takes 2 required parameters (request, handler)", id="guard of two"),
    pytest.param((pass_on, None), 2, "link 2 of 2, NoneType, is not callable", id="None last"),
    pytest.param((plain_generator, endpoint), 1, "is a generator function; return a response", id="plain generator"),
    pytest.param((generator, endpoint), 1, "is a generator function; return a response or None", id="generator guard"),
    pytest.param((pass_on, generator), 2, "is a generator function, so it never returns", id="generator endpoint"),
    pytest.param(
        (FINISHED, endpoint), 1, "is a finished chain, which always answers; put it last", id="finished chain"
    ),
    pytest.param((FINISHED_VIEW, endpoint), 1, "is a View, which can only end a chain", id="finished View"),
    pytest.param((NoSignature(), endpoint), 1, "has no signature to read; wrap it", id="no signature"),
]


@pytest.mark.parametrize(("links", "position", "message"), REFUSED)
def test_a_wrong_link_is_refused_with_its_position_and_the_cure(links: Any, position: int, message: str) -> None:
    with pytest.raises(RegistrationError) as caught:
        chain(*links)
    error = caught.value
    assert message in str(error)
    assert error.position == position
    assert error.cure
    assert str(error).endswith(error.cure)
    assert error.route == ""
    assert str(error).startswith(f"link {position} of " if position else "the chain is empty")


def test_a_finished_chain_before_the_end_is_named_by_its_endpoint() -> None:
    line = endpoint.__code__.co_firstlineno
    with pytest.raises(RegistrationError, match=rf"link 1 of 2, endpoint \(.*test_chain.py:{line}\), is a finished"):
        unchecked_chain(FINISHED, endpoint)


def test_the_link_that_a_factory_of_the_same_name_made_is_named_once() -> None:
    def authorise(scopes: list[str]) -> Any:
        def authorise(request: web.Request, handler: Handler) -> Any: ...

        return authorise

    with pytest.raises(RegistrationError, match=r"link 1 of 2, test_the_link_\w+\.authorise \("):
        chain(authorise(["post:read"]), endpoint)


def test_a_refusal_names_the_link_with_file_and_line_and_its_cause() -> None:
    line = around.__code__.co_firstlineno
    with pytest.raises(RegistrationError, match=rf"around \(.*test_chain\.py:{line}\), is a middleware") as caught:
        unchecked_chain(pass_on, around)
    assert caught.value.link is around
    assert str(caught.value.__cause__) == "is a middleware, and nothing follows it"


@pytest.mark.parametrize("mark", [middleware, guard])
def test_what_cannot_be_marked_is_refused_with_the_cure(mark: Any) -> None:
    with pytest.raises(RegistrationError, match=r"Around.method \(.*\) cannot be marked; mark the function itself"):
        mark(Around().method)


def test_a_coroutine_object_is_refused_with_the_advice_not_to_call() -> None:
    coroutine = pass_on(make_mocked_request("GET", "/"))
    with pytest.raises(RegistrationError, match="is an awaitable, not a function; pass the function itself"):
        unchecked_chain(coroutine, endpoint)
    coroutine.close()


def test_an_endpoint_without_readable_signature_is_taken_at_its_word() -> None:
    assert links_of(unchecked_chain(pass_on, NoSignature()))[0] is pass_on
