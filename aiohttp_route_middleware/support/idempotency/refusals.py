"""Why a request with an idempotency key is refused, as problem details (RFC 9457).

draft-ietf-httpapi-idempotency-key-header-07, section 2.7: 400 without a key, 422 to another request with the same key,
409 while the first one runs; each tells where the rules of the API are written.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import hdrs, web

from ..content.problems import problem

__all__ = ("Refusals",)


@dataclass(frozen=True, kw_only=True)
class Refusals:
    """The refusals of one battery.

    Args:
        header: the name of the field that holds the key.
        docs: where the rules are written; empty if nowhere.
        retry_after: seconds after which to ask for what is running.
    """

    header: str
    docs: str
    retry_after: int

    def missing(self) -> web.HTTPException:
        """400: there is no key."""
        return self._make(400, f"{self.header} is missing", "Send a key that is new for each operation, as a UUID.")

    def malformed(self, longest: int) -> web.HTTPException:
        """400: what was sent is no key."""
        detail = f"Send one key, of 1 to {longest} characters of ASCII, in double quotes."
        return self._make(400, f"{self.header} is malformed", detail)

    def reused(self) -> web.HTTPException:
        """422: the key belongs to another request."""
        detail = "This key was sent with another request before. Send a new one with each operation."
        return self._make(422, f"{self.header} is already used", detail)

    def running(self) -> web.HTTPException:
        """409: the first one runs still."""
        detail = "Send the same request again later."
        title = f"A request is outstanding for this {self.header}"
        return self._make(409, title, detail, {hdrs.RETRY_AFTER: str(self.retry_after)})

    def not_kept(self) -> web.HTTPException:
        """409: the request was carried out, and nobody knows any more what was answered."""
        detail = "The operation is not repeated. Look for what became of it."
        return self._make(409, "This request was carried out, and its response was not kept", detail)

    def unavailable(self) -> web.HTTPException:
        """503: nobody knows whether it was carried out."""
        detail = "It is not known whether this request was carried out. Send it again later, with the same key."
        return self._make(503, "Service Unavailable", detail, {hdrs.RETRY_AFTER: str(self.retry_after)})

    def _make(self, status: int, title: str, detail: str, headers: dict[str, str] | None = None) -> web.HTTPException:
        fields = {**(headers or {})}
        if self.docs:
            fields[hdrs.LINK] = f'<{self.docs}>; rel="describedby"; type="text/html"'
        return problem(status, type=self.docs or "about:blank", title=title, detail=detail, headers=fields)
