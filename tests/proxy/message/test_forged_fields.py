"""What only a proxy may say is believed of a trusted proxy alone."""

import pytest
from multidict import CIMultiDict

from aiohttp_route_middleware.proxy.message.forged_fields import drop_forged_fields

FORGED = ["Forwarded", "X-Forwarded-For", "x-forwarded-proto", "X-FORWARDED-HOST", "X-Forwarded-Port", "X-Real-IP"]
FORGED += ["X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-User", "X-Forwarded", "True-Client-IP"]
FORGED += ["Client-IP", "X-Original-Forwarded-For", "X-Forward-For", "Forwarded-For", "X-Originating-IP"]
FORGED += ["X-Remote-IP", "X-Remote-Addr", "X-ProxyUser-Ip", "X-Envoy-External-Address", "X-Envoy-Internal"]
FORGED += ["X-Azure-ClientIP", "X-Azure-SocketIP", "Fly-Client-IP", "X-Host", "X-HTTP-Host-Override"]
FORGED += ["Remote-User", "X-Remote-User", "Client-Cert", "Client-Cert-Chain", "X-Client-Cert", "X-ARR-ClientCert"]
FORGED += ["X-SSL-Client-Verify", "X-SSL-Client-Cert", "X-SSL-Client-S-DN"]
FORGED += ["CF-Connecting-IP", "Front-End-Https", "fastly-client-ip", "X-Original-URL", "X-Rewrite-URL"]
MASKED = ["X_Forwarded_For", "X-Forwarded_Proto", "x_real_ip", "X_Original-URL"]
MASKED += ["Client_IP", "REMOTE_USER", "X_SSL-Client_Verify", "Content_Length", "transfer_encoding", "Proxy", "pROXY"]
HARMLESS = ["X-Request-Id", "Content-Type", "Cookie", "From", "TE", "Accept", "User_Agent", "X_Y", "X-Forward"]
HARMLESS += ["Referer", "Range", "Priority", "Cache-Control", "Content-Length", "Transfer-Encoding", "X-Hosts"]
HARMLESS += ["Proxy-Authorization", "X-Requested-With", "pragma", "Content_Type"]


@pytest.mark.parametrize("name", FORGED + MASKED)
def test_what_an_untrusted_peer_has_sent_is_dropped_from_each_line(name: str) -> None:
    headers: CIMultiDict[str] = CIMultiDict([("A", "1"), (name, "x"), ("B", "2"), (name.upper(), "y")])
    drop_forged_fields(headers, is_trusted=False)
    assert list(headers) == ["A", "B"]


@pytest.mark.parametrize("name", MASKED)
def test_an_underscore_or_what_no_proxy_writes_is_dropped_whoever_has_sent_it(name: str) -> None:
    headers: CIMultiDict[str] = CIMultiDict([(name, "x"), ("X-Forwarded-For", "y")])
    drop_forged_fields(headers, is_trusted=True)
    assert list(headers) == ["X-Forwarded-For"]


@pytest.mark.parametrize("name", FORGED)
def test_what_a_trusted_proxy_has_sent_stays(name: str) -> None:
    headers: CIMultiDict[str] = CIMultiDict([(name, "x")])
    drop_forged_fields(headers, is_trusted=True)
    assert list(headers) == [name]


@pytest.mark.parametrize("is_trusted", [True, False])
def test_what_no_proxy_says_stays(is_trusted: bool) -> None:
    headers: CIMultiDict[str] = CIMultiDict([(name, "x") for name in HARMLESS])
    drop_forged_fields(headers, is_trusted=is_trusted)
    assert list(headers) == HARMLESS
