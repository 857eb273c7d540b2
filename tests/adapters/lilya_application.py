"""An application of Lilya, which is installed apart from the rest: it needs an older multidict."""

from __future__ import annotations

from typing import Any

from lilya.apps import Lilya  # type: ignore[import-not-found,unused-ignore]  # installed apart
from lilya.responses import JSONResponse  # type: ignore[import-not-found,unused-ignore]  # installed apart
from lilya.routing import Path  # type: ignore[import-not-found,unused-ignore]  # installed apart

is_up = False


async def start() -> None:
    global is_up
    is_up = True


async def hello(request: Any) -> Any:
    return JSONResponse({"hello": request.path_params["name"], "is_up": is_up})


app: Any = Lilya(routes=[Path("/hello/{name}", hello)], on_startup=[start])
