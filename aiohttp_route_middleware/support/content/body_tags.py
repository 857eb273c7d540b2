"""Entity tags that are computed over the body of a response (RFC 9110, section 8.8.3).

Rules kept here: equal bytes have equal tags; only what was found whole is tagged, once; what is sent as other bytes
than these has a weak tag (section 8.8.1); what takes long is done in a thread.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib

from aiohttp import hdrs, web

__all__ = ("tag_body",)

_LARGE = 262_144  # bytes: to hash more takes so long that it is done in a thread


async def tag_body(request: web.Request, response: web.StreamResponse, *, weak: bool) -> None:
    """Tag a response that has a body, and no tag.

    Args:
        request: that it answers.
        response: of any kind; what is no 200, or not there as a whole, is left alone.
        weak: whether the tag is weak.
    """
    if response.status != 200 or hdrs.ETAG in response.headers or not isinstance(response, web.Response):
        return
    body = response.body
    if not isinstance(body, (bytes, bytearray)) or (not body and request.method == hdrs.METH_HEAD):
        return  # a handler of its own for HEAD: what GET would send is not known
    # compressed by aiohttp later: other bytes than these, and to each client others
    prefix = "W/" if weak or response.compression else ""
    digest = _digest(body) if len(body) <= _LARGE else await _digest_in_thread(body)
    response.headers[hdrs.ETAG] = f'{prefix}"{digest}"'


async def _digest_in_thread(body: bytes | bytearray) -> str:
    return await asyncio.get_running_loop().run_in_executor(None, _digest, bytes(body))


def _digest(body: bytes | bytearray) -> str:
    return base64.urlsafe_b64encode(hashlib.blake2b(body, digest_size=18).digest()).decode()
