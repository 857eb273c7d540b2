"""What a change has forgotten, and what it does not reach."""

import asyncio

from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.response_cache import response_cache
from aiohttp_route_middleware.stores import MemoryStore

from ...middlewares.cached_site import Site, fetch, start


async def test_neither_a_change_nor_forget_reaches_other_query_strings(aiohttp_client: AiohttpClient) -> None:
    """Each is forgotten by itself."""
    cache = response_cache(store=MemoryStore())
    client = await start(aiohttp_client, Site(), cache)
    for target in ("/notes", "/notes?page=2"):
        await fetch(client, target)
    await fetch(client, "/notes", "POST")
    assert [(await fetch(client, target)).text for target in ("/notes", "/notes?page=2")] == ["run 4", "run 2"]
    await cache.forget(client.make_url("/notes?page=2"))
    assert [(await fetch(client, target)).text for target in ("/notes", "/notes?page=2")] == ["run 4", "run 5"]


async def test_another_cache_with_the_same_store_forgets_what_is_kept_and_not_what_is_being_made(
    aiohttp_client: AiohttpClient,
) -> None:
    """The link of the change is another one than that of the page."""
    store, site, changes = MemoryStore(), Site(), Site()
    reading, changing = response_cache(store=store), response_cache(store=store)

    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app)
    router.add_get("/notes", reading, site.__call__)
    router.add_post("/notes", changing, changes.__call__)
    client = await aiohttp_client(app)
    await fetch(client, "/notes")
    await fetch(client, "/notes", "POST")
    assert (await fetch(client, "/notes")).text == "run 2"
    await reading.forget(client.make_url("/notes"))
    site.gate = asyncio.Event()
    while not site.arrived.empty():
        site.arrived.get_nowait()
    being_made = asyncio.ensure_future(fetch(client, "/notes"))
    await site.arrived.get()
    await fetch(client, "/notes", "POST")
    site.gate.set()
    assert (await being_made).text == (await fetch(client, "/notes")).text == "run 3"
