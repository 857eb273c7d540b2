"""What can go wrong, as one tree.

RouteMiddlewareError
├── RegistrationError   refused when a chain, route or group is registered (also a ValueError)
├── AnswerError         a link answered with something that is not a response (also a TypeError)
├── PolicyError         an application must not start: a route lacks the links that it must have
├── InspectionError     what is to be looked at cannot be found or read
├── ConfigurationError  an option of a battery, or an entry of a list of links, is wrong (also a ValueError)
├── MissingDependencyError  a library is not installed; the message tells what to install (also an ImportError)
├── StoreError          a store cannot be reached; each battery says what it does then
├── SessionError        a session cannot be kept: a value is not JSON, or its cookie is too large (also a ValueError)
└── those of one room: TokenError and what is under it (support/access/token_errors.py), and others beside what
    raises them, which become one of these, or an answer, on their way
"""

from __future__ import annotations

from typing import Any

__all__ = (
    "AnswerError",
    "ConfigurationError",
    "InspectionError",
    "MissingDependencyError",
    "PolicyError",
    "RegistrationError",
    "RouteMiddlewareError",
    "SessionError",
    "StoreError",
)


class RouteMiddlewareError(Exception):
    """The root of every error that this package raises."""


class RegistrationError(RouteMiddlewareError, ValueError):
    """A chain, route or group was refused before anything was added to the router.

    Args:
        problem: what is wrong, and with what.
        cure: what to write instead.
        route: what was to be registered: a route, as `GET /posts/{id}`, a group or a router; empty for `chain()`.
        link: the link that is to blame, if it is one.
        position: the place of that link in the flattened chain, counted from 1; 0 if no link is to blame.
    """

    def __init__(self, problem: str, *, cure: str, route: str = "", link: Any = None, position: int = 0) -> None:
        super().__init__(f"{route}: {problem}; {cure}" if route else f"{problem}; {cure}")
        self.problem = problem
        self.cure = cure
        self.route = route
        self.link = link
        self.position = position


class AnswerError(RouteMiddlewareError, TypeError):
    """A link returned neither a response nor, for a guard, `None`; aiohttp answers 500 and logs this."""


class PolicyError(RouteMiddlewareError):
    """An application was refused at start-up: the message names each route that lacks the links it must have."""


class InspectionError(RouteMiddlewareError):
    """An application, a route or a file that is to be looked at cannot be found or read."""


class ConfigurationError(RouteMiddlewareError, ValueError):
    """An option was refused when a battery was made; or, in a request, what a callable of yours returned.

    Args:
        battery: what was made: its name, or the entry of a list.
        problem: which option is wrong, and how; never the value of a secret.
        cure: what to write instead.
    """

    def __init__(self, battery: str, problem: str, *, cure: str) -> None:
        super().__init__(f"{battery}: {problem}; {cure}")
        self.battery = battery
        self.problem = problem
        self.cure = cure


class MissingDependencyError(RouteMiddlewareError, ImportError):
    """A room was imported whose library is not installed.

    Args:
        library: what is missing.
        extra: the extra of this package that brings it.
    """

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"{library} is not installed; pip install 'aiohttp-route-middleware[{extra}]'", name=library)
        self.extra = extra


class StoreError(RouteMiddlewareError):
    """A store could not be reached, or did not answer in time."""


class SessionError(RouteMiddlewareError, ValueError):
    """A session cannot be kept: a value is not JSON, or its cookie is too large; aiohttp answers 500 and logs this."""
