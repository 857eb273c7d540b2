"""A middleware may call the rest of the chain more than once: this one tries again when a backend is out of reach.

Only what may safely run twice belongs behind it, such as a GET that changes nothing.

    curl -i http://127.0.0.1:8080/weather/2
    -> 200 Sunny, at attempt 3

    curl -i http://127.0.0.1:8080/weather/3
    -> 502 The weather station does not answer
"""

from aiohttp import web

from aiohttp_route_middleware import Handler, UrlDispatcherEx

ATTEMPT = web.RequestKey("ATTEMPT", int)


async def retry(request: web.Request, handler: Handler) -> web.StreamResponse:
    for attempt in (1, 2, 3):
        request[ATTEMPT] = attempt
        try:
            return await handler(request)
        except ConnectionError:
            pass
    return web.Response(text="The weather station does not answer", status=502)


async def ask_weather_station(request: web.Request) -> web.Response:
    """Stand for a backend that fails as often as the path says."""
    if request[ATTEMPT] <= int(request.match_info["failures"]):
        raise ConnectionError
    return web.Response(text=f"Sunny, at attempt {request[ATTEMPT]}")


def make_app() -> web.Application:
    app = web.Application()
    router = UrlDispatcherEx.install(app)
    router.add_get("/weather/{failures:[0-9]}", retry, ask_weather_station)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
