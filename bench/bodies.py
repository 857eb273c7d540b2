"""Bodies that servers send in benches."""

from __future__ import annotations

import json
import random

__all__ = ("TEN_KILOBYTES",)

_WORDS = ("aiohttp", "middleware", "route", "the", "of", "chain", "answer", "request", "guard", "and", "is", "not")


def _make_posts(size: int) -> bytes:
    """Make a list of posts in JSON, of about that many bytes: it shrinks as texts do, and is the same each time."""
    draw = random.Random(1)
    posts: list[dict[str, object]] = []
    while len(json.dumps(posts)) < size:
        text = " ".join(draw.choices(_WORDS, k=30))
        posts.append({"id": len(posts), "title": text[:40], "text": text, "stamp": draw.getrandbits(64)})
    return json.dumps(posts).encode()


TEN_KILOBYTES = _make_posts(10_000)
