"""Header fields that targets take for the word of a proxy, which a client could write as well.

Rules kept here:
- They are dropped unless a trusted proxy has sent them.
- `_` in place of `-` is the same name for CGI and WSGI, but not for the proxies in front of us, which let it pass as
  clients have sent it: such a name is dropped whoever has sent it.
"""

from __future__ import annotations

from multidict import CIMultiDict

__all__ = ("drop_forged_fields",)

_PREFIX = "x-forwarded"
_NAMES = frozenset(
    (
        "forwarded",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "true-client-ip",
        "cf-connecting-ip",
        "cf-connecting-ipv6",
        "fastly-client-ip",
        "x-original-host",
        "x-scheme",
        "x-url-scheme",
        "cloudfront-forwarded-proto",
        "front-end-https",
        # which some take for the path: a client would get past whoever has judged the one in the request line
        "x-original-url",
        "x-original-uri",
        "x-rewrite-url",
    )
)
_INITIALS = frozenset("XxFfTtCc")  # of all these; most fields have another


def drop_forged_fields(headers: CIMultiDict[str], *, is_trusted: bool) -> None:
    """Drop in place what only a proxy may say.

    Args:
        headers: those of the outgoing request.
        is_trusted: whether a trusted proxy has sent them; of these only names with `_` are dropped.
    """
    for name in [one for one in headers if one[0] in _INITIALS and _is_of_proxies(one)]:
        if not is_trusted or "_" in name:
            headers.popall(name, None)  # which may be there twice


def _is_of_proxies(name: str) -> bool:
    plain = name.lower().replace("_", "-")
    return plain.startswith(_PREFIX) or plain in _NAMES
