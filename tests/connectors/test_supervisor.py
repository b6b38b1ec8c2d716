"""The `supervisor` connector against a real supervisord, and against none."""

import asyncio
from datetime import datetime
import re
from xmlrpc import client

import aiohttp
import pytest

from connectors.registry import connect, offers
from domain.errors import Ambiguous, BadArguments, Refused, Unavailable
from tests.connectors.world import World, entry, until

SHOP = {"service": "shop", "environment": "staging"}
ENTITY = b"""<!DOCTYPE x [<!ENTITY a 'b'>]>
<methodResponse><params><param><value>&a;</value></param></params></methodResponse>"""


def world_on(state, **settings: str) -> World:
    return World(state, connect({"s": entry("supervisor", **settings)}, state, offers()))


async def status(world: World):
    return await world.apply("supervisor.status@1", **SHOP)


async def test_status_tells_whether_it_runs_and_since_when(world):
    found = await status(world)

    assert found["state"] in {"running", "starting"}
    assert found["pid"] > 1
    assert datetime.fromisoformat(found["since"]).tzinfo is not None


async def test_a_restart_gives_a_new_process_and_is_recorded(world, key):
    before = await status(world)

    done = await world.apply("supervisor.restart@1", key, **SHOP)

    after = await status(world)
    assert (after["state"], after["pid"] == before["pid"]) == ("running", False)
    assert world.effects(key) == [
        {
            "at": done["at"],
            **SHOP,
            "action": "restart",
            "version": world.current("shop", "staging"),
            "key": key,
        }
    ]


async def test_the_same_key_restarts_once(world, key):
    first = await world.apply("supervisor.restart@1", key, **SHOP)
    pid = (await status(world))["pid"]

    again = await world.apply("supervisor.restart@1", key, **SHOP)

    assert again == first == await world.reconcile("supervisor.restart@1", key, **SHOP)
    assert (await status(world))["pid"] == pid
    assert len(world.effects(key)) == 1


async def test_two_at_once_with_one_key_restart_once(world, key):
    answers = await asyncio.gather(
        *(world.apply("supervisor.restart@1", key, **SHOP) for _ in range(3))
    )

    assert answers == [answers[0]] * 3
    assert len(world.effects(key)) == 1


async def test_two_at_once_with_two_keys_restart_one_after_the_other(world, key):
    await asyncio.gather(
        world.apply("supervisor.restart@1", f"{key}-a", **SHOP),
        world.apply("supervisor.restart@1", f"{key}-b", **SHOP),
    )

    assert [len(world.effects(f"{key}-{each}")) for each in "ab"] == [1, 1]


async def test_a_restart_goes_on_though_the_one_who_asked_is_gone(world, key):
    """Else a bot that is killed in the middle would leave the service stopped."""
    before = (await status(world))["pid"]
    socket = (world.state / "supervisor.path").read_text().strip()
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(socket)) as session:
        body = client.dumps(("shop-staging", key, "shop", "staging"), "signalbox.restart")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), session.post("http://s/RPC2", data=body.encode()):
                pass

    await until(lambda: world.reconcile("supervisor.restart@1", key, **SHOP))
    after = await status(world)
    assert (after["state"], after["pid"] == before) == ("running", False)
    assert len(world.effects(key)) == 1


async def test_a_process_that_does_not_start_is_refused_and_its_restart_not_recorded(
    world, key, tmp_path
):
    target = {"service": "billing", "environment": "staging"}
    current = world.state / "services/billing/staging/current"
    right = current.readlink()
    (tmp_path / "service.py").write_text("raise SystemExit(1)")
    current.unlink()
    current.symlink_to(tmp_path)
    try:
        with pytest.raises(Refused) as refused:
            await world.apply("supervisor.restart@1", key, **target)
    finally:
        current.unlink()
        current.symlink_to(right)
    assert re.fullmatch(
        r"billing in staging was not restarted: (it ended at once|Exited too quickly .*)\.",
        str(refused.value),
    )
    assert world.effects(key) == []

    await world.apply("supervisor.restart@1", key, **target)  # now it can

    assert len(world.effects(key)) == 1


async def test_a_restart_that_did_not_happen_is_not_found(world, key):
    assert await world.reconcile("supervisor.restart@1", key, **SHOP) is None


async def test_a_key_stands_for_one_process_only(world, key):
    await world.apply("supervisor.restart@1", key, **SHOP)

    with pytest.raises(Ambiguous, match="that key restarted shop in staging"):
        await world.apply("supervisor.restart@1", key, service="billing", environment="staging")


async def test_the_plan_of_a_restart_says_what_happens(world):
    plan = await world.plan("supervisor.restart@1", **SHOP)

    assert [(c.target, c.what, c.before, c.after) for c in plan.changes] == [
        ("shop in staging", "process", "running", "running anew")
    ]
    assert plan.before == {"state": "running"}
    assert plan.rollback


async def test_the_log_is_shown_from_its_end(world):
    two = await world.apply("supervisor.logs@1", **SHOP, lines=2)
    more = await world.apply("supervisor.logs@1", **SHOP, lines=200)

    assert len(two["lines"]) == 2
    assert more["lines"][-2:] == two["lines"]
    assert '"message": "started"' in "".join(more["lines"])


async def test_a_log_with_colours_and_odd_bytes_is_shown(world):
    """supervisord puts control characters into its XML, which no parser takes."""
    log = world.state / "services/billing/prod/log.jsonl"
    with log.open("a") as file:
        file.write("ü" * 20_000 + "\n\x1b[31mred\x1b[0m\n")

    for lines in range(10, 14):  # the cut falls on different bytes of the characters
        shown = await world.apply(
            "supervisor.logs@1", service="billing", environment="prod", lines=lines
        )
        assert "[31mred[0m" in shown["lines"]


async def test_a_process_that_does_not_exist_is_refused(world):
    with pytest.raises(Refused, match="supervisord has no process shop-moon"):
        await world.apply("supervisor.status@1", service="shop", environment="moon")


@pytest.mark.parametrize("service", ["*", "shop:*", "", "a b", "-x"])
async def test_a_name_that_means_more_than_one_process_is_refused(world, service):
    with pytest.raises(BadArguments):
        await world.apply("supervisor.restart@1", service=service, environment="prod")


async def test_a_supervisord_without_the_extension_is_refused_with_the_way_out(tmp_path, key):
    fault = client.dumps(client.Fault(1, "UNKNOWN_METHOD"), methodresponse=True).encode()
    async with answering(tmp_path, fault) as world:
        with pytest.raises(Refused) as refused:
            await world.apply("supervisor.restart@1", key, **SHOP)

    assert refused.value.hint == "Load connectors.supervisor_keys in its configuration."


async def test_a_supervisord_that_is_not_there_is_unavailable(tmp_path):
    world = world_on(tmp_path, socket=str(tmp_path / "none"))

    with pytest.raises(Unavailable) as unavailable:
        await world.apply("supervisor.restart@1", "key", **SHOP)

    await world.close()
    assert not isinstance(unavailable.value, Ambiguous)  # nothing was sent


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"no xml",
        b"\xff\xfe",
        b"<methodResponse/>",
        ENTITY,
        b"x" * (1024 * 1024 + 1),
    ],
    ids=["cut", "empty", "text", "no utf-8", "no value", "entity", "large"],
)
async def test_a_lost_answer_to_a_restart_is_ambiguous_and_to_a_question_is_not(tmp_path, body):
    async with answering(tmp_path, body) as world:
        with pytest.raises(Ambiguous):
            await world.apply("supervisor.restart@1", "key", **SHOP)
        with pytest.raises(Unavailable) as unavailable:
            await world.apply("supervisor.status@1", **SHOP)

    assert not isinstance(unavailable.value, Ambiguous)


class answering:  # noqa: N801 - reads as a sentence in `async with`
    """A server that answers every call with *body*, or hangs up where that is None."""

    def __init__(self, folder, body: bytes | None) -> None:
        self._path = folder / "s"
        self._body = body
        self._world = world_on(folder, socket=str(self._path))

    async def __aenter__(self) -> World:
        self._server = await asyncio.start_unix_server(self._serve, self._path)
        return self._world

    async def __aexit__(self, *_: object) -> None:
        await self._world.close()
        self._server.close()

    async def _serve(self, reader, writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.splitlines()
            if line.lower().startswith(b"content-length")
        )
        await reader.readexactly(length)
        if self._body is not None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(self._body))
            writer.write(self._body)
        writer.close()
