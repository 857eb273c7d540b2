"""define() and load_links(): links by name, imported late and built once; whatever is wrong names its entry."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import RegistrationError, UrlDispatcherEx, chain, name_link, named, requires
from aiohttp_route_middleware.declarations import provided_by, required_by
from aiohttp_route_middleware.definitions import DefinedLink, define, load_links
from aiohttp_route_middleware.errors import ConfigurationError, MissingDependencyError
from aiohttp_route_middleware.inspection import list_routes
from aiohttp_route_middleware.middlewares.any_of import any_of
from aiohttp_route_middleware.middlewares.unless import unless
from aiohttp_route_middleware.naming import describe

from . import scopes
from .scopes import each_scope, path_in

LINKS = """
    import builtins
    import functools
    from aiohttp import web
    from aiohttp_route_middleware import chain, named, provides, requires
    from aiohttp_route_middleware.errors import ConfigurationError, MissingDependencyError
    from aiohttp_route_middleware.support.battery import guard_battery, middleware_battery

    USER = web.RequestKey("USER", str)
    built = []

    def authenticate(*, user="ada", place=""):
        built.append(user)

        @provides(USER)
        @named(f"authenticate({user}{place})")
        async def authenticate(request):
            request[USER] = user
        return authenticate

    def authorise(*users):
        @requires(USER)
        async def authorise(request):
            if users and request[USER] not in users:
                raise web.HTTPForbidden
        return authorise

    def mark(value="yes"):
        async def mark(request, handler):
            response = await handler(request)
            response.headers.add("X-Mark", value)
            return response
        return mark

    def mark_by_keyword(value="yes"):
        async def mark(request, *, handler):
            return await made(request, handler)
        made = mark_battery(value)
        return mark

    def mark_battery(value="yes"):
        @middleware_battery(f"mark_battery({value})")
        async def mark_battery(request, handler):
            response = await handler(request)
            response.headers.add("X-Mark", value)
            return response
        return mark_battery

    def guard():
        @guard_battery()
        async def guard(request, handler=None):
            if "refuse" in request.query:
                raise web.HTTPForbidden
            return await handler(request) if handler else None
        return guard

    class Empty(list):
        '''A link that is false, as a table of nothing is.'''
        async def __call__(self, request, handler):
            return await handler(request)

    class Mark:
        def __init__(self, value="yes"):
            self.value = value

        async def __call__(self, request, handler):
            response = await handler(request)
            response.headers.add("X-Mark", self.value)
            return response

    class Odd(Mark):
        def __getattr__(self, name):
            raise LookupError(name)

    class Exiting(Mark):
        def __getattr__(self, name):
            raise SystemExit

    class Interrupted(Mark):
        def __getattr__(self, name):
            raise KeyboardInterrupt

    def mark_by_a_bad_name():
        return named("")(mark())

    class Factories:
        mark = staticmethod(mark)

    async def index(request):
        return web.Response()

    def fail(*, error, secret="no\\nway"):
        if error == "MissingDependencyError":
            raise MissingDependencyError("jwt", "jwt")
        if error == "ConfigurationError":
            raise ConfigurationError("fail()", "limit=-1", cure="write a positive number")
        raise getattr(builtins, error)(secret)

    @functools.wraps(mark)
    def wrapped(*args, **options):
        return mark(*args, **options)

    async def make_later():
        return mark()

    def make_several():
        return [mark("a"), [mark("b")]]

    def make_one_in_a_list():
        return [mark("a")]

    def make_none():
        return []

    def make_nothing():
        return None

    def make_class():
        return Mark

    def make_chain():
        return chain(guard(), index)

    number = 7
"""


@pytest.fixture(autouse=True)
def _modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Modules to import, in a directory of their own; forgotten after the test."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    (tmp_path / "shop" / "links.py").write_text(dedent(LINKS))
    (tmp_path / "lacks.py").write_text(
        "from aiohttp_route_middleware.errors import MissingDependencyError\n"
        "raise MissingDependencyError('redis', 'redis')\n"
    )
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def shop() -> Any:
    return sys.modules["shop.links"]


def is_imported() -> bool:
    return "shop.links" in sys.modules


async def index(request: web.Request) -> web.Response:
    return web.Response(text="index")


def make_app(*links: Any, scope: str = "route") -> web.Application:
    return scopes.make_app(scope, links, {"GET /": index})


# ---- late, and once


def test_nothing_is_imported_before_a_chain_takes_it() -> None:
    link = define("shop.links:authenticate")
    assert not is_imported()
    chain(link, index)
    assert shop().built == ["ada"]


async def test_nothing_is_imported_before_an_application_starts_with_it(aiohttp_client: AiohttpClient) -> None:
    app = make_app(define("shop.links:mark"), scope="application")
    assert not is_imported()
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.headers.getall("X-Mark") == ["yes"]


async def test_it_is_built_once_for_all_its_places_and_requests(aiohttp_client: AiohttpClient) -> None:
    link = define("shop.links:authenticate", user="eve")
    app = web.Application(middlewares=[link])
    router = UrlDispatcherEx.install(app, link)
    router.add_get("/a", link, index)
    router.add_get("/b", index)
    client = await aiohttp_client(app)
    for path in ("/a", "/b", "/a"):
        async with client.get(path) as response:
            assert response.status == 200
    assert shop().built == ["eve"]


def test_two_of_the_same_name_are_two_links() -> None:
    chain(define("shop.links:authenticate", user="a"), define("shop.links:authenticate", user="b"), index)
    assert shop().built == ["a", "b"]


def test_options_may_be_called_as_the_parameters_of_define_are() -> None:
    link = define("shop.links:authenticate", place=" from here")
    chain(link, index)
    assert name_link(link) == "authenticate(ada from here)"


# ---- what it does


@each_scope
@pytest.mark.parametrize(
    "place",
    ["mark", "mark_by_keyword", "mark_battery", "Mark", "Factories.mark"],
)
async def test_it_runs_in_every_scope_as_the_link_itself_would(
    place: str, scope: str, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_app(define(f"shop.links:{place}", value="no"), scope=scope))
    async with client.get(path_in(scope, "/")) as response:
        assert await response.text() == "index"
        assert response.headers.getall("X-Mark") == ["no"]


@each_scope
async def test_a_guard_passes_on_or_refuses_in_every_scope(scope: str, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(define("shop.links:guard"), scope=scope))
    async with client.get(path_in(scope, "/")) as response:
        assert response.status == 200
    async with client.get(path_in(scope, "/?refuse")) as response:
        assert response.status == 403


@each_scope
async def test_a_link_that_is_false_is_a_link(scope: str, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(define("shop.links:Empty"), scope=scope))
    async with client.get(path_in(scope, "/")) as response:
        assert response.status == 200


async def test_it_can_stand_in_other_batteries(aiohttp_client: AiohttpClient) -> None:
    link = any_of(define("shop.links:guard"), unless(lambda request: True, define("shop.links:mark")))
    async with (await aiohttp_client(make_app(link))).get("/?refuse") as response:
        assert response.status == 200


async def test_a_battery_is_found_by_its_name_alone(aiohttp_client: AiohttpClient) -> None:
    from aiohttp_route_middleware.middlewares import setup

    app = make_app(define("x_frame_options", value="SAMEORIGIN"))
    setup(app)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.headers["X-Frame-Options"] == "SAMEORIGIN"


# ---- what it tells of the link


def test_it_is_named_as_the_link_is_in_errors_and_listings() -> None:
    link = define("shop.links:authenticate", user="eve")
    assert name_link(link) == "authenticate(eve)"
    assert "links.py:" in describe(link)
    app = make_app(link, define("shop.links:Mark"))
    (route,) = list_routes(app)
    assert [one.name for one in route.links] == ["authenticate(eve)", "Mark"]
    assert [Path(one.site.file).name for one in route.links if one.site] == ["links.py", "links.py"]
    assert {one.module for one in route.links} == {"shop.links"}


def test_it_provides_and_requires_what_the_link_does() -> None:
    authenticate, authorise = define("shop.links:authenticate"), define("shop.links:authorise")
    assert (provided_by(authenticate), required_by(authenticate)) == ((shop().USER,), ())
    assert (provided_by(authorise), required_by(authorise)) == ((), (shop().USER,))
    chain(authenticate, authorise, index)
    with pytest.raises(RegistrationError, match=r"authorise \(.*links.py:\d+\), requires the request key shop"):
        chain(authorise, authenticate, index)


def test_an_endpoint_that_requires_what_it_provides_can_stand_behind_it() -> None:
    link = define("shop.links:authenticate")

    @requires(*provided_by(link))
    async def page(request: web.Request) -> web.Response:
        raise NotImplementedError

    chain(link, page)


def test_it_gives_the_link_itself() -> None:
    link = define("shop.links:mark")
    assert link.link is link.link
    assert link.link.__name__ == "mark"
    assert link.__stands_for__ is link.link


def test_several_lists_are_told_apart_by_their_names() -> None:
    with pytest.raises(ConfigurationError, match=r"^pages\[1\] \(shop\.links:missing\): "):
        load_links(["shop.links:mark", "shop.links:missing"], name="pages")


def test_they_are_offered_beside_the_batteries_and_import_none() -> None:
    script = "import sys, aiohttp_route_middleware.middlewares as face; print(face.define.__name__, *sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    name, *modules = done.stdout.split()
    assert name == "define"
    assert [module for module in modules if module.startswith("aiohttp_route_middleware.middlewares.")] == []


async def test_a_policy_in_plain_data_may_have_a_nonce(aiohttp_client: AiohttpClient) -> None:
    from aiohttp_route_middleware.middlewares import setup

    policy = {"script-src": ["'nonce-{nonce}'"]}
    (link,) = load_links([{"use": "secure_headers", "options": {"content_security_policy": policy}}])
    app = make_app(link)
    setup(app)
    async with (await aiohttp_client(app)).get("/") as response:
        assert re.fullmatch(r"script-src 'nonce-\w{32}'", response.headers["Content-Security-Policy"])


def test_it_takes_no_other_name() -> None:
    with pytest.raises(RegistrationError, match="cannot be marked"):
        named("another")(define("shop.links:mark"))


def test_a_factory_may_make_a_list_of_one_link() -> None:
    assert name_link(define("shop.links:make_one_in_a_list")) == "mark"


# ---- what is wrong is said where it is taken, with the entry


WRONG: list[Any] = [
    pytest.param("shop.links:missing", {}, "shop.links has no missing; correct its name or its options", id="missing"),
    pytest.param("shop.links:mrak", {}, "shop.links has no mrak (did you mean mark?); correct", id="a typo"),
    pytest.param("shop.missing:mark", {}, "importing shop.missing failed: ModuleNotFoundError", id="no such module"),
    pytest.param("nothing", {}, "there is no battery 'nothing'; write one of '", id="no battery"),
    pytest.param("trusted_hosts", {}, "no battery 'trusted_hosts'; write 'trusted_host', or package", id="nearly one"),
    pytest.param("shop.links.mark", {}, "no battery 'shop.links.mark'; write 'shop.links:mark', or", id="no colon"),
    pytest.param("", {}, "there is no battery ''; write one of '", id="empty"),
    pytest.param(":mark", {}, "':mark' is not written as package.module:attribute", id="no module"),
    pytest.param("shop.links:number", {}, "int makes no links; name a plain function that", id="no factory"),
    pytest.param("shop.links:index", {}, ") makes no links; name a plain function that", id="the link itself"),
    pytest.param("shop.links:make_later", {}, ") makes no links; name a plain function that", id="an async factory"),
    pytest.param(
        "shop.links:mark",
        {"valeu": "no"},
        "got an unexpected option 'valeu'; it takes value; write 'value'",
        id="an option too many",
    ),
    pytest.param("shop.links:guard", {"value": 1}, "it takes no options; leave out 'value'", id="no options"),
    pytest.param(
        "shop.links:wrapped",
        {"size": 7},
        "option 'size'; it takes value; write one of 'value'",
        id="through a wrapper",
    ),
    pytest.param(
        "body_limit",
        {"max_size": 3},
        "got an unexpected option 'max_size'; it takes size; write 'size'",
        id="an option too many, in place of one that is missing",
    ),
    pytest.param(
        "aiohttp_route_middleware.adapters.from_asgi:from_asgi",
        {"midleware": 3},
        "'middleware'; it takes middleware, websockets, options; correct its",
        id="one that is missing, where any may be given",
    ),
    pytest.param("shop.links:fail", {}, "argument: 'error'; it takes error, ", id="one too few"),
    pytest.param("x_frame_options", {"value": "ALLOW"}, ": x_frame_options(): value='ALLOW'; ", id="a bad option"),
    pytest.param(
        "shop.links:fail", {"error": "ConfigurationError"}, ": fail(): limit=-1; write a positive number", id="refused"
    ),
    pytest.param("shop.links:fail", {"error": "AttributeError"}, ": it raised AttributeError at ", id="attribute"),
    pytest.param("shop.links:fail", {"error": "KeyError"}, ": it raised KeyError at ", id="key"),
    pytest.param("shop.links:fail", {"error": "OSError"}, ": it raised OSError at ", id="system"),
    pytest.param("shop.links:fail", {"error": "TypeError"}, ": it raised TypeError at ", id="type"),
    pytest.param("sys:exit", {}, ": it raised SystemExit at ", id="an end of the process"),
    pytest.param(
        "shop.links:Exiting", {}, "): reading what it made raised SystemExit at ", id="an end when it is read"
    ),
    pytest.param("builtins:type", {"wrong": 1}, ": it raised TypeError at ", id="not written in Python"),
    pytest.param("shop.links:make_several", {}, "it makes 2 links", id="several links"),
    pytest.param("shop.links:make_none", {}, "): there are no links; pass at least one", id="no links"),
    pytest.param("shop.links:make_nothing", {}, "): link 1 of 1, NoneType, is not callable; pass", id="nothing"),
    pytest.param(
        "shop.links:Odd", {}, "): reading what it made raised LookupError at ", id="nothing that can be read"
    ),
    pytest.param(
        "shop.links:mark_by_a_bad_name", {}, "named() got ''; pass a text on one line; correct", id="no name"
    ),
    pytest.param("shop.links:make_class", {}, "Mark", id="a class"),
    pytest.param("shop.links:make_chain", {}, "is a finished chain", id="a chain"),
    pytest.param("lacks:link", {}, "pip install 'aiohttp-route-middleware[redis]'", id="a library is missing"),
]


@pytest.mark.parametrize(("place", "options", "problem"), WRONG)
def test_a_chain_is_refused_at_registration(place: str, options: dict[str, Any], problem: str) -> None:
    link = define(place, **options)
    with pytest.raises(ConfigurationError) as refused:
        chain(link, index)
    assert str(refused.value).startswith(f"define({place!r}): ")
    assert problem in str(refused.value)


@pytest.mark.parametrize("scope", ["router", "group", "route"])
def test_every_place_that_takes_links_refuses_it(scope: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^define\('shop.links:missing'\): shop.links has no missing"):
        make_app(define("shop.links:missing"), scope=scope)


@pytest.mark.parametrize(("place", "options", "problem"), WRONG)
async def test_an_application_does_not_start(place: str, options: dict[str, Any], problem: str) -> None:
    runner = web.AppRunner(make_app(define(place, **options), scope="application"))
    with pytest.raises(ConfigurationError) as refused:
        await runner.setup()
    assert str(refused.value).startswith(f"define({place!r}): ")
    assert problem in str(refused.value)
    await runner.cleanup()


@pytest.mark.parametrize(("place", "options", "problem"), WRONG)
def test_links_from_data_are_refused_with_the_number_of_the_entry(
    place: str, options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_links(["shop.links:mark", {"use": place, "options": options}])
    assert str(refused.value).startswith(f"links[1] ({place}): ")
    assert problem in str(refused.value)


@pytest.mark.parametrize("error", ["ValueError", "TypeError", "KeyError", "RuntimeError"])
def test_what_a_factory_says_may_quote_a_secret_and_is_told_by_the_cause_alone(error: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_links([{"use": "shop.links:fail", "options": {"error": error, "secret": "hunter2"}}])
    assert re.search(rf": it raised {error} at \S+links\.py:\d+; ", str(refused.value))
    assert "hunter2" not in str(refused.value)
    assert "hunter2" in str(refused.value.__cause__)


@pytest.mark.parametrize("place", ["builtins:breakpoint", "shop.links:Interrupted"], ids=["made", "read"])
def test_an_interrupt_is_no_failure(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.breakpointhook", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load_links([place])


def test_a_name_that_is_none_is_told_on_one_short_line() -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_links(["\n\x1b[31m:x"])
    assert str(refused.value).startswith(r"links[0] (\n\x1b[31m:x): importing ")
    assert str(refused.value).isprintable()
    for define_it in (lambda: load_links(["x" * 100_000]), lambda: define("x" * 100_000).build()):
        with pytest.raises(ConfigurationError, match=r"its name has 100000 characters; write package.module:factory"):
            define_it()
        assert len(str(refused.value)) < 300


def test_options_are_not_quoted_when_one_is_too_many() -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_links([{"use": "shop.links:mark", "options": {"secret": "hunter2"}}])
    assert "hunter2" not in str(refused.value)


def test_the_cure_of_a_battery_is_the_cure() -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_links([{"use": "shop.links:fail", "options": {"error": "ConfigurationError"}}])
    assert (refused.value.battery, refused.value.problem, refused.value.cure) == (
        "links[0] (shop.links:fail)",
        "fail(): limit=-1",
        "write a positive number",
    )


def test_a_library_that_is_missed_when_the_link_is_built_is_named_with_its_extra() -> None:
    with pytest.raises(MissingDependencyError, match=r"pip install 'aiohttp-route-middleware\[jwt\]'"):
        chain(define("shop.links:fail", error="MissingDependencyError"), index)


# ---- from plain data


JSON = """
[
    "shop.links:guard",
    {"use": "shop.links:authenticate", "options": {"user": "eve"}},
    {"use": "shop.links:missing", "enabled": false},
    {"use": "shop.links:authorise", "enabled": true},
    {"use": "x_frame_options", "options": {"value": "SAMEORIGIN"}, "enabled": false},
    {"use": "shop.links:Mark", "options": {}}
]
"""
TOML = """
[[links]]
use = "shop.links:guard"

[[links]]
use = "shop.links:authenticate"
options = { user = "eve" }

[[links]]
use = "shop.links:missing"
enabled = false

[[links]]
use = "shop.links:authorise"
enabled = true

[[links]]
use = "x_frame_options"
enabled = false
[links.options]
value = "SAMEORIGIN"

[[links]]
use = "shop.links:Mark"
[links.options]
"""


def read_toml() -> Any:
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 reads no TOML")
    return tomllib.loads(TOML)["links"]


@pytest.mark.parametrize("read", [lambda: json.loads(JSON), read_toml], ids=["JSON", "TOML"])
async def test_a_chain_is_read_in_order_from_plain_data(read: Any, aiohttp_client: AiohttpClient) -> None:
    links = load_links(read())
    assert all(type(link) is DefinedLink for link in links)
    assert [name_link(link) for link in links] == ["guard", "authenticate(eve)", "authorise", "Mark"]
    async with (await aiohttp_client(make_app(*links))).get("/") as response:
        assert response.status == 200
        assert response.headers.getall("X-Mark") == ["yes"]


def test_links_from_data_are_built_at_once_and_those_switched_off_are_not_even_imported() -> None:
    assert load_links([{"use": "shop.links:authenticate", "enabled": False}]) == []
    assert not is_imported()
    load_links(iter([{"use": "shop.links:authenticate"}]))
    assert shop().built == ["ada"]


def test_no_entries_are_no_links() -> None:
    assert load_links([]) == []


def test_options_that_change_later_change_nothing() -> None:
    entry: dict[str, Any] = {"use": "shop.links:mark", "options": {"value": "a"}}
    (link,) = load_links([entry])
    entry["options"]["value"] = "b"
    assert link.link.__closure__[0].cell_contents == "a"


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        pytest.param(7, 'it names no link; write {"use": "package.module:factory"}', id="a number"),
        pytest.param(None, "it names no link", id="nothing"),
        pytest.param(["shop.links:mark"], "it names no link", id="a list"),
        pytest.param({}, "it names no link", id="an empty table"),
        pytest.param({"use": 7}, "it names no link", id="no text"),
        pytest.param({"name": "shop.links:mark"}, "it names no link", id="another key"),
        pytest.param({"use": "a:b", "option": {}}, "'option' is none of its keys; write 'options'", id="a typo"),
        pytest.param(
            {"use": "a:b", "enable": True}, "'enable' is none of its keys; write 'enabled'", id="another typo"
        ),
        pytest.param(
            {"use": "a:b", "value": 1},
            "'value' is none of its keys; write one of 'enabled', 'options', 'use'",
            id="an option",
        ),
        pytest.param({"use": "a:b", 7: 1}, "7 is none of its keys", id="no text as key"),
        pytest.param({"use": "a:b", "options": ["x"]}, 'options is not a table; write "options": {', id="a list"),
        pytest.param({"use": "a:b", "options": None}, "options is not a table", id="no options"),
        pytest.param({"use": "a:b", "options": {7: 1}}, "options is not a table", id="options without names"),
        pytest.param({"use": "a:b", "enabled": "no"}, "enabled='no'; write true or false", id="a text for a switch"),
        pytest.param({"use": "a:b", "enabled": 0}, "enabled=0; write true or false", id="a number for a switch"),
        pytest.param({"use": "a:b", "enabled": None}, "enabled=None; write true or false", id="no switch"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_number(entry: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_links(["shop.links:mark", entry])
    assert str(refused.value).startswith(f"links[1]: {problem}")


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize(
    ("entry", "problem"),
    [({"option": {}}, "'option' is none of its keys"), ({"options": 7}, "options is not a table")],
    ids=["a typo", "no table"],
)
def test_an_entry_is_checked_for_its_shape_whether_it_is_enabled_or_not(
    entry: dict[str, Any], problem: str, enabled: bool
) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        load_links([{"use": "shop.links:mark", "enabled": enabled, **entry}])
    assert not is_imported()


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        pytest.param("shop.links:mark", "got str; pass a list of entries; in TOML, each begins with", id="a text"),
        pytest.param({"use": "shop.links:mark"}, "got dict; pass a list of entries; in TOML, each", id="one table"),
        pytest.param({"links": ["shop.links:mark"]}, 'got dict; pass settings["links"]', id="a whole file"),
        pytest.param(None, "got NoneType; pass a list of entries", id="nothing"),
    ],
)
def test_what_is_no_list_of_entries_is_refused(entries: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_links(entries)
    assert str(refused.value).startswith(f"load_links(): {problem}")
    assert not is_imported()
