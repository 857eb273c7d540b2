"""One line in the log for each request, when its last byte is sent: who, what, how long, how it ended.

    logging.basicConfig(level=logging.INFO)

    setup(app)
    router = UrlDispatcherEx.install(app, access_log())

logs, under `aiohttp_route_middleware.access`,

    GET /posts/7?token=*** 200 in 3.2 ms, 512 bytes

at level INFO, which Python does not show unless it is told to; failures of the server (a 5xx, or an answer that broke
off) at ERROR. All of it is there as `record.access`, a mapping:

| key | |
| --- | --- |
| `"method"` | as it was sent |
| `"target"` | the path and the query, masked |
| `"route"` | its template, `/posts/{id}`, so that requests can be counted by it; `None` if none was found |
| `"request_id"` | of `request_id()`; else `None` |
| `"subject"` | of the `IDENTITY` that an authenticator has set; else `None` |
| `"status"` | of the response that was begun; `None` if there was none |
| `"bytes"` | of the body that were written; `None` if nobody knows |
| `"outcome"` | how it ended, as below |
| `"milliseconds"` | from here to the last byte |
| `"client"` | the address, or `None` if nobody knows it; not there with `client=False` |
| `"headers"` | those of `headers` that were sent, by their names, masked; not there if `headers` names none |

A line of JSON for each record, those of others among them:

    import json
    import logging

    class JsonFormatter(logging.Formatter):
        def format(self, record):
            told = {"time": self.formatTime(record), "level": record.levelname, "logger": record.name}
            access = getattr(record, "access", None)
            return json.dumps({**told, **(access or {"message": super().format(record)})})

    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])

| `"outcome"` | |
| --- | --- |
| `"sent"` | the last byte was written |
| `"aborted"` | before that the client had gone, or the server was stopped |
| `"failed"` | the answer had begun when the handler, or its body, raised an exception |

`"bytes"` are those of the body that were written, with the frames of chunks, whether the client has got them or not;
`None` for a WebSocket, whose messages are not counted, and for a file that the system has sent in part.

**Secrets** are masked unless you ask for them: values of query parameters whose last words are those of credentials,
in the plural and with `value` or `text` behind as well, also in addresses within the query and within headers such as
`Referer`; and headers that carry credentials. Only those headers are logged that `headers` names. The path is logged
as it is, but for `name=value` in it: do not put secrets there. Addresses are data of persons in many countries:
`client=False` leaves them out. What would break a line, or steer a terminal, is escaped.

What links further in have set on the request is told, also behind a `method_override()`; not what they set on a clone
of their own (`request.clone()`).

It does **not** see what never reaches it: requests that aiohttp cannot parse, those that links before it have
answered, and those whose `Expect` is refused before any link runs: with 417, or with 413 by `body_limit()`. aiohttp's
own access log goes on beside it, and masks nothing: `run_app(app, access_log=None)` ends it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from typing import Any

from aiohttp import web

from ..errors import ConfigurationError
from ..naming import describe, escape_unprintable
from ..option_checks import check_flags, check_list, check_name
from ..support.access.identity import IDENTITY, Identity
from ..support.battery import MiddlewareBattery, middleware_battery
from ..support.network.addresses import CLIENT_ADDRESS
from ..support.request_keys import read_key
from ..support.telemetry.completion import watch
from ..support.telemetry.ends import End
from ..support.telemetry.masking import (
    SECRET_HEADERS,
    SECRET_PARAMETERS,
    SecretNames,
    mask_header,
    mask_query,
    mask_text,
)
from ..support.telemetry.request_ids import REQUEST_ID
from ..support.telemetry.route_names import name_final_route
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
        secret_parameters: last words of the names of query parameters whose values are masked, as `"api_key"` for
            `x-api-key` and `userApiKey`; default those of credentials.
        secret_headers: likewise of headers; default those of credentials.

    Raises:
        ConfigurationError: an option is wrong.

    Responds:
        Nothing of its own.

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
    parameters = SecretNames(_BATTERY, "secret_parameters", secret_parameters)
    secrets = SecretNames(_BATTERY, "secret_headers", secret_headers)

    @middleware_battery()
    async def access_log(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = time.perf_counter()

        def finish(end: End) -> None:
            status = 0 if end.response is None else end.response.status
            level = logging.ERROR if end.outcome == "failed" or status >= 500 else logging.INFO
            if not log.isEnabledFor(level):
                return
            told = _tell_request(request, parameters)
            told["status"], told["bytes"], told["outcome"] = status or None, end.body, end.outcome
            told["milliseconds"] = round((time.perf_counter() - begun) * 1000, 3)
            if client:
                told["client"] = _tell_client(request)
            if names:
                found = {name: request.headers[name] for name in names if name in request.headers}
                told["headers"] = {
                    name: _in_line(mask_header(name, value, secrets, parameters)) for name, value in found.items()
                }
            log.log(level, _TEXT, told, extra={"access": told})

        return await watch(request, handler, "access_log", finish)

    return access_log


_TEXT = "%(method)s %(target)s %(status)s in %(milliseconds)s ms, %(bytes)s bytes"


def _tell_request(request: web.Request, secrets: SecretNames) -> dict[str, Any]:
    url = request.rel_url
    path, query = mask_text(url.raw_path, secrets), mask_query(url.raw_query_string, secrets)
    identity = read_key(request, IDENTITY)
    return {
        "method": _in_line(request.method),
        "target": _in_line(f"{path}?{query}" if query else path),
        "route": name_final_route(request),
        "request_id": _in_line(read_key(request, REQUEST_ID)),
        "subject": _in_line(identity.subject) if isinstance(identity, Identity) else None,
    }


def _tell_client(request: web.Request) -> str | None:
    address = read_key(request, CLIENT_ADDRESS, request.remote)
    return None if address is None else _in_line(str(address))


def _in_line(text: str | None) -> str | None:
    return text if text is None else escape_unprintable(text)
