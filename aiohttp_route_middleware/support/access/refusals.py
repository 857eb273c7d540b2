"""Several refusals of one request, and the one answer that a client can do most with.

Rule kept here: who is not known is told how to say who it is, wherever there is a way; a 403 alone would tell it that
there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from aiohttp import hdrs, web

from .challenges import unauthorized
from .identity import IDENTITY

__all__ = ("REFUSALS", "Refusal", "choose_refusal", "knew_who")

_UNAUTHORIZED = web.HTTPUnauthorized.status_code
_FORBIDDEN = web.HTTPForbidden.status_code
_UNAVAILABLE = web.HTTPServiceUnavailable.status_code
REFUSALS = (_UNAUTHORIZED, _FORBIDDEN, _UNAVAILABLE)

# for whoever chooses around one that has chosen, since what has set `IDENTITY` is forgotten
_KNEW_WHO = web.RequestKey("_KNEW_WHO", bool)


class Refusal(NamedTuple):
    """What a link has answered instead of letting a request through.

    Args:
        answer: with one of the statuses in `REFUSALS`.
        knew_who: whether it had found out who is asking.
    """

    answer: web.StreamResponse
    knew_who: bool


def knew_who(request: web.Request, before: Mapping[Any, Any]) -> bool:
    """Whether a link that has just refused had found out who is asking.

    Args:
        request: as the link has left it.
        before: what was set on it when the link was asked.
    """
    return _KNEW_WHO in request or request.get(IDENTITY) is not before.get(IDENTITY)


def choose_refusal(request: web.Request, refusals: Sequence[Refusal]) -> web.StreamResponse:
    """Return the first of these that there is: a 503, a 403 of one that knew who was asking, one 401, a 403.

    The 401 has all challenges, the same one once (RFC 9110, section 11.6.1); without any, it gives way to a 403.
    """
    answers = [answer for answer, _ in refusals]
    for answer in answers:
        if answer.status == _UNAVAILABLE:  # who could not be asked might have let it through
            return answer
    for answer, knew in refusals:
        if answer.status == _FORBIDDEN and knew:
            request[_KNEW_WHO] = True
            return answer
    refused = [answer for answer in answers if answer.status == _UNAUTHORIZED]
    challenges = [one for answer in refused for one in answer.headers.getall(hdrs.WWW_AUTHENTICATE, ())]
    if not challenges and len(refused) < len(answers):
        return next(answer for answer in answers if answer.status == _FORBIDDEN)
    return unauthorized(list(dict.fromkeys(challenges)))
