"""What is left of an answer that nobody wants: a short rest is read to its end, so that its connection can be kept.

Rules kept here:
- Nobody waits for it: the rest comes while another response is sent; what is not there in a second is cut off.
- A long rest is cut off at once, and so is that behind which the client's body is still sent.
"""

from __future__ import annotations

import asyncio

from aiohttp import hdrs

from .attempt import Answer

__all__ = ("let_go",)

_SHORT = 16 * 1024  # bytes, which cost less than a new connection
_PATIENCE = 1.0


def let_go(answer: Answer) -> None:
    """End an answer of which nobody wants more."""
    content = answer.content
    if answer.take_whole() is not None:
        answer.finish()
    elif answer.is_asked_in_full and _is_short(answer):
        loop = asyncio.get_running_loop()
        end = loop.call_later(_PATIENCE, answer.abandon)

        def finish() -> None:
            end.cancel()
            answer.finish()

        def finish_soon() -> None:
            loop.call_soon(finish)  # the parser is still at work

        content.on_eof(finish_soon)
    else:
        answer.abandon()


def _is_short(answer: Answer) -> bool:
    return int(answer.message.headers.get(hdrs.CONTENT_LENGTH, _SHORT + 1)) <= _SHORT
