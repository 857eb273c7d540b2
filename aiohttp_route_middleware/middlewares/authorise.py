"""Who may pass, by scopes or by a question of your own; and the way to the login page for those who are nobody yet.

It reads `IDENTITY`, which an authenticator before it has set, so a chain in which nothing provides it is refused when
it is registered. If the authenticator is a middleware of the application, say so with `given=[IDENTITY]`; should that
have forgotten, the answer is 401.

    router.add_get("/posts", bearer_auth(find_token), authorise(["post:read"]), list_posts)
    router.add_put("/posts/{id}", bearer_auth(find_token), authorise(["post:write"], predicate=is_author), put_post)

**Pages.** With `redirect="/login"` a browser that asks for a page, and is nobody, is sent to
`/login?next=<path and query>`. An authenticator that refuses strangers by itself never lets them come so far. Put one
before it that lets them pass without an identity: a link or a middleware that reads the session, or `any_of()` with a
guard last that lets everyone pass. Neither provides `IDENTITY` for certain, so vouch for it with `given=[IDENTITY]`
on those routes; `authorise()` itself stays closed, with `redirect` and without. `require_links(app, IDENTITY)` does
not count what is vouched for: have it require the very object that `authorise(redirect=...)` has returned, as
examples/accounts does.

    async def anyone(request):
        return None

    pages = router.group("", any_of(basic_auth(check_password), anyone), given=[IDENTITY])
    pages.add_get("/account", authorise(redirect="/login"), show_account)

Who sends no `Sec-Fetch-Mode`, as curl, many libraries and old browsers, is taken for a browser that opens a page, and
sent to the login page as well: routes for programs have no `redirect`.

The login page must not stand behind the redirect to it: it would be answered with 401. Where it sends its users
afterwards is up to whoever wrote the link they came by; `safe_next()` lets only paths of this origin through:

    async def log_in(request):
        ...
        raise web.HTTPSeeOther(safe_next(request.query.get("next")))

It does **not** find out who is asking, and does **not** look at what a handler does: an object that belongs to
somebody else is a question for the predicate. `safe_next()` does **not** tell whether the path exists, or is harmless
to visit: a GET that changes something stays a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Sequence, Set
from typing import Any, Literal

from aiohttp import web

from ..errors import ConfigurationError
from ..naming import describe, name_link
from ..option_checks import check_choice, check_function, check_list
from ..parameters import Parameters, read_parameters
from ..support.access.challenges import check_realm, forbidden, write_challenge
from ..support.access.identity import IDENTITY, Identity
from ..support.access.login_page import redirect_strangers
from ..support.battery import GuardBattery, awaiting, guard_battery
from ..support.network.local_paths import safe_next
from ..typedefs import Handler

__all__ = ("authorise", "covers", "safe_next")

Predicate = Callable[[Identity, web.Request], "bool | Awaitable[bool]"]

_BATTERY = "authorise()"
# RFC 6749, section 3.3: printable ASCII without the blank, the quotation mark and the backslash
_SCOPE = re.compile(r"[!#-\[\]-~]+")


def authorise(
    scopes: Collection[str] | None = None,
    *,
    match: Literal["all", "any"] = "all",
    predicate: Predicate | None = None,
    redirect: str | None = None,
    realm: str = "protected",
) -> GuardBattery:
    """Let pass who has the scopes, and of whom the predicate says so.

    Args:
        scopes: a list; default none, if there is a predicate or a redirect: then any identity has enough of them.
        match: `"all"` scopes are needed, the default, or `"any"` one of them.
        predicate: called with the identity and the request, async or plain, after the scopes were enough. It lets
            pass with `True`; any other answer refuses, one that only counts as true included. What it raises is the
            answer, or a 500.
        redirect: the path of the login page, with a query if you like, as the browser sees it, the prefix of a
            sub-application included; default none.
        realm: of the challenges, printable ASCII; default `"protected"`.

    Raises:
        ConfigurationError: an option is wrong, or nothing is asked for.

    Responds:
        401 with `WWW-Authenticate: Bearer realm="protected"` if nobody is known: no error code, since nothing was
        shown. 303 instead, with `redirect`, for a GET or HEAD by which a browser opens a page: not for scripts that
        fetch (`Sec-Fetch-Mode`), WebSocket handshakes, other methods, nor the login page itself. Without that header,
        as from curl, a request counts as a browser's.
        403 with `error="insufficient_scope"` and all the scopes asked for; a bare 403 if the predicate refuses.

    Reads/Sets:
        reads `IDENTITY`, and with `redirect` also `Sec-Fetch-Mode`, `Upgrade`, `Connection` and the target.

    Source:
        RFC 6750, section 3.1; Fetch Metadata, section 2.2.

    Example:
        authorise(["post:read", "post:write"], match="any", predicate=is_author)
    """
    wanted = _read_scopes(scopes)
    if scopes is None and predicate is None and redirect is None:
        raise ConfigurationError(_BATTERY, "nothing is asked for", cure="pass a list of scopes, or a predicate")
    check_choice(_BATTERY, "match", match, ("all", "any"))
    ask = _read_predicate(predicate)
    bare_challenge = write_challenge("Bearer", {"realm": check_realm(_BATTERY, realm)})
    refuse_stranger = redirect_strangers(_BATTERY, redirect, bare_challenge)
    insufficient = {"realm": realm, "error": "insufficient_scope", "scope": " ".join(wanted)}
    challenge = write_challenge("Bearer", insufficient)  # RFC 6750, section 3.1
    needed = frozenset(wanted)

    @guard_battery(_write_name(wanted, match, predicate, redirect), required=(IDENTITY,))
    async def authorise(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        identity = request.get(IDENTITY)
        if not isinstance(identity, Identity):  # what else was set there has not been authenticated by anyone we know
            raise refuse_stranger(request)
        if not covers(needed, identity.scopes, match):
            raise forbidden(challenge)
        if ask is not None and await ask(identity, request) is not True:
            raise forbidden()  # more scopes would not help
        return await handler(request) if handler else None

    return authorise


def covers(wanted: Set[str], granted: Set[str], match: Literal["all", "any"] = "all") -> bool:
    """Tell whether the granted scopes are enough: all wanted ones, or any one of them; enough if none is wanted."""
    if match == "any" and wanted:
        return bool(wanted & granted)  # not isdisjoint(), which would look for a scope in the letters of a text
    return wanted <= granted


def _read_scopes(scopes: object) -> tuple[str, ...]:
    if scopes is None:
        return ()
    listed = check_list(_BATTERY, "scopes", scopes, example="post:read")
    if not listed:
        raise ConfigurationError(_BATTERY, "no scopes are listed", cure="list one at least, or leave scopes= out")
    return tuple(dict.fromkeys(map(_read_scope, listed)))


def _read_scope(scope: object) -> str:
    if isinstance(scope, str) and _SCOPE.fullmatch(scope):
        return scope
    cure = "write each scope by itself, in printable ASCII without blanks, quotation marks and backslashes"
    raise ConfigurationError(_BATTERY, f"the scope {scope!r}", cure=cure)


def _read_predicate(predicate: Predicate | None) -> Callable[[Identity, web.Request], Awaitable[Any]] | None:
    if predicate is None:
        return None
    check_function(_BATTERY, "predicate", predicate, takes="identity, request")
    if not _takes_two(read_parameters(predicate)):
        problem = f"predicate is {describe(predicate)}"
        raise ConfigurationError(_BATTERY, problem, cure="pass a function (identity, request)")
    return awaiting(predicate)


def _takes_two(parameters: Parameters | None) -> bool:
    if parameters is None:  # some builtins cannot be read
        return True
    enough = parameters.take_handler_by_position
    return enough and len(parameters.required) <= 2 and not parameters.required_keywords


def _write_name(wanted: Sequence[str], match: str, predicate: object, redirect: str | None) -> str:
    parts = [*wanted] if match == "all" else [" | ".join(wanted)] * bool(wanted)
    if predicate is not None:
        parts.append(name_link(predicate))
    if redirect is not None:
        parts.append(f"redirect={redirect}")
    return f"authorise({', '.join(parts)})"
