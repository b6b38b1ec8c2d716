"""A Bot Connector that takes every message and counts them. A process of its own.

python -m bench.fake_connector PORT
"""

import sys

from aiohttp import web


def app() -> web.Application:
    """The server; `/count` says how many messages it took."""
    count = 0

    async def take(_: web.Request) -> web.Response:
        nonlocal count
        count += 1
        return web.json_response({"id": str(count)}, status=201)

    async def counted(_: web.Request) -> web.Response:
        return web.json_response({"count": count})

    made = web.Application()
    made.router.add_get("/count", counted)
    made.router.add_post("/{path:.*}", take)
    made.router.add_get("/{path:.*}", lambda _: _no_members())
    return made


async def _no_members() -> web.Response:
    return web.json_response([])


if __name__ == "__main__":
    web.run_app(app(), host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
