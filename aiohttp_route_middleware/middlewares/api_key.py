"""A key with each request, in one header, one query parameter or one cookie.

For machines that talk to an API whose clients are used to a header such as `X-API-Key`. New APIs are better served by
`bearer_auth()`, which every client and proxy knows to be secret.

It does **not** keep a key secret on its way: serve it over https only. A key in the query ends up in logs, histories
and `Referer`; a key in a cookie is sent by browsers on their own, also when another site makes them, so that it needs
`csrf()` as well. Keep only digests of keys, and look a key up by its digest.

    async def check_key(key):
        return await clients.find(hashlib.sha256(key.encode()).hexdigest())  # an Identity, a subject, or None

    router.add_get("/posts", api_key(check_key, header="X-API-Key"), list_posts)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from ..errors import ConfigurationError
from ..option_checks import check_name, refuse_option
from ..support.access.challenges import check_realm, unauthorized, write_challenge
from ..support.access.credentials import bind_verify
from ..support.access.identity import IDENTITY, read_identity
from ..support.battery import GuardBattery, guard_battery
from ..support.cookies import read_cookies
from ..typedefs import Handler

__all__ = ("api_key",)

_BATTERY = "api_key()"
_MAX_LENGTH = 4_096  # characters
_EXAMPLES = {"header": "X-API-Key", "query": "api_key", "cookie": "__Host-api_key"}
_ELSEWHERE = {"authorization": "use bearer_auth() or basic_auth()", "cookie": "name it by cookie="}

_Read = Callable[[web.Request], Sequence[str]]


def api_key(
    verify: Callable[[str], Any],
    *,
    header: str | None = None,
    query: str | None = None,
    cookie: str | None = None,
    realm: str = "protected",
) -> GuardBattery:
    """Let in who sends a key that is valid, in the one place where it is looked for.

    Args:
        verify: called with the key, printable ASCII of at most 4,096 characters, async or plain; it returns an
            `Identity`, a subject, or `None` to refuse. `True` lets somebody in who has no name: the subject is then
            `"api_key"`.
        header: the name of the header; or
        query: of the query parameter; or
        cookie: of the cookie.
        realm: of the challenge; default `"protected"`.

    Raises:
        ConfigurationError: `verify` cannot be called, no place is named or more than one, or a name cannot be one.

    Responds:
        401 with `ApiKey realm="...", in="header", name="..."`: no such scheme is registered, but each 401 needs a
        challenge (RFC 9110, section 15.5.2); 400 if the key is sent more than once.

    Reads/Sets:
        reads the header, the query parameter or the cookie; sets `IDENTITY`.

    Example:
        api_key(check_key, header="X-API-Key")
    """
    ask = bind_verify(_BATTERY, verify, takes="key")
    place, name = _find_place({"header": header, "query": query, "cookie": cookie})
    read = _READERS[place](name)
    challenge = [write_challenge("ApiKey", {"realm": check_realm(_BATTERY, realm), "in": place, "name": name})]

    @guard_battery(f"api_key({place} {name})", provided=(IDENTITY,))
    async def api_key(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        key = _pick(read(request), place)
        identity = read_identity(_BATTERY, await ask(key), "api_key") if key else None
        if identity is None:
            raise unauthorized(challenge)
        request[IDENTITY] = identity
        return await handler(request) if handler else None

    return api_key


def _find_place(places: dict[str, str | None]) -> tuple[str, str]:
    named = [(place, name) for place, name in places.items() if name is not None]
    if len(named) != 1:
        problem = f"{len(named)} places are named"
        raise ConfigurationError(_BATTERY, problem, cure="pass one of header=, query= and cookie=")
    place, name = named[0]
    check_name(_BATTERY, place, name, example=_EXAMPLES[place])
    if place == "header" and name.lower() in _ELSEWHERE:
        raise refuse_option(_BATTERY, place, name, _ELSEWHERE[name.lower()])
    return place, name


def _pick(found: Sequence[str], place: str) -> str | None:
    """Return the one key that was sent, if it may be one."""
    if len(found) > 1:  # two readers may believe different ones
        raise web.HTTPBadRequest(text=f"400: the key is more than once in the {place}")
    key = found[0] if found else ""
    return key if len(key) <= _MAX_LENGTH and key.isascii() and key.isprintable() else None


def _read_header(name: str) -> _Read:
    return lambda request: request.headers.getall(name, ())


def _read_query(name: str) -> _Read:
    return lambda request: request.query.getall(name, ())


def _read_cookie(name: str) -> _Read:
    # not `request.cookies`: there a blank ends a value, and the cookie of a sibling domain could bring a key
    return lambda request: [_unquote(value) for value in read_cookies(request.headers, name)]


def _unquote(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


_READERS = {"header": _read_header, "query": _read_query, "cookie": _read_cookie}
