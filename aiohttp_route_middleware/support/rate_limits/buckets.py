"""What is counted together: the requests of one caller for one route, or for all that share a name.

A key of the storage is a hash of it all: no text of a client is as long, or looks like, as it likes.
"""

from __future__ import annotations

from hashlib import blake2b

__all__ = ("hash_key",)

_DIGEST = 20  # bytes: two callers with the same are found by nobody who looks for them


def hash_key(bucket: str, caller: str) -> str:
    """Make the key under which a caller is counted, from a bucket, in which is no null character, and its name."""
    text = f"{bucket}\0{caller}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST).hexdigest()
