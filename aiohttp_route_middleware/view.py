"""A chain that ends in a `web.View` class is a `View` class again: other libraries ask `issubclass`."""

from __future__ import annotations

import types
from collections.abc import Generator, Mapping
from typing import Any, ClassVar

from aiohttp import web
from aiohttp.abc import AbstractView

from .errors import RegistrationError
from .typedefs import Handler

__all__ = ("chain_view",)


class ChainedView(AbstractView):
    """Comes before the original class in the composed one, and keeps its code from running before the links have.

    `__new__`, `__init__` and `request` are not the original's, nor is `__init_subclass__`: the original is made by
    the last link, with the request that flowed on, and its subclass hook saw the original already.
    """

    __run__: ClassVar[Handler]

    def __init_subclass__(cls, **_: Any) -> None:
        if ChainedView not in cls.__bases__:
            raise RegistrationError(
                f"{cls.__qualname__} derives from a composed view", cure="derive from the View itself, and chain that"
            )

    @property
    def request(self) -> web.Request:
        """The request, even if the original makes something else of it."""
        return self._request

    def __new__(cls, *_: Any) -> Any:
        return object.__new__(cls)

    def __init__(self, request: web.Request) -> None:
        AbstractView.__init__(self, request)

    def __await__(self) -> Generator[Any, None, web.StreamResponse]:
        return type(self).__run__(self.request).__await__()


def chain_view(view: type[AbstractView], run: Handler, attributes: Mapping[str, Any]) -> type[AbstractView]:
    """Make a subclass of `view` that answers with `run`.

    It ends in the original class: what is set on the subclass later is never seen by a request.

    Args:
        view: the original class.
        run: the compiled chain, which ends in the original class.
        attributes: further class attributes.
    """
    body = {
        "__module__": view.__module__,
        "__qualname__": view.__qualname__,
        "__doc__": view.__doc__,
        "__firstlineno__": vars(view).get("__firstlineno__"),  # how inspect finds a class since Python 3.13
        "__run__": staticmethod(run),
        **attributes,
    }
    return types.new_class(view.__name__, (ChainedView, view), exec_body=lambda namespace: namespace.update(body))
