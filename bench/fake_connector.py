"""A Bot Connector that takes every message and counts them. A process of its own.

python -m bench.fake_connector PORT
"""

import sys

from aiohttp import web


def app() -> web.Application:
    """The server; `/count` says how many messages it took, and how many of them were cards."""
    count = {"messages": 0, "cards": 0}

    async def take(request: web.Request) -> web.Response:
        activity = await request.json()
        count["messages"] += 1
        count["cards"] += bool(activity.get("attachments"))
        return web.json_response({"id": str(count["messages"])}, status=201)

    async def counted(_: web.Request) -> web.Response:
        return web.json_response(count)

    async def members(_: web.Request) -> web.Response:
        return web.json_response([])

    made = web.Application()
    made.router.add_get("/count", counted)
    made.router.add_post("/{path:.*}", take)
    made.router.add_get("/{path:.*}", members)
    return made


if __name__ == "__main__":
    web.run_app(app(), host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
