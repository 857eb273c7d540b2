"""Header fields that targets take for the word of a proxy, which a client could write as well.

Rules kept here:
- They are dropped unless a trusted proxy has sent them.
- `_` in place of `-` is the same name for CGI and WSGI, but not for the proxies in front of us, which let it pass as
  clients have sent it: such a name is dropped whoever has sent it. So is one that is then that of a body's frame,
  and `Proxy`, which CGI hands on as `HTTP_PROXY`, where programs look for the proxy of their own requests (httpoxy).
"""

from __future__ import annotations

from multidict import CIMultiDict

__all__ = ("drop_forged_fields",)

_PREFIXES = ("x-forwarded", "x-envoy-", "x-ssl-client-")
_NAMES = frozenset(
    (
        # by whom
        "forwarded",
        "forwarded-for",
        "x-forward-for",
        "x-original-forwarded-for",
        "x-real-ip",
        "client-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-originating-ip",
        "x-proxyuser-ip",
        "x-remote-addr",
        "x-remote-ip",
        "true-client-ip",
        "cf-connecting-ip",
        "cf-connecting-ipv6",
        "fastly-client-ip",
        "fly-client-ip",
        "x-azure-clientip",
        "x-azure-socketip",
        # who that is: a proxy has asked for a password or a certificate (RFC 9440, section 4)
        "remote-user",
        "x-remote-user",
        "client-cert",
        "client-cert-chain",
        "x-client-cert",
        "x-arr-clientcert",
        # to which host, by which scheme
        "x-host",
        "x-http-host-override",
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
_NEVER = frozenset(("proxy", "content_length", "transfer_encoding"))
_INITIALS = frozenset("XxFfTtCcRrPp")  # of all these; most fields have another
_HARMLESS = frozenset(("Cookie", "Content-Type", "Cache-Control", "Referer", "Priority", "Pragma", "X-Requested-With"))


def drop_forged_fields(headers: CIMultiDict[str], *, is_trusted: bool) -> None:
    """Drop in place what only a proxy may say.

    Args:
        headers: those of the outgoing request.
        is_trusted: whether a trusted proxy has sent them; of these only names with `_`, and `Proxy`, are dropped.
    """
    for name in [one for one in headers if one[0] in _INITIALS and one not in _HARMLESS and _is_of_proxies(one)]:
        if not is_trusted or "_" in name or name.lower() in _NEVER:
            headers.popall(name, None)  # which may be there twice


def _is_of_proxies(name: str) -> bool:
    lowered = name.lower()
    plain = lowered.replace("_", "-")
    return plain in _NAMES or lowered in _NEVER or plain.startswith(_PREFIXES)
