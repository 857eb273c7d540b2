"""The reverse proxy endpoint: requests, passed on to other servers.

    transactions = Upstream("http://localhost:8001")
    transactions.run_with(app)
    app.router.add_route("*", "/shop{tail:.*}", authenticate, proxy(transactions, set_header("X-API-Key", KEY)))

What needs an extra is imported from its own room: `client_span()` and `count_exchanges()`.
"""

from .choice.affinity import AffinityCookie
from .choice.balancing import ConsistentHash
from .choice.dynamic import DynamicTargets
from .choice.health import Ejection
from .choice.probes import HealthCheck
from .choice.retries import Retries, RetryBudget
from .choice.targets import Target
from .endpoint import proxy
from .exchange import Exchange
from .hooks.edits import remove_headers, remove_response_headers, rewrite_path, set_header, set_response_header
from .hooks.interception import intercept
from .hooks.running import Hook, after
from .message.cookies import rewrite_cookies
from .message.forwarding import Forwarding
from .message.locations import rewrite_locations
from .message.path_rewriting import add_prefix, quote_segment, replace_path, replace_prefix, strip_prefix
from .mirror.copies import AnswerCopy
from .mirror.mirroring import Mirror
from .record import EXCHANGE, ExchangeRecord
from .response import BodyCutOffError, BodyTooLargeError, ProxyResponse
from .upstream import Upstream
from .websockets.messages import relay_messages
from .wire.failures import (
    AddressRefusedError,
    BadResponseError,
    ConnectError,
    ConnectionLimitError,
    ConnectTimeoutError,
    DisconnectedError,
    NoTargetError,
    ResponseTimeoutError,
    TargetRefusedError,
    UpstreamError,
)
from .wire.outgoing import OutgoingRequest

__all__ = (
    "EXCHANGE",
    "AddressRefusedError",
    "AffinityCookie",
    "AnswerCopy",
    "BadResponseError",
    "BodyCutOffError",
    "BodyTooLargeError",
    "ConnectError",
    "ConnectTimeoutError",
    "ConnectionLimitError",
    "ConsistentHash",
    "DisconnectedError",
    "DynamicTargets",
    "Ejection",
    "Exchange",
    "ExchangeRecord",
    "Forwarding",
    "HealthCheck",
    "Hook",
    "Mirror",
    "NoTargetError",
    "OutgoingRequest",
    "ProxyResponse",
    "ResponseTimeoutError",
    "Retries",
    "RetryBudget",
    "Target",
    "TargetRefusedError",
    "Upstream",
    "UpstreamError",
    "add_prefix",
    "after",
    "intercept",
    "proxy",
    "quote_segment",
    "relay_messages",
    "remove_headers",
    "remove_response_headers",
    "replace_path",
    "replace_prefix",
    "rewrite_cookies",
    "rewrite_locations",
    "rewrite_path",
    "set_header",
    "set_response_header",
    "strip_prefix",
)
