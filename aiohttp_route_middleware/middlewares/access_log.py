"""One line in the log for each request, when its last byte is sent: who, what, how long, how it ended.

    setup(app)
    router = UrlDispatcherEx.install(app, access_log())

logs, under `aiohttp_route_middleware.access`,

    GET /posts/7?token=*** 200 in 3.2 ms, 512 bytes

and bears all of it as `record.access`, a mapping, for a formatter that writes JSON. The route is there by its
template, `/posts/{id}`, so that requests can be counted by it. It is told at level INFO, answers of the server's own
failures (5xx) at ERROR; a client that has gone before all was sent is told as `"outcome": "aborted"`.

**Secrets** are masked unless you ask for them: values of query parameters whose names are those of credentials, and of
the headers that carry them, of which only those are logged that `headers` names. The path is logged as it is: do not
put secrets there. Addresses are data of persons in many countries: `client=False` leaves them out.

It does **not** see what never reaches it: requests that aiohttp cannot parse, and those that links before it have
answered. aiohttp's own access log goes on beside it, and masks nothing: `run_app(app, access_log=None)` ends it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from typing import Any

from aiohttp import hdrs, web

from ..errors import ConfigurationError
from ..naming import describe, escape_unprintable
from ..option_checks import check_flags, check_list, check_name
from ..support.access.identity import IDENTITY, Identity
from ..support.battery import MiddlewareBattery, middleware_battery
from ..support.network.addresses import CLIENT_ADDRESS
from ..support.telemetry.completion import watch
from ..support.telemetry.masking import SECRET_HEADERS, SECRET_PARAMETERS, mask_header, mask_query
from ..support.telemetry.request_ids import REQUEST_ID
from ..typedefs import Handler

__all__ = ("access_log",)

_BATTERY = "access_log()"


def access_log(
    *,
    logger: logging.Logger | None = None,
    headers: Sequence[str] = (),
    client: bool = True,
    secret_parameters: Collection[str] = SECRET_PARAMETERS,
    secret_headers: Collection[str] = SECRET_HEADERS,
) -> MiddlewareBattery:
    """Log each request when it is over.

    Args:
        logger: default `aiohttp_route_middleware.access`.
        headers: of the request to log, by their names; default none.
        client: whether the address of the client is logged: `CLIENT_ADDRESS`, else that of the peer; default yes.
        secret_parameters: names of query parameters whose values are masked; default those of credentials.
        secret_headers: names of headers whose values are masked; default those of credentials.

    Raises:
        ConfigurationError: an option is wrong.

    Reads/Sets:
        reads `REQUEST_ID`, `IDENTITY` and `CLIENT_ADDRESS` if they are set, and the headers. Needs `setup(app)`.

    Example:
        access_log(headers=["User-Agent"], client=False)
    """
    check_flags(_BATTERY, client=client)
    if logger is not None and not isinstance(logger, logging.Logger):
        raise ConfigurationError(_BATTERY, f"logger is {describe(logger)}", cure="pass logging.getLogger(name)")
    log = logging.getLogger("aiohttp_route_middleware.access") if logger is None else logger
    listed = check_list(_BATTERY, "headers", headers, example="User-Agent")
    names = tuple(check_name(_BATTERY, "headers", one, example="User-Agent") for one in listed)
    parameters = frozenset(name.lower() for name in secret_parameters)
    secrets = frozenset(name.lower() for name in secret_headers)

    @middleware_battery()
    async def access_log(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = time.perf_counter()

        def finish(response: web.StreamResponse | None, was_sent: bool) -> None:
            told = {
                **_tell_request(request, parameters),
                **_tell_response(request, response),
                "outcome": "sent" if was_sent else "aborted",
                "milliseconds": round((time.perf_counter() - begun) * 1000, 3),
            }
            if client:
                told["client"] = _tell_client(request)
            if names:
                found = {name: request.headers[name] for name in names if name in request.headers}
                told["headers"] = {name: mask_header(name, value, secrets) for name, value in found.items()}
            level = logging.ERROR if response is not None and response.status >= 500 else logging.INFO
            log.log(level, _TEXT, told, extra={"access": told})

        return await watch(request, handler, "access_log", finish)

    return access_log


_TEXT = "%(method)s %(target)s %(status)s in %(milliseconds)s ms, %(bytes)s bytes"


def _tell_request(request: web.Request, secret_parameters: Collection[str]) -> dict[str, Any]:
    url = request.rel_url
    query = mask_query(url.raw_query_string, secret_parameters)
    resource = request.match_info.route.resource
    identity = request.get(IDENTITY)
    return {
        "method": request.method,
        "target": escape_unprintable(f"{url.raw_path}?{query}" if query else url.raw_path),
        "route": None if resource is None else resource.canonical,
        "request_id": request.get(REQUEST_ID),
        "subject": identity.subject if isinstance(identity, Identity) else None,
    }


def _tell_response(request: web.Request, response: web.StreamResponse | None) -> dict[str, Any]:
    """The bytes are those of the body, if its length was said before; else all that was written, headers included."""
    if response is None:
        return {"status": None, "bytes": 0}
    length = None if request.method == hdrs.METH_HEAD else response.headers.get(hdrs.CONTENT_LENGTH)
    return {"status": response.status, "bytes": request.writer.output_size if length is None else int(length)}


def _tell_client(request: web.Request) -> str | None:
    address = request.get(CLIENT_ADDRESS, request.remote)
    return None if address is None else str(address)
