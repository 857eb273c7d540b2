"""Each middleware runs around all that stands behind it, as the lines that this prints show.

It is written as short as the extended router allows, in the argument that aiohttp 3 deprecates and aiohttp 4 drops;
the other examples use `UrlDispatcherEx.install(app)`.

    curl -i http://127.0.0.1:8080/
    -> 200 extra_stuff=[foo, bar]
"""
# mypy: allow-untyped-defs, allow-untyped-calls

from aiohttp import web

from aiohttp_route_middleware import UrlDispatcherEx


async def test(request):
    print("..entering handler")
    response = web.Response(text=f"extra_stuff=[{', '.join(request.extra_stuff)}]")
    print("..exiting handler")
    return response


@web.middleware
async def middleware1(request, handler):
    print("entering middleware 1")
    request.extra_stuff = ["foo"]
    response = await handler(request)
    print("exiting middleware 1")
    return response


@web.middleware
async def middleware2(request, handler):
    print(".entering middleware 2")
    request.extra_stuff.append("bar")
    response = await handler(request)
    print(".exiting middleware 2")
    return response


def make_app() -> web.Application:
    app = web.Application(router=UrlDispatcherEx())
    app.router.add_get("/", middleware1, middleware2, test)  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
