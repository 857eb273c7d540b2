"""The reverse proxy endpoint: requests, passed on to other servers.

transactions = Upstream("http://localhost:8001")
transactions.run_with(app)
app.router.add_route("*", "/transactions{tail:.*}", authenticate, proxy(transactions, set_header("X-API-Key", KEY)))
"""

from .choice.affinity import AffinityCookie
from .choice.balancing import ConsistentHash
from .choice.health import Ejection
from .choice.probes import HealthCheck
from .choice.retries import Retries, RetryBudget
from .choice.targets import Target
from .edits import remove_headers, remove_response_headers, rewrite_path, set_header, set_response_header
from .endpoint import proxy
from .exchange import Exchange
from .hooks import Hook, after
from .message.cookies import rewrite_cookies
from .message.forwarding import Forwarding
from .message.locations import rewrite_locations
from .message.path_rewriting import add_prefix, quote_segment, replace_path, strip_prefix
from .record import EXCHANGE, ExchangeRecord
from .response import BodyCutOffError, BodyTooLargeError, ProxyResponse
from .upstream import Upstream
from .wire.failures import (
    BadResponseError,
    ConnectError,
    ConnectTimeoutError,
    DisconnectedError,
    NoTargetError,
    ResponseTimeoutError,
    UpstreamError,
)
from .wire.outgoing import OutgoingRequest

__all__ = (
    "EXCHANGE",
    "AffinityCookie",
    "BadResponseError",
    "BodyCutOffError",
    "BodyTooLargeError",
    "ConnectError",
    "ConnectTimeoutError",
    "ConsistentHash",
    "DisconnectedError",
    "Ejection",
    "Exchange",
    "ExchangeRecord",
    "Forwarding",
    "HealthCheck",
    "Hook",
    "NoTargetError",
    "OutgoingRequest",
    "ProxyResponse",
    "ResponseTimeoutError",
    "Retries",
    "RetryBudget",
    "Target",
    "Upstream",
    "UpstreamError",
    "add_prefix",
    "after",
    "proxy",
    "quote_segment",
    "remove_headers",
    "remove_response_headers",
    "replace_path",
    "rewrite_cookies",
    "rewrite_locations",
    "rewrite_path",
    "set_header",
    "set_response_header",
    "strip_prefix",
)
