"""The request that goes to a target, as hooks may change it, and its head as bytes."""

from __future__ import annotations

from collections.abc import AsyncIterable, Sequence

from aiohttp import hdrs
from multidict import CIMultiDict
from yarl import URL

from ...errors import ConfigurationError
from ...syntax import is_token

__all__ = ("WRITTEN_HERE", "OutgoingBody", "OutgoingRequest", "OutgoingRequestError", "write_head")

OutgoingBody = bytes | AsyncIterable[bytes] | None
WRITTEN_HERE = (hdrs.CONTENT_LENGTH, hdrs.EXPECT, hdrs.CONNECTION, hdrs.TRANSFER_ENCODING, hdrs.UPGRADE)
"""Fields that frame the body, and those of the connection: the proxy writes them itself, whatever hooks have set."""


class OutgoingRequestError(ConfigurationError):
    """Hooks have written what is no request.

    Args:
        part: of the request, such as `path`.
        problem: what is wrong with it; never the value of a field.
        cure: what to write instead.
    """

    def __init__(self, part: str, problem: str, *, cure: str) -> None:
        super().__init__(f"OutgoingRequest.{part}", problem, cure=cure)
        self._told = part, problem, cure

    def tell_hooks(self, hooks: Sequence[str]) -> OutgoingRequestError:
        """Make the same error, which names the hooks that may have done it."""
        part, problem, cure = self._told
        return OutgoingRequestError(part, f"{problem}, after {', '.join(hooks)}", cure=cure)


class OutgoingRequest:
    """The request that goes to a target; hooks change it before it is sent.

    Args:
        method: as the client has sent it.
        path: the path and the query, to the byte as the client has sent them.
        headers: of the client, without those of its connection, with those of a proxy.
    """

    __slots__ = ("body", "headers", "method", "path")

    def __init__(self, method: str, path: str, headers: CIMultiDict[str]) -> None:
        self.method: str = method
        """The method."""
        self.path: str = path
        """The path and the query, percent-encoded; the base path of the target is put before it."""
        self.headers: CIMultiDict[str] = headers
        """The header fields; without `Host`, the target gets its own. What frames the body is added later."""
        self.body: OutgoingBody = None
        """What is sent in place of the body of the client: bytes, or what yields them; `None`: the client's body."""

    @property
    def url(self) -> URL:
        """The path and the query as a URL, which can be changed and set again; it is relative to the target."""
        path, _, query = self.path.partition("?")
        if not path.startswith("//"):
            return URL(self.path, encoded=True)
        return URL.build(path=path, query_string=query, encoded=True)  # else its first segment would be a host

    @url.setter
    def url(self, url: URL) -> None:
        given: object = url
        if not isinstance(given, URL):
            cure = "set a yarl.URL, as exchange.request.url is one; a text is set as exchange.request.path"
            raise OutgoingRequestError("url", f"it is of type {type(given).__qualname__}", cure=cure)
        if url.absolute:
            raise OutgoingRequestError("url", f"{url.origin()} is a server", cure="set a path and a query")
        self.path = url.raw_path_qs


def write_head(method: str, path: str, host: str, headers: CIMultiDict[str], framing: str) -> bytes:
    """Write the head of a request (RFC 9112, sections 2.1 and 3).

    Args:
        method: of the request.
        path: the whole request target.
        host: for `Host`, unless that is among the headers.
        headers: all others.
        framing: the field that tells of the body, with its line end; empty if there is no body.

    Raises:
        OutgoingRequestError: a hook has written what would be another request.
    """
    parts = [f"{method} {path} HTTP/1.1"]
    if hdrs.HOST not in headers:
        parts.append(f"Host: {host}")
    try:
        parts += [": ".join(field) for field in headers.items()]
    except TypeError:  # a value is no text; `None` above all must not become "None"
        raise _find_blame(method, path, headers) from None
    parts.append(framing)
    text = "\r\n".join(parts) + "\r\n"
    lines = len(parts) + framing.count("\n")
    if not _is_whole(text, lines) or " " in path or not is_token(method):
        raise _find_blame(method, path, headers)
    # bytes of a client that are no UTF-8 come as surrogates, and go as they came
    return text.encode("utf-8", "surrogateescape")


def _is_whole(text: str, lines: int) -> bool:
    return text.count("\n") == text.count("\r") == lines and "\0" not in text


def _find_blame(method: str, path: str, headers: CIMultiDict[str]) -> OutgoingRequestError:
    """Name what would not be one head; a value may be a secret, and is not told."""
    cure = "percent-encode what a hook puts there"
    if not is_token(method):
        return OutgoingRequestError("method", "it is no method", cure="write a token, such as GET")
    if any(one in path for one in "\r\n\0 "):
        return OutgoingRequestError("path", "there is a blank, a line break or a NUL in it", cure=cure)
    names = [name for name, value in headers.items() if not _is_field(name, value)]
    problem = f"the value of {names[0]!r} is no text, or there is a line break or a NUL in it"
    return OutgoingRequestError("headers", problem, cure="set a text without these")


def _is_field(name: str, value: object) -> bool:
    return isinstance(value, str) and not any(one in name + value for one in "\r\n\0")
