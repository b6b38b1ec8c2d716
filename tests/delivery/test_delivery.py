"""Messages arrive once and in order; cards are coalesced; what fails comes again."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from domain.errors import Refused, Unavailable, UnknownMessage, UnknownRun
from domain.notice import Message, Notice, NoticeKind
from tests.delivery.conftest import PLACE

SOON = timedelta(seconds=30)


async def test_a_reply_is_sent_without_waiting_for_the_loop(world):
    await world.say("hello")

    await world.until(lambda: world.channel.words == ["hello"])


async def test_replies_to_one_conversation_keep_their_order(world):
    await asyncio.gather(*(world.say(f"{n}a", f"{n}b") for n in range(5)))

    await world.until(lambda: len(world.channel.log) == 10)

    words = world.channel.words
    assert all(words.index(f"{n}b") == words.index(f"{n}a") + 1 for n in range(5))


async def test_what_was_sent_is_not_sent_again(world):
    world.start()
    await world.say("once")
    await world.until(lambda: world.channel.words == ["once"])
    await world.stop()

    assert await world.left_over() == 0
    assert world.channel.words == ["once"]


async def test_what_a_dead_process_left_is_sent_by_another(world):
    def leave(unit):
        unit.outbox.put(PLACE, Message(markdown="orphan"), owner="dead")

    await world.store.transaction(leave)
    world.start()
    await asyncio.sleep(0.4)
    assert world.channel.words == []

    await world.store.transaction(lambda unit: unit.outbox.release("dead"))
    await world.until(lambda: world.channel.words == ["orphan"])
    await world.stop()

    assert await world.left_over() == 0
    assert world.channel.words == ["orphan"]


async def test_when_the_channel_says_wait_the_order_holds(world):
    world.channel.troubles.append(
        Unavailable("Too many requests.", retry_after=timedelta(seconds=7))
    )
    await world.say("first", "second")
    world.start()
    await world.say("third")
    await asyncio.sleep(0.1)
    assert world.channel.words == []

    world.clock.moment += timedelta(seconds=8)
    await world.until(lambda: len(world.channel.log) == 3)

    assert world.channel.words == ["first", "second", "third"]


async def test_one_conversation_that_waits_does_not_hold_up_another(world):
    world.channel.troubles.append(Unavailable("Not now.", retry_after=SOON))
    await world.say("stuck")
    await asyncio.sleep(0.05)
    await world.say("free", place=replace(PLACE, id="19:other@thread.tacv2"))

    await world.until(lambda: world.channel.words == ["free"])


async def test_a_message_that_is_refused_for_good_is_dropped(world):
    world.channel.troubles.append(Refused("The conversation is gone."))
    world.start()
    await world.say("lost", "next")

    await world.until(lambda: world.channel.words == ["next"])
    await world.stop()
    assert await world.left_over() == 0


async def test_a_card_is_posted_once_and_then_edited(world):
    world.start()
    await world.touch("planning")
    await world.until(lambda: len(world.channel.log) == 1)
    await world.touch("running")
    world.clock.moment += timedelta(seconds=2)
    await world.until(lambda: len(world.channel.log) == 2)

    assert world.channel.log == [
        ("send", "m1", "k7f3q2ma is planning"),
        ("update", "m1", "k7f3q2ma is running"),
    ]
    assert world.channel.rosters == 1


async def test_many_states_within_two_seconds_are_one_edit_with_the_last_one(world):
    world.start()
    await world.touch("planning")
    await world.until(lambda: len(world.channel.log) == 1)
    for state in ("queued", "running", "succeeded"):
        await world.touch(state)
    await asyncio.sleep(0.6)
    assert len(world.channel.log) == 1

    world.clock.moment += timedelta(seconds=2)
    await world.until(lambda: len(world.channel.log) == 2)

    assert world.channel.words[-1] == "k7f3q2ma is succeeded"


async def test_a_card_whose_message_was_deleted_is_posted_anew(world):
    world.start()
    await world.touch("planning")
    await world.until(lambda: len(world.channel.log) == 1)
    world.clock.moment += timedelta(seconds=3)
    world.channel.troubles.append(UnknownMessage("It is gone."))
    await world.touch("running")

    await world.until(lambda: len(world.channel.log) == 2)

    assert world.channel.log[-1] == ("send", "m2", "k7f3q2ma is running")


async def test_a_card_that_could_not_be_sent_is_sent_when_the_channel_said(world):
    world.channel.troubles.append(Unavailable("Later.", retry_after=timedelta(seconds=9)))
    world.start()
    await world.touch("planning")
    await asyncio.sleep(0.4)
    assert world.channel.log == []

    world.clock.moment += timedelta(seconds=10)

    await world.until(lambda: world.channel.words == ["k7f3q2ma is planning"])


async def test_a_card_that_cannot_be_rendered_does_not_stop_the_messages(world):
    async def broken(_run_id):
        raise ZeroDivisionError

    world.delivery._card_of = broken
    world.start()
    await world.touch("planning")
    await world.say("hello")

    await world.until(lambda: world.channel.words == ["hello"])


async def test_a_notice_is_put_into_words_when_it_is_sent(world):
    notice = Notice(kind=NoticeKind.ENDED, run_id="k7f3q2ma")
    world.notice_troubles.append(Unavailable("Its card is not there yet."))
    await world.store.transaction(lambda unit: unit.outbox.put(PLACE, notice))
    world.start()
    await world.until(lambda: not world.notice_troubles)
    await asyncio.sleep(0.1)
    assert world.channel.words == []

    world.clock.moment += timedelta(seconds=2)
    await world.until(lambda: world.channel.words)
    await world.stop()

    assert world.channel.words == ["k7f3q2ma ended after 1"]
    assert await world.left_over() == 0


async def test_a_notice_about_no_run_is_dropped_and_holds_nobody_up(world):
    notice = Notice(kind=NoticeKind.ENDED, run_id="nowhere2")
    world.notice_troubles.append(UnknownRun("nowhere2"))

    def both(unit):
        unit.outbox.put(PLACE, notice)
        unit.outbox.put(PLACE, Message(markdown="next"))

    await world.store.transaction(both)
    world.start()
    await world.until(lambda: world.channel.words == ["next"])
    await world.stop()

    assert await world.left_over() == 0
