"""Show a feed, line by line: `python -m examples.erp_gateway.watch URL TOKEN`."""

import asyncio
import sys

from aiohttp import ClientSession


async def watch(url: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with ClientSession() as session, session.ws_connect(url, headers=headers) as socket:
        print("The feed is open.", flush=True)
        async for message in socket:
            print(message.data, flush=True)


if __name__ == "__main__":
    asyncio.run(watch(*sys.argv[1:]))
