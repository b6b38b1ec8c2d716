"""Votes with a comment, taken back, and too late; who is called; whose vote still counts."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.electorate import Electorate
from bot.notices import PATIENT_ATTEMPTS, Notices
from domain.conversation import ConversationKind
from domain.errors import Unavailable, UnknownRun
from domain.notice import Mention, Message, Notice, NoticeKind
from domain.run import Run, RunState
from tests.dispatch.world import Bot, buttons, words

DEPLOY = "deploy shop v1.1.0 to prod"
ELSEWHERE = "19:elsewhere@thread.tacv2;messageid=9"


@pytest.fixture
async def run(bot: Bot) -> Run:
    """dev-1's deploy, waiting for two approvals, its card posted."""
    run = await bot.opened(await bot.asks_for("dev-1", DEPLOY))
    await posted(bot, run)
    return run


async def posted(bot: Bot, run: Run) -> None:
    def sent(unit: Any) -> None:
        shown = unit.cards.get(run.id)
        assert shown is not None
        unit.cards.sent(
            shown.id, activity_id="card-1", version=9, at=unit.now, pause=timedelta(seconds=2)
        )

    await bot.store.transaction(sent)


async def with_comments(bot: Bot, run: Run, rule: str) -> None:
    definition = {**run.definition, "approval": {"comment": rule}}
    await bot.store.transaction(
        lambda unit: unit.runs.save(replace(unit.runs.lock(run.id), definition=definition))
    )


async def gate(bot: Bot, run: Run) -> Any:
    return await bot.store.read(lambda unit: unit.gates.latest(run.id))


async def comments(bot: Bot, run: Run) -> list[str]:
    return [vote.comment for vote in (await gate(bot, run)).votes]


def fields(card: Any) -> dict[str, bool]:
    """The fields of a card, and whether each must be filled in."""
    found: dict[str, bool] = {}

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if str(node.get("type")).startswith("Input."):
                found[node["id"]] = node.get("isRequired", False)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for each in node:
                walk(each)

    walk(card)
    return found


# -- comments ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (None, {"in.comment": False, "in.reason": True}),
        ("optional", {"in.comment": False}),
        ("on_reject", {"in.comment": False, "in.reason": True}),
        ("required", {"in.comment": True}),
    ],
)
async def test_the_card_asks_for_the_comments_that_the_workflow_wants(
    bot: Bot, run: Run, rule, expected
):
    if rule is not None:
        await with_comments(bot, run, rule)

    card = await bot.looks("approver-1", run.id)

    assert fields(card) == expected
    assert buttons(card).keys() == {"approve", "reject", "cancel"}


async def test_an_approval_carries_what_stands_in_the_cards_field(bot: Bot, run: Run):
    token = buttons(await bot.looks("approver-1", run.id))["approve"]

    await bot.presses("approver-1", "approve", token, inputs={"in.comment": "checked dashboards"})

    assert await comments(bot, run) == ["checked dashboards"]


@pytest.mark.parametrize(
    ("inputs", "comment"),
    [
        ({"in.reason": "Not now."}, "Not now."),
        ({"in.comment": "Not now."}, "Not now."),
        ({"in.reason": "Not now.", "in.comment": "Looks risky."}, "Not now. Looks risky."),
        ({"in.reason": "Not now.", "in.comment": "Not now."}, "Not now."),
        ({}, ""),
    ],
)
async def test_nothing_that_was_written_before_a_rejection_is_lost(
    bot: Bot, run: Run, inputs, comment
):
    token = buttons(await bot.looks("approver-1", run.id))["reject"]

    await bot.presses("approver-1", "reject", token, inputs=inputs)

    assert await comments(bot, run) == [comment]
    assert await bot.state(run) is RunState.REJECTED


@pytest.mark.parametrize(
    ("rule", "verb", "is_refused"),
    [
        ("required", "approve", True),
        ("required", "reject", True),
        ("on_reject", "reject", True),
        ("on_reject", "approve", False),
        ("optional", "reject", False),
    ],
)
async def test_a_vote_without_a_comment_that_is_wanted_counts_for_nothing(
    bot: Bot, run: Run, rule, verb, is_refused
):
    await with_comments(bot, run, rule)
    token = buttons(await bot.looks("approver-1", run.id))[verb]

    said = await bot.presses("approver-1", verb, token, inputs={"in.comment": "  "})

    if not is_refused:
        assert await comments(bot, run) == [""]
        return
    assert f"Say why you {verb}: this workflow wants a comment." in words(said["value"])
    assert buttons(said["value"]).keys() >= {"approve", "reject"}
    assert await bot.last_event() == ("approval.denied", "approver-1", "no_comment")
    assert await comments(bot, run) == []
    typed = await bot.says("approver-1", f"{verb} {run.id}")
    assert typed is not None
    assert typed.markdown.startswith(f"Say why you {verb}")
    await bot.says("approver-1", f'{verb} {run.id} --comment "because"')
    assert await comments(bot, run) == ["because"]


# -- taking it back ------------------------------------------------------------------------


async def test_a_vote_is_taken_back_with_the_button_and_may_be_given_again(bot: Bot, run: Run):
    await bot.says("approver-2", f"approve {run.id}")
    token = buttons(await bot.looks("approver-2", run.id))["withdraw"]

    said = await bot.presses("approver-2", "withdraw", token)

    assert f"You took back your approval of run {run.id}: 0 of 2." in words(said["value"])
    assert buttons(said["value"]).keys() == {"approve", "reject"}
    assert await bot.votes(run) == []
    assert [e["type"] for e in await bot.events()][-2:] == ["approval.withdrawn", "command.parsed"]
    await bot.says("approver-2", f"approve {run.id}")
    assert await bot.votes(run) == ["approver-2"]


async def test_a_vote_is_taken_back_by_typing_and_only_ones_own(bot: Bot, run: Run):
    await bot.says("approver-1", f"approve {run.id}")

    denied = await bot.says("approver-2", f"withdraw {run.id}")
    done = await bot.says("approver-1", f"withdraw {run.id}")

    assert denied is not None
    assert denied.markdown == "You have not voted on this, so there is nothing to take back."
    assert done is not None
    assert done.markdown == f"You took back your approval of run {run.id}: 0 of 2."
    assert await bot.votes(run) == []


@pytest.mark.parametrize("who", ["viewer-1", "sre-1", "dev-1"])
async def test_who_may_not_approve_may_not_withdraw(bot: Bot, run: Run, who: str):
    await bot.says("approver-1", f"approve {run.id}")
    token = buttons(await bot.looks("approver-1", run.id))["withdraw"]

    await bot.presses(who, "withdraw", token)

    assert (await bot.last_event())[0] in {"authz.denied", "approval.denied"}
    assert await bot.votes(run) == ["approver-1"]


async def test_a_vote_that_decided_cannot_be_taken_back(bot: Bot, run: Run):
    await bot.says("approver-1", f"approve {run.id}")
    token = buttons(await bot.looks("approver-1", run.id))["withdraw"]
    await bot.says("approver-2", f"approve {run.id}")

    said = await bot.presses("approver-1", "withdraw", token)

    assert f"Run {run.id} was already approved by approver-1 and approver-2 at 04:04." in words(
        said["value"]
    )
    assert await bot.last_event() == ("approval.denied", "approver-1", "late")
    assert await bot.votes(run) == ["approver-1", "approver-2"]


# -- too late, and from elsewhere ------------------------------------------------------------


async def test_who_comes_too_late_learns_what_was_decided_by_whom_and_when(bot: Bot, run: Run):
    async def late(run: Run) -> str:
        said = await bot.says("approver-1", f"approve {run.id}")
        assert said is not None
        return said.markdown.replace("\\", "")

    await bot.says("approver-2", f'reject {run.id} --comment "Not now."')
    assert await late(run) == f"Run {run.id} was already rejected by approver-2 at 04:04: Not now."

    cancelled = await bot.opened(await bot.asks_for("dev-1", DEPLOY))
    await bot.says("dev-1", f"cancel {cancelled.id}")
    assert await late(cancelled) == f"Run {cancelled.id} is cancelled by dev-1 at 04:04."

    over = await bot.opened(await bot.asks_for("dev-1", DEPLOY))
    bot.clock.move(timedelta(minutes=31))
    assert await late(over) == (f"The time for this was over at 04:34: run {over.id} has expired.")


async def test_who_cancels_what_was_cancelled_learns_by_whom(bot: Bot, run: Run):
    await bot.says("sre-1", f"cancel {run.id}")

    said = await bot.says("dev-1", f"cancel {run.id}")

    assert said is not None
    assert said.markdown == f"Run {run.id} has ended already: cancelled by sre-1."


async def test_a_vote_from_another_conversation_counts_and_says_where_the_card_is(
    bot: Bot, run: Run
):
    there = replace(run.conversation, id=ELSEWHERE)

    yes = await bot.says("approver-1", f"approve {run.id}", conversation=there)
    back = await bot.says("approver-1", f"withdraw {run.id}", conversation=there)

    where = "Its card is in the conversation where dev-1 asked for it."
    assert yes is not None
    assert back is not None
    assert yes.markdown == f"You approved run {run.id}: 1 of 2. {where}"
    assert back.markdown == f"You took back your approval of run {run.id}: 0 of 2. {where}"
    assert bot.outbound.sent[-1][0].id == ELSEWHERE


# -- notices -------------------------------------------------------------------------------


def notices(bot: Bot) -> Notices:
    installation = bot.installation
    return Notices(
        store=bot.store,
        authorizer=installation.authorizer,
        directory=installation.directory,
        zone=installation.zone,
    )


def a_notice(run: Run, kind: NoticeKind = NoticeKind.REJECTED, **changes: Any) -> Notice:
    return replace(Notice(kind=kind, run_id=run.id, by=("approver-2",)), **changes)


async def test_the_requester_is_mentioned_in_a_channel(bot: Bot, run: Run):
    said = await notices(bot).message(a_notice(run), 0)

    tag = "<at>dev-1</at>"
    assert said == Message(
        markdown=f"{tag}: Deploy shop v1.1.0 to prod was rejected by approver-2 (run {run.id}).",
        mentions=(Mention(teams_id="29:0", name="dev-1", text=tag),),
    )


async def test_a_requester_whom_teams_does_not_know_is_called_by_name(bot: Bot, run: Run):
    await bot.store.transaction(
        lambda unit: unit.runs.save(
            replace(
                unit.runs.lock(run.id),
                requester=replace(run.requester, id="nobody-met", name="*new*"),
            )
        )
    )

    said = await notices(bot).message(a_notice(run), 0)

    assert said.markdown.startswith("\\*new\\*: Deploy shop")
    assert said.mentions == ()


async def test_in_a_personal_chat_nobody_is_called(bot: Bot, run: Run):
    chat = replace(run.conversation, kind=ConversationKind.PERSONAL, id="a:dev-1")
    await bot.store.transaction(
        lambda unit: unit.runs.save(replace(unit.runs.lock(run.id), conversation=chat))
    )

    said = await notices(bot).message(a_notice(run), 0)
    calls = await notices(bot).message(
        a_notice(run, NoticeKind.ESCALATED, group="incident-commanders"), 0
    )

    assert said.markdown.startswith("Deploy shop v1.1.0 to prod was rejected")
    assert calls.markdown.startswith("incident-commanders (commander-1): Deploy shop")
    assert (said.mentions, calls.mentions) == ((), ())


async def test_a_name_cannot_end_its_mention(bot: Bot, run: Run):
    await bot.store.transaction(
        lambda unit: unit.runs.save(
            replace(
                unit.runs.lock(run.id),
                requester=replace(run.requester, name="</at> & <at>everybody"),
            )
        )
    )

    said = await notices(bot).message(a_notice(run), 0)

    assert said.markdown.count("<at>") == said.markdown.count("</at>") == 1
    assert said.mentions[0].text in said.markdown


async def test_the_members_of_a_group_are_mentioned(bot: Bot, run: Run):
    said = await notices(bot).message(
        a_notice(run, NoticeKind.ESCALATED, group="prod-approvers"), 0
    )

    assert said.markdown.startswith(
        "prod-approvers (<at>approver-1</at>, <at>approver-2</at>): Deploy shop v1.1.0 to prod"
        " still waits for approval: 0 of 2 from prod-approvers, until 04:34 CET, in 30 min"
    )
    assert [each.teams_id for each in said.mentions] == ["29:2", "29:3"]


async def test_a_requester_is_not_called_to_their_own_run_as_a_member(bot: Bot):
    run = await bot.opened(await bot.asks_for("approver-1", DEPLOY))
    await posted(bot, run)

    said = await notices(bot).message(
        a_notice(run, NoticeKind.ESCALATED, group="prod-approvers"), 0
    )

    assert [each.name for each in said.mentions] == ["approver-2"]


async def test_while_the_directory_is_silent_a_call_waits_and_then_names_the_group(
    bot: Bot, run: Run
):
    notice = a_notice(run, NoticeKind.ESCALATED, group="prod-approvers")
    bot.people.is_silent = True

    for attempts in range(PATIENT_ATTEMPTS):
        with pytest.raises(Unavailable):
            await notices(bot).message(notice, attempts)
    said = await notices(bot).message(notice, PATIENT_ATTEMPTS)

    assert said.markdown.startswith("prod-approvers: Deploy shop")
    assert said.mentions == ()


async def test_a_notice_lets_the_card_go_first_but_not_for_ever(bot: Bot):
    run = await bot.opened(await bot.asks_for("dev-1", DEPLOY))

    with pytest.raises(Unavailable) as not_yet:
        await notices(bot).message(a_notice(run), 0)
    said = await notices(bot).message(a_notice(run), PATIENT_ATTEMPTS)

    assert not_yet.value.retry_after == timedelta(seconds=1)
    assert said.mentions


async def test_of_many_people_some_are_counted(bot: Bot, run: Run, monkeypatch):
    monkeypatch.setattr("bot.notices._MOST_CALLED", 1)

    said = await notices(bot).message(
        a_notice(run, NoticeKind.ESCALATED, group="prod-approvers"), 0
    )

    assert said.markdown.startswith("prod-approvers (<at>approver-1</at>, 1 more): ")
    assert len(said.mentions) == 1


async def test_a_notice_about_no_run_is_refused(bot: Bot):
    with pytest.raises(UnknownRun):
        await notices(bot).message(Notice(kind=NoticeKind.ENDED, run_id="nowhere2"), 0)


# -- whose vote still counts -----------------------------------------------------------------


async def objections(bot: Bot, run: Run) -> list[str]:
    electorate = Electorate(bot.installation.identity, bot.installation.authorizer)
    found = await electorate.objections(run, await gate(bot, run))
    return list(found.values())


async def as_in_the_directory(bot: Bot, name: str, **changes: Any) -> None:
    """Have the directory say something else of *name* from now on."""
    person = bot.people.directory.named(name)
    assert person is not None
    people = dict(bot.people.directory.people)
    if changes:
        people[person.id] = replace(person, **changes)
    else:
        del people[person.id]
    bot.people.directory = replace(bot.people.directory, people=people)


@pytest.mark.parametrize(
    ("changes", "objection"),
    [
        ({"groups": frozenset()}, "is not of prod-approvers any more"),
        ({"is_enabled": False}, "is not in the directory any more"),
        ({"is_guest": True}, "is a guest now"),
        ({}, "is not in the directory any more"),
    ],
)
async def test_a_vote_counts_as_long_as_its_voter_could_still_cast_it(
    bot: Bot, run: Run, changes, objection
):
    await bot.says("approver-1", f"approve {run.id}")
    await bot.says("approver-2", f"approve {run.id}")
    bot.people.fresh.clear()
    assert await objections(bot, run) == []
    assert bot.people.fresh == [True, True]

    await as_in_the_directory(bot, "approver-2", **changes)

    assert await objections(bot, run) == [objection]


async def test_the_policy_has_a_say_too(bot: Bot, run: Run):
    await bot.says("approver-1", f"approve {run.id}")
    moved = replace(run, inputs={**run.inputs, "environment": "moon"})

    assert await objections(bot, moved) == ["may not approve this any more"]


async def test_while_the_directory_is_silent_nobody_says_that_votes_count(bot: Bot, run: Run):
    await bot.says("approver-1", f"approve {run.id}")
    bot.people.is_silent = True

    with pytest.raises(Unavailable):
        await objections(bot, run)
