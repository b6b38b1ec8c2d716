import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
import threading

from domain.actor import TenantId
from domain.notice import Message
from storage.executors import Executor
from storage.living_cards import LivingCard
from storage.outbox import FIRST_LEASE, OutboxItem

LEASE = timedelta(seconds=30)


def words(number: int) -> Message:
    return Message(markdown=f"message {number}")


async def due(store, now, owner="me", limit=9):
    found = await store.transaction(lambda unit: unit.outbox.due(now, owner, LEASE, limit))
    return [each.message.markdown for each in found]


async def test_a_message_is_sent_as_it_was_put(store, place, clock):
    message = Message(markdown="*hello*", card={"type": "AdaptiveCard"}, reply_to="17")
    item_id = await store.transaction(lambda unit: unit.outbox.put(place, message))

    found = await store.transaction(lambda unit: unit.outbox.due(clock.now(), "me", LEASE, 9))

    assert found == [OutboxItem(id=item_id, conversation=place, message=message, attempts=0)]


async def test_of_each_conversation_only_the_oldest_message_is_due(store, place, clock):
    other = replace(place, id="another")

    def put(unit):
        return [unit.outbox.put(each, words(n)) for n, each in enumerate([place, place, other])]

    ids = await store.transaction(put)

    assert await due(store, clock.now()) == ["message 0", "message 2"]
    await store.transaction(lambda unit: unit.outbox.done(ids[:1]))
    assert await due(store, clock.now()) == ["message 1"]


async def test_a_leased_message_is_nobody_elses_until_the_lease_is_over(store, place, clock):
    await store.transaction(lambda unit: unit.outbox.put(place, words(0)))
    assert await due(store, clock.now(), "first") == ["message 0"]

    assert await due(store, clock.now(), "second") == []
    assert await due(store, clock.now() + LEASE - timedelta(seconds=1), "second") == []
    assert await due(store, clock.now() + LEASE, "second") == ["message 0"]


async def test_a_message_put_with_an_owner_is_leased_from_the_start(store, place, clock):
    await store.transaction(lambda unit: unit.outbox.put(place, words(0), owner="me"))

    assert await due(store, clock.now(), "me") == []
    assert await due(store, clock.now() + FIRST_LEASE, "other") == ["message 0"]


async def test_what_a_dead_owner_leased_is_given_back(store, place, clock):
    def put(unit):
        unit.outbox.put(place, words(0), owner="dead")
        unit.outbox.put(replace(place, id="another"), words(1), owner="alive")

    await store.transaction(put)
    await store.transaction(lambda unit: unit.outbox.release("dead"))

    assert await due(store, clock.now()) == ["message 0"]


async def test_a_postponed_message_keeps_its_place(store, place, clock):
    def put(unit):
        return [unit.outbox.put(place, words(n)) for n in range(2)]

    ids = await store.transaction(put)
    await due(store, clock.now())
    later = clock.now() + timedelta(seconds=5)
    await store.transaction(lambda unit: unit.outbox.postpone(ids[0], later, "429"))

    assert await due(store, clock.now()) == []
    found = await store.transaction(lambda unit: unit.outbox.due(later, "me", LEASE, 9))
    assert [(each.id, each.attempts) for each in found] == [(ids[0], 1)]


async def test_no_more_is_leased_than_was_asked_for(store, place, clock):
    def put(unit):
        for n in range(3):
            unit.outbox.put(replace(place, id=str(n)), words(n))

    await store.transaction(put)

    assert await due(store, clock.now(), limit=2) == ["message 0", "message 1"]
    assert await due(store, clock.now(), limit=2) == ["message 2"]


async def test_the_id_of_a_message_is_never_used_again(store, place):
    first = await store.transaction(lambda unit: unit.outbox.put(place, words(0)))
    await store.transaction(lambda unit: unit.outbox.done([first]))

    second = await store.transaction(lambda unit: unit.outbox.put(place, words(1)))

    assert second > first


async def cards_due(store, now, owner="me"):
    return await store.transaction(lambda unit: unit.cards.due(now, owner, LEASE, 9))


async def touch(store, place, **kwargs):
    await store.transaction(lambda unit: unit.cards.touch("k7f3q2ma", place, **kwargs))


async def test_many_touches_are_answered_by_one_card(store, a_run, place, clock):
    await store.transaction(lambda unit: unit.runs.insert(a_run()))
    await touch(store, place, reply_to="17")
    await touch(store, replace(place, id="elsewhere"))

    item = LivingCard(
        id=1,
        subject="k7f3q2ma",
        conversation=place,
        reply_to="17",
        activity_id=None,
        wanted=2,
        sent_at=None,
        attempts=0,
    )
    assert await cards_due(store, clock.now()) == [item]
    await store.transaction(
        lambda unit: unit.cards.sent(
            1, activity_id="m1", version=2, at=clock.now(), pause=timedelta()
        )
    )

    assert await cards_due(store, clock.now()) == []
    shown = replace(item, activity_id="m1", sent_at=clock.now())
    assert await store.read(lambda unit: unit.cards.get("k7f3q2ma")) == shown


async def test_a_touch_during_delivery_is_not_lost(store, a_run, place, clock):
    await store.transaction(lambda unit: unit.runs.insert(a_run()))
    await touch(store, place)
    (item,) = await cards_due(store, clock.now())
    await touch(store, place)
    assert await cards_due(store, clock.now(), "other") == []
    await store.transaction(
        lambda unit: unit.cards.sent(
            item.id, activity_id="m1", version=item.wanted, at=clock.now(), pause=timedelta()
        )
    )

    (again,) = await cards_due(store, clock.now())

    assert (again.wanted, again.activity_id) == (2, "m1")


async def test_a_card_is_not_due_again_before_its_pause_is_over(store, a_run, place, clock):
    await store.transaction(lambda unit: unit.runs.insert(a_run()))
    await touch(store, place)
    pause = timedelta(seconds=2)
    await store.transaction(
        lambda unit: unit.cards.sent(1, activity_id="m1", version=1, at=clock.now(), pause=pause)
    )
    await touch(store, place)

    async def is_due():
        return await store.read(lambda unit: unit.cards.is_due(clock.now()))

    assert not await is_due()
    clock.move(pause)
    assert await is_due()
    assert len(await cards_due(store, clock.now())) == 1
    assert not await is_due()


async def test_a_late_sender_does_not_turn_the_card_back(store, a_run, place, clock):
    await store.transaction(lambda unit: unit.runs.insert(a_run()))
    await touch(store, place)
    await touch(store, place)

    def sent(version):
        return lambda unit: unit.cards.sent(
            1, activity_id="m1", version=version, at=clock.now(), pause=timedelta()
        )

    await store.transaction(sent(2))
    await store.transaction(sent(1))

    assert await cards_due(store, clock.now()) == []


async def test_a_postponed_card_is_due_at_its_time(store, a_run, place, clock):
    await store.transaction(lambda unit: unit.runs.insert(a_run()))
    await touch(store, place)
    await cards_due(store, clock.now())
    later = clock.now() + timedelta(seconds=2)
    await store.transaction(lambda unit: unit.cards.postpone(1, later))
    await touch(store, place)

    assert await cards_due(store, clock.now()) == []
    assert [each.attempts for each in await cards_due(store, later)] == [1]


async def test_a_message_that_is_gone_is_posted_anew(store, a_run, place, clock):
    await store.transaction(lambda unit: unit.runs.insert(a_run()))
    await touch(store, place)
    await store.transaction(
        lambda unit: unit.cards.sent(
            1, activity_id="m1", version=1, at=clock.now(), pause=timedelta()
        )
    )
    await touch(store, place)
    await cards_due(store, clock.now())
    await store.transaction(lambda unit: unit.cards.forget_message(1))

    assert [each.activity_id for each in await cards_due(store, clock.now())] == [None]


async def test_cards_of_a_dead_owner_are_given_back(store, a_run, place, clock):
    await store.transaction(lambda unit: unit.runs.insert(a_run()))
    await touch(store, place)
    await cards_due(store, clock.now(), "dead")

    await store.transaction(lambda unit: unit.cards.release("dead"))

    assert len(await cards_due(store, clock.now(), "other")) == 1


async def test_a_card_never_touched_is_unknown(store):
    assert await store.read(lambda unit: unit.cards.get("k7f3q2ma")) is None


async def test_an_executor_is_stale_when_it_was_silent_for_longer_than_its_lease(store, clock):
    started = clock.now()

    def beat(executor_id):
        return lambda unit: unit.executors.beat(executor_id, "host", 17, started, unit.now)

    await store.transaction(beat("dead"))
    await store.transaction(beat("alive"))
    clock.move(timedelta(seconds=9))
    await store.transaction(beat("alive"))

    lease = timedelta(seconds=8)
    stale = await store.transaction(lambda unit: unit.executors.stale(unit.now, lease))

    dead = Executor(id="dead", host="host", pid=17, started_at=started, beat_at=started)
    assert stale == [dead]
    claim = partial(store.transaction, lambda unit: unit.executors.claim(dead, unit.now))
    assert [await claim(), await claim()] == [True, False]
    assert await store.read(lambda unit: [each.id for each in unit.executors.all()]) == [
        "alive",
        "dead",
    ]
    await store.transaction(lambda unit: unit.executors.remove("dead"))
    assert await store.read(lambda unit: [each.id for each in unit.executors.all()]) == ["alive"]


async def test_the_newest_word_on_how_teams_addresses_somebody_counts(store):
    tenant = TenantId("t")

    def work(unit):
        unit.members.remember(tenant, "dev", "29:old", "dev-1")
        unit.members.remember(tenant, "sre", "29:sre", "sre-1")
        unit.members.remember(tenant, "dev", "29:new", "dev-1")
        unit.members.remember(TenantId("other"), "dev", "29:other", "dev-1")
        wanted = iter(["dev", "sre", "stranger"])
        return unit.members.teams_ids(tenant, wanted), unit.members.teams_ids(tenant, [])

    assert await store.transaction(work) == ({"dev": "29:new", "sre": "29:sre"}, {})


async def test_the_message_of_a_dialog_goes_on_as_that_of_its_run(store, a_run, place, clock):
    dialog = "dialog/1"
    await store.transaction(lambda unit: unit.runs.insert(a_run()))
    await store.transaction(lambda unit: unit.cards.touch(dialog, place, "17"))
    (item,) = await cards_due(store, clock.now())

    def becomes_a_run(unit):
        unit.cards.touch("k7f3q2ma", place, "99")
        unit.cards.hand_over(dialog, to="k7f3q2ma")

    await store.transaction(becomes_a_run)
    await store.transaction(
        lambda unit: unit.cards.sent(
            item.id, activity_id="m1", version=item.wanted, at=clock.now(), pause=timedelta()
        )
    )

    assert await store.read(lambda unit: unit.cards.get(dialog)) is None
    (now_the_runs,) = await cards_due(store, clock.now())
    assert now_the_runs == replace(
        item, subject="k7f3q2ma", activity_id="m1", wanted=2, sent_at=clock.now()
    )


async def test_who_is_known_already_is_not_locked(store):
    """On PostgreSQL an insertion that changes nothing locks: all of one person's messages waited
    for one another."""
    if not store.url.startswith("postgresql"):
        return  # SQLite has one writer
    both = threading.Barrier(2, timeout=10)

    def remember(unit):
        unit.members.remember(TenantId("t"), "dev", "29:dev", "dev-1")

    def remembers_at_once(unit):
        remember(unit)
        both.wait()

    await store.transaction(remember)

    await asyncio.gather(
        store.transaction(remembers_at_once), store.transaction(remembers_at_once)
    )
