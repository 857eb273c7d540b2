"""One request on its way through an ASGI middleware and back: what was set behind it, and what has failed there."""

from __future__ import annotations

from .carried_context import CarriedContext
from .failure import Failure
from .messages import AsgiApplication, Receive, Scope, Send

__all__ = ("Crossing",)


class Crossing:
    """What comes out again; made in the task of the request."""

    def __init__(self) -> None:
        self.context: CarriedContext = CarriedContext()
        self.failure: Failure = Failure()

    async def run(self, middleware: AsgiApplication, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the middleware, and raise what has failed behind it as what it was."""
        failed = None
        try:
            await middleware(scope, receive, send)
        except Exception as error:
            failed = self.failure.find(error)
        finally:
            self.context.carry_out()
        if failed is not None:  # raised out here, it does not bear the group that it was in as its context
            raise failed
