"""What a second look found: the database falters, and the process is asked to stop."""

import asyncio
from datetime import timedelta

from domain.errors import Unavailable
from domain.notice import Message
from storage.outbox import Outbox
from tests.delivery.conftest import PLACE


def falter(monkeypatch, method):
    """Have the database not answer once, when the outbox's *method* is called."""
    real, left = getattr(Outbox, method), [Unavailable("The database did not answer.")]

    def faltering(self, *args):
        if left:
            raise left.pop()
        return real(self, *args)

    monkeypatch.setattr(Outbox, method, faltering)


async def test_what_was_sent_is_not_sent_again_though_the_database_faltered(world, monkeypatch):
    falter(monkeypatch, "done")
    await world.say("once")
    await world.until(lambda: world.channel.words == ["once"])
    world.start()
    await asyncio.sleep(0.5)
    world.clock.moment += timedelta(minutes=5)  # every lease is over
    await asyncio.sleep(0.5)
    await world.stop()

    assert world.channel.words == ["once"]
    assert await world.left_over() == 0


async def test_replies_go_on_after_the_database_faltered_at_one_that_was_not_sent(
    world, monkeypatch
):
    falter(monkeypatch, "postpone")
    world.channel.troubles.append(Unavailable("Not now."))
    await world.say("first")
    await world.until(lambda: not world.delivery._tasks)
    world.start()
    await world.say("second")
    world.clock.moment += timedelta(seconds=31)  # the lease of what was not sent is over
    await world.until(lambda: world.channel.words == ["first", "second"])
    await world.until(lambda: not world.delivery._behind)

    await world.say("third")
    await world.until(lambda: world.channel.words[2:] == ["third"])


async def test_once_it_has_finished_nothing_more_is_sent_and_nothing_is_lost(world):
    world.start()
    await world.say("before")
    await world.until(lambda: world.channel.words == ["before"])

    await world.delivery.finish(timedelta(seconds=1))
    await world.say("after")
    await world.touch("running")
    await world.store.transaction(
        lambda unit: unit.outbox.put(PLACE, Message(markdown="of another process"))
    )
    await asyncio.sleep(0.6)

    assert world.channel.words == ["before"]
    await world.store.transaction(lambda unit: unit.outbox.release("me"))
    await world.store.transaction(lambda unit: unit.cards.release("me"))
    world.delivery = world.another("heir")
    world.start()
    await world.until(lambda: len(world.channel.log) == 4)


async def test_a_reply_that_takes_longer_than_its_lease_is_not_sent_by_the_loop_as_well(world):
    world.channel.gate = asyncio.Event()
    await world.say("slow")
    world.clock.moment += timedelta(minutes=5)
    world.start()
    await asyncio.sleep(0.4)

    world.channel.gate.set()
    await world.until(lambda: world.channel.words)
    await world.stop()

    assert world.channel.words == ["slow"]
    assert await world.left_over() == 0
