"""What is counted together: the requests of one caller for one route, or for all that share a name.

Rules kept here:
- Each route is one bucket, by the template it was registered with: who asks for many paths of it gets no more.
- A method that a client makes up is no other route, and HEAD is GET without the content (RFC 9110, section 9.3.2).
- What no route answers is one bucket, however many paths there are.
- A key of the storage is a hash of it all: no text of a client is as long, or looks like, as it likes.
"""

from __future__ import annotations

from hashlib import blake2b

from aiohttp import hdrs, web

__all__ = ("hash_key", "name_route")

_DIGEST = 20  # bytes: two callers with the same are found by nobody who looks for them


def name_route(request: web.Request) -> str:
    """Name the route that answers a request, by its method and template."""
    route = request.match_info.route
    if route.resource is None:
        return "route none"
    method = hdrs.METH_GET if route.method == hdrs.METH_HEAD else route.method
    return f"route {method} {route.resource.canonical}"


def hash_key(bucket: str, caller: str) -> str:
    """Make the key under which a caller is counted, from a bucket, in which is no null character, and its name."""
    text = f"{bucket}\0{caller}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST).hexdigest()
