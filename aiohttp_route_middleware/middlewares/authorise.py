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
on those routes; `authorise()` itself stays closed, with `redirect` and without.

    async def anyone(request):
        return None

    pages = router.group("", any_of(basic_auth(check_password), anyone), given=[IDENTITY])
    pages.add_get("/account", authorise(redirect="/login"), show_account)

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

import inspect
import re
from collections.abc import Awaitable, Callable, Sequence, Set
from functools import partial
from typing import Any, Literal
from urllib.parse import quote, unquote

from aiohttp import hdrs, web

from ..errors import ConfigurationError
from ..naming import describe, name_link
from ..parameters import Parameters, read_parameters
from ..support.battery import GuardBattery, call, guard_battery
from ..support.challenges import check_realm, forbid, unauthorized, write_challenge
from ..support.identity import IDENTITY, Identity
from ..typedefs import Handler

__all__ = ("authorise", "covers", "safe_next")

Predicate = Callable[[Identity, web.Request], "bool | Awaitable[bool]"]

_BATTERY = "authorise()"
_LONGEST_NEXT = 2048  # characters; what is longer is dropped, so that the Location stays one that clients can read
# RFC 6749, section 3.3: printable ASCII without the blank, the quotation mark and the backslash
_SCOPE = re.compile(r"[!#-\[\]-~]+")
# Printable ASCII that starts with a slash: browsers drop tabs and line breaks, and read a backslash as a slash.
_PATH = re.compile(r"/[!-\[\]-~]*")


def authorise(
    scopes: Sequence[str] | None = None,
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
        shown (RFC 6750, section 3.1). 303 instead, with `redirect`, for a GET or HEAD by which a browser opens a page:
        not for scripts that fetch (`Sec-Fetch-Mode`), WebSocket handshakes, other methods, nor the login page itself.
        403 with `error="insufficient_scope"` and all the scopes asked for; a bare 403 if the predicate refuses.

    Reads:
        `request[IDENTITY]`, `Sec-Fetch-Mode`, `Upgrade`.

    Example:
        authorise(["post:read", "post:write"], match="any", predicate=is_author)
    """
    wanted = _read_scopes(scopes)
    if scopes is None and predicate is None and redirect is None:
        raise ConfigurationError(_BATTERY, "nothing is asked for", cure="pass a list of scopes, or a predicate")
    if match not in ("all", "any"):
        raise ConfigurationError(_BATTERY, f"match={match!r}", cure='write match="all" or match="any"')
    ask = _read_predicate(predicate)
    refuse_stranger = _read_redirect(redirect, write_challenge("Bearer", {"realm": check_realm(_BATTERY, realm)}))
    insufficient = {"realm": realm, "error": "insufficient_scope", "scope": " ".join(wanted)}
    challenge = write_challenge("Bearer", insufficient)  # RFC 6750, section 3.1
    needed = frozenset(wanted)
    is_any = match == "any" and bool(wanted)

    @guard_battery(_write_name(wanted, match, predicate, redirect), required=(IDENTITY,))
    async def authorise(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        identity = request.get(IDENTITY)
        if not isinstance(identity, Identity):  # what else was set there has not been authenticated by anyone we know
            raise refuse_stranger(request)
        # as covers() has it, without its frame
        if not (needed & identity.scopes if is_any else needed <= identity.scopes):
            raise forbid(challenge)
        if ask is not None and await ask(identity, request) is not True:
            raise forbid("")  # more scopes would not help
        return await handler(request) if handler else None

    return authorise


def covers(wanted: Set[str], granted: Set[str], match: Literal["all", "any"] = "all") -> bool:
    """Tell whether the granted scopes are enough: all wanted ones, or any one of them; enough if none is wanted."""
    if match == "any" and wanted:
        return bool(wanted & granted)  # not isdisjoint(), which would look for a scope in the letters of a text
    return wanted <= granted


def safe_next(value: str | None, default: str = "/") -> str:
    r"""Return where to go after the login, if it is a path of this origin; else the default.

    What passes is a path with its query and fragment, in printable ASCII, so that no browser can read another origin
    out of it, nor a server that decodes or tidies it once more: no `//host`, `/\host`, `/%2Fhost`, no `.` or `..`
    segment, no backslash or control character, encoded in the path or not.

    Args:
        value: untrusted, decoded once, as `request.query.get("next")` gives it; at most 2048 characters.
        default: where else to go; your own, returned as it is; default `"/"`.

    Example:
        raise web.HTTPSeeOther(safe_next(request.query.get("next"), "/account"))
    """
    return value if isinstance(value, str) and len(value) <= _LONGEST_NEXT and _is_local(value) else default


def _is_local(target: str) -> bool:
    if not _PATH.fullmatch(target):
        return False
    path = unquote(re.split("[?#]", target, maxsplit=1)[0])
    if path.startswith("//") or "\\" in path or any(ord(one) < 32 or ord(one) == 127 for one in path):
        return False
    # clients take dot segments out before they ask (RFC 3986, section 5.2.4): `/.//host` may end as `//host`
    return not {".", ".."} & set(path.split("/"))


def _read_scopes(scopes: Any) -> tuple[str, ...]:
    if scopes is None:
        return ()
    if not isinstance(scopes, (list, tuple)) or not scopes:
        raise ConfigurationError(_BATTERY, f"scopes={scopes!r}", cure='pass a list of scopes: ["post:read"]')
    for scope in scopes:
        if not isinstance(scope, str) or not _SCOPE.fullmatch(scope):
            raise ConfigurationError(
                _BATTERY,
                f"the scope {scope!r}",
                cure="write each scope by itself, in printable ASCII without blanks, quotation marks and backslashes",
            )
    return tuple(dict.fromkeys(scopes))


def _read_predicate(predicate: Any) -> Callable[[Identity, web.Request], Awaitable[Any]] | None:
    if predicate is None:
        return None
    if not callable(predicate) or not _takes_two(read_parameters(predicate)):
        raise ConfigurationError(
            _BATTERY, f"the predicate is {describe(predicate)}", cure="pass a function (identity, request)"
        )
    return predicate if inspect.iscoroutinefunction(predicate) else partial(call, predicate)


def _takes_two(parameters: Parameters | None) -> bool:
    if parameters is None:  # some builtins cannot be read
        return True
    enough = parameters.take_handler_by_position
    return enough and len(parameters.required) <= 2 and not parameters.required_keywords


def _read_redirect(redirect: Any, challenge: str) -> Callable[[web.Request], web.HTTPException]:
    """Return what a stranger is answered."""
    if redirect is None:
        return lambda _: unauthorized([challenge])
    if not redirect or safe_next(redirect, "") != redirect or "#" in redirect:
        raise ConfigurationError(_BATTERY, f"redirect={redirect!r}", cure='write a path of this origin: "/login"')
    login, _, query = redirect.partition("?")
    start = f"{login}?{query}&next=" if query else f"{login}?next="

    def refuse_stranger(request: web.Request) -> web.HTTPException:
        if not _is_navigation(request) or request.rel_url.raw_path == login:  # to itself for ever
            return unauthorized([challenge])
        # raw, so that encoded bytes come back as they were; relative, whatever origin the client has written there
        target = quote(safe_next(request.rel_url.raw_path_qs))
        return web.HTTPSeeOther(start + target, headers={hdrs.CACHE_CONTROL: "no-store"})

    return refuse_stranger


def _is_navigation(request: web.Request) -> bool:
    """Whether a page is asked for: by the word of the browser, if it gives it (Fetch Metadata, section 2.2)."""
    if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
        return False
    mode = request.headers.get("Sec-Fetch-Mode")
    if mode is not None:
        return mode == "navigate"
    return request.headers.get(hdrs.UPGRADE, "").lower() != "websocket"


def _write_name(wanted: Sequence[str], match: str, predicate: Any, redirect: str | None) -> str:
    parts = [*wanted] if match == "all" else [" | ".join(wanted)] * bool(wanted)
    if predicate is not None:
        parts.append(name_link(predicate))
    if redirect is not None:
        parts.append(f"redirect={redirect}")
    return f"authorise({', '.join(parts)})"
