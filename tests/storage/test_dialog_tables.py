"""Guided dialogs and latest commands, as rows."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.actor import Actor, ObjectId, TenantId
from domain.dialog import PATIENCE, Dialog, DialogState, Style
from storage.recents import Said

DEV = Actor(tenant=TenantId("t"), id=ObjectId("dev"), name="dev-1", roles=frozenset({"developer"}))


@pytest.fixture
def dialog(place, clock):
    return Dialog(
        id="d1",
        owner=DEV,
        conversation=place,
        command="deploy",
        style=Style.GUIDED,
        values={"version": "v1.1.0", "service": "shop"},
        drafts={"environment": "prod"},
        state=DialogState.OPEN,
        rev=1,
        opened_at=clock.now(),
        expires_at=clock.now() + PATIENCE,
    )


async def test_a_dialog_comes_back_as_it_was(store, dialog):
    await store.transaction(lambda unit: unit.dialogs.insert(dialog))
    found = await store.read(lambda unit: unit.dialogs.get("d1"))
    assert found == dialog

    ended = replace(
        dialog, rev=2, state=DialogState.DONE, run_id="k7f3q2ma", result={"type": "AdaptiveCard"}
    )
    assert await store.transaction(lambda unit: unit.dialogs.save(ended))

    assert await store.read(lambda unit: unit.dialogs.get("d1")) == ended
    assert await store.read(lambda unit: unit.dialogs.get("d2")) is None


async def test_only_one_of_two_changes_to_a_revision_is_saved(store, dialog):
    await store.transaction(lambda unit: unit.dialogs.insert(dialog))
    first, second = (
        replace(dialog, rev=2, values={"service": name}) for name in ("shop", "billing")
    )

    assert await store.transaction(lambda unit: unit.dialogs.save(first))
    assert not await store.transaction(lambda unit: unit.dialogs.save(second))

    assert await store.read(lambda unit: unit.dialogs.get("d1")) == first


async def test_open_dialogs_are_found_by_who_is_asked_and_where(store, dialog, place, clock):
    later = replace(dialog, id="d2", opened_at=clock.now() + timedelta(seconds=1))
    others = [
        replace(dialog, id="d3", owner=replace(DEV, id=ObjectId("sre"))),
        replace(dialog, id="d4", conversation=replace(place, id="elsewhere")),
        replace(dialog, id="d5", state=DialogState.CANCELLED),
    ]
    for each in (dialog, later, *others):
        await store.transaction(lambda unit, each=each: unit.dialogs.insert(each))

    found = await store.read(lambda unit: unit.dialogs.open_of(place.id, DEV.id))

    assert [each.id for each in found] == ["d2", "d1"]


async def test_overdue_and_forgotten(store, dialog, clock):
    ended = replace(dialog, id="d2", state=DialogState.DONE)
    for each in (dialog, ended):
        await store.transaction(lambda unit, each=each: unit.dialogs.insert(each))
    assert await store.read(lambda unit: unit.dialogs.overdue(clock.now())) == ()

    after = dialog.expires_at + timedelta(seconds=1)
    overdue = await store.read(lambda unit: unit.dialogs.overdue(after))
    assert [each.id for each in overdue] == ["d1"]
    assert await store.transaction(lambda unit: unit.dialogs.forget(after)) == 1
    assert await store.read(lambda unit: unit.dialogs.get("d1")) == dialog


async def test_with_a_dialog_goes_what_is_known_of_its_message(store, dialog, place):
    ended = replace(dialog, id="d2", state=DialogState.CANCELLED)
    for each in (dialog, ended):
        await store.transaction(lambda unit, each=each: unit.dialogs.insert(each))
        await store.transaction(lambda unit, each=each: unit.cards.touch(each.subject, place))
    await store.transaction(lambda unit: unit.cards.touch("k7f3q2ma", place))

    after = dialog.expires_at + timedelta(seconds=1)
    await store.transaction(lambda unit: unit.dialogs.forget(after))

    kept = [
        subject
        for subject in (dialog.subject, ended.subject, "k7f3q2ma")
        if await store.read(lambda unit, subject=subject: unit.cards.get(subject))
    ]
    assert kept == [dialog.subject, "k7f3q2ma"]


async def test_the_latest_command_of_a_person_in_a_place(store, clock):
    def last(person="dev", place="ops"):
        return store.read(lambda unit: unit.recents.last(DEV.tenant, place, ObjectId(person)))

    for name in ("status", "deploy"):
        said = Said(command=name, arguments={"service": "shop"})
        await store.transaction(
            lambda unit, said=said: unit.recents.remember(DEV.tenant, "ops", DEV.id, said)
        )

    assert await last() == Said(command="deploy", arguments={"service": "shop"})
    assert await last("sre") is None
    assert await last(place="elsewhere") is None
    after = clock.now() + timedelta(seconds=1)
    assert await store.transaction(lambda unit: unit.recents.forget(after)) == 1
    assert await last() is None
