"""What the commands answer."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.command import Commands, discover
from bot.workflow_command import workflow_command
from cards.limits import lint
from connectors.connector import Actions
from domain.actor import ObjectId, Person
from domain.command import Effect
from domain.conversation import ConversationKind
from domain.errors import Refused
from domain.policy import Decision
from domain.run import RunState
from tests.dispatch.world import WORKFLOWS, Bot, Systems, buttons, words
from workflows.definition import Step

DEPLOY = "deploy shop v1.1.0 to prod"


async def card(bot: Bot, who: str, text: str, **changes: Any) -> Mapping[str, Any]:
    said = await bot.says(who, text, **changes)
    assert said is not None
    assert said.card is not None, said.markdown
    assert lint(said.card) == []
    return said.card


async def sentence(bot: Bot, who: str, text: str) -> str:
    said = await bot.says(who, text)
    assert said is not None
    assert said.card is None
    return said.markdown


def test_every_command_of_the_demo_is_there_once():
    commands = Commands(
        [*discover(), *(workflow_command(w, Actions([Systems()])) for w in WORKFLOWS)]
    )

    assert commands.effects == {
        **dict.fromkeys(
            [
                *("again", "audit", "can", "diagnose", "help", "logs"),
                *("locks", "run", "runs", "status", "whoami", "why"),
            ],
            Effect.READ,
        ),
        **dict.fromkeys(
            [
                *("approve", "cancel", "confirm", "handover", "reject", "withdraw"),
                *("deploy", "rollback", "restart", "pause", "resume", "retry", "skip"),
                *("remind", "reminders", "schedule", "schedules"),
                *("halt", "lock", "steal", "unhalt", "unlock"),
            ],
            Effect.WRITE,
        ),
    }
    for each in commands:
        assert each.summary.endswith("."), each.name


def test_two_commands_of_one_name_are_refused():
    with pytest.raises(Refused, match="Two commands are called `again`"):
        Commands([*discover(), *discover()])


def test_a_workflow_that_only_reads_is_a_reading_command():
    reading = replace(WORKFLOWS[0], steps=(Step(name="a", title="A", uses="supervisor.logs@1"),))

    assert workflow_command(reading, Actions([Systems()])).effect is Effect.READ


async def test_whoami_tells_the_verified_identity(bot: Bot):
    said = words(await card(bot, "approver-1", "whoami", sender_name="CISO (approved)"))

    assert bot.id_of("approver-1") in said
    assert "developer, operator, prod-approver, viewer" in said
    assert "operators, prod-approvers" in said
    assert bot.actor("approver-1").tenant in said
    assert "Europe/Berlin" in said
    assert "CISO" not in said


async def test_status_shows_every_installation(bot: Bot):
    said = words(await card(bot, "viewer-1", "status"))

    assert said.count("v1.0.0") == 4
    assert "4 of 4 healthy" in said


@pytest.mark.parametrize(
    "text", ["status shop in prod", "status shop prod", "status shop --environment prod"]
)
async def test_status_of_one_installation(bot: Bot, text: str):
    said = words(await card(bot, "viewer-1", text))

    assert "1 of 1 healthy" in said
    assert "billing" not in said


@pytest.mark.parametrize("text", ["status in staging", "status staging", "ps STAGING"])
async def test_status_by_environment(bot: Bot, text: str):
    assert "2 of 2 healthy" in words(await card(bot, "viewer-1", text))


async def test_what_does_not_answer_is_unknown_and_the_rest_is_shown(bot: Bot, monkeypatch):
    monkeypatch.setattr("bot.live.PATIENCE", timedelta(milliseconds=20))
    bot.systems.down |= {"shop", "staging"}

    said = words(await card(bot, "viewer-1", "status"))

    assert "The release program of shop is down." in said
    assert "did not answer within" in said
    assert "2 of 4 healthy" in said


async def test_logs_are_the_last_lines_as_they_are(bot: Bot):
    said = words(await card(bot, "dev-1", "logs shop in prod --lines 3"))

    assert "line 7 <b>" in said
    assert "line 4 <b>" not in said


@pytest.mark.parametrize("lines", ["0", "201", "1.5", "-3", "many"])
async def test_a_number_of_lines_that_makes_no_sense_is_refused(bot: Bot, lines: str):
    await sentence(bot, "dev-1", f"logs shop in prod --lines {lines}")

    assert await bot.last_event() == ("command.denied", "dev-1", "bad_arguments")


async def test_runs_lists_the_runs_of_the_tenant(bot: Bot):
    run = await bot.asks_for("dev-1", DEPLOY)

    assert run.id in words(await card(bot, "viewer-1", "runs"))


async def listed_runs(bot: Bot, who: str, text: str) -> set[str]:
    said = words(await card(bot, who, text))
    return {run.id for run in await bot.runs() if run.id in said}


async def test_runs_lists_those_that_are_asked_for(bot: Bot):
    one = await bot.asks_for("dev-1", DEPLOY)
    two = await bot.asks_for("sre-1", "restart billing in prod")
    three = await bot.asks_for("dev-1", "restart billing in staging")

    for text, expected in (
        ("runs", [one, two, three]),
        ("runs shop", [one]),
        ("runs billing in prod", [two]),
        ("runs prod", [one, two]),
        ("runs in staging", [three]),
        ("runs --mine", [one, three]),
        ("runs prod --mine", [one]),
        ("runs shop in staging", []),
    ):
        assert await listed_runs(bot, "dev-1", text) == {run.id for run in expected}, text


async def test_runs_looks_behind_the_newest_page_for_what_is_asked_for(bot: Bot, monkeypatch):
    wanted = [await bot.asks_for("sre-1", "restart billing in staging")]
    bot.clock.move(timedelta(seconds=1))
    for number in range(35):
        await bot.asks_for("dev-1", f"deploy shop v1.1.{number} to staging")

    assert await listed_runs(bot, "dev-1", "runs billing") == {run.id for run in wanted}
    assert len(await listed_runs(bot, "dev-1", "runs shop")) == 15

    monkeypatch.setattr("bot.commands.runs._LOOKED_AT", 30)
    said = words(await card(bot, "dev-1", "runs billing"))
    assert "There are no runs of billing." in said
    assert "I looked at the 30 newest runs." in said


async def test_run_in_a_channel_shows_no_buttons(bot: Bot):
    run = await bot.opened(await bot.asks_for("dev-1", DEPLOY))

    said = await card(bot, "approver-1", f"run {run.id}")

    assert buttons(said) == {}
    assert said["refresh"]["userIds"] == ["29:0", "29:2", "29:3"]


async def test_run_in_a_personal_chat_shows_ones_own_buttons(bot: Bot):
    run = await bot.opened(await bot.asks_for("dev-1", DEPLOY))
    chat = replace(run.conversation, kind=ConversationKind.PERSONAL, id="a:approver-2")

    said = await card(bot, "approver-2", f"run {run.id.upper()}", conversation=chat)

    assert buttons(said).keys() == {"approve", "reject"}


async def test_typed_votes_are_answered_in_words(bot: Bot):
    run = await bot.opened(await bot.asks_for("dev-1", DEPLOY))

    one = await sentence(bot, "approver-1", f'approve {run.id} --comment "checked dashboards"')
    two = await sentence(bot, "approver-1", f"approve {run.id}")
    three = await sentence(bot, "approver-2", f"reject {run.id}")

    assert one == f"You approved run {run.id}: 1 of 2."
    assert two == (
        "You have voted on this already; your vote stands."
        f" Say `withdraw {run.id}` to take it back."
    )
    assert three == f"You rejected run {run.id}."
    assert await bot.state(run) is RunState.REJECTED


async def test_an_operator_cancels_somebody_elses_run_and_a_developer_does_not(bot: Bot):
    run = await bot.opened(await bot.asks_for("sre-1", DEPLOY))

    denied = await sentence(bot, "dev-1", f"cancel {run.id}")
    done = await sentence(bot, "commander-1", f"cancel {run.id}")

    assert denied.startswith("dev-1 may not cancel shop in prod.")
    assert done == f"You cancelled run {run.id}."


async def test_why_tells_the_rule_and_the_gate(bot: Bot):
    said = await sentence(bot, "dev-1", "why deploy shop to prod")

    assert said.startswith("dev-1 may deploy shop in prod, after 2 approvals from prod-approvers")
    assert "Rule: deploy-to-prod" in said


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "why deploy shop",
            [
                "dev-1 may deploy shop in staging.",
                "Rule: developers-change-staging (developers change staging as they like).",
                (
                    "dev-1 may deploy shop in prod, after 2 approvals from prod-approvers,"
                    " not by the requester, within 30 minutes;"
                    " incident-commanders are called after 15 minutes."
                ),
                "Rule: deploy-to-prod (a deploy to production takes two approvals, whoever asks).",
                "Roles of dev-1: viewer, developer.",
            ],
        ),
        (
            "why bounce",
            [
                "dev-1 may use restart in staging.",
                "Rule: developers-change-staging (developers change staging as they like).",
                "dev-1 may not use restart in prod. That needs the role operator.",
                "Rule: none allows it, and what no rule allows is denied.",
                "Roles of dev-1: viewer, developer.",
            ],
        ),
        (
            "can sre-1 restart in prod",
            [
                (
                    "sre-1 may use restart in prod, after confirmation by the requester"
                    " within 30 minutes."
                ),
                (
                    "Rule: operators-change-prod (operators change production once they have"
                    " confirmed the plan)."
                ),
                "Roles of sre-1: viewer, developer, operator.",
            ],
        ),
    ],
)
async def test_a_question_that_leaves_the_place_open_is_answered_for_each(
    bot: Bot, line: str, expected: list[str]
):
    assert (await sentence(bot, "dev-1", line)).split("\n\n") == expected


async def test_why_is_not_asked_about_what_stands_for_something_else(bot: Bot):
    assert await sentence(bot, "dev-1", "why again") == (
        "`again` stands for what was said before: ask about that."
    )


async def test_why_shows_how_a_command_is_written_as_code(bot: Bot):
    said = await sentence(bot, "dev-1", "why deploy shop v1.1.0 prod now")

    assert said == (
        "`now` is more than it takes."
        " The command is"
        " `deploy \u2039service\u203a \u2039version\u203a to \u2039environment\u203a`."
    )


async def test_why_about_a_run_looks_at_that_run(bot: Bot):
    run = await bot.opened(await bot.asks_for("dev-1", DEPLOY))

    assert (await sentence(bot, "dev-1", f"why cancel {run.id}")).startswith("dev-1 may cancel")
    assert (await sentence(bot, "viewer-1", f"why cancel {run.id}")).startswith(
        "viewer-1 may not cancel"
    )


@pytest.mark.parametrize(
    "person", ["dev-1", "@dev-1", "DEV-1", "00000000-0000-4000-8000-000000000001"]
)
async def test_can_asks_for_somebody_else(bot: Bot, person: str):
    said = await sentence(bot, "viewer-1", f"can {person} restart shop in prod")

    assert said.startswith("dev-1 may not restart shop in prod.")
    assert "Roles that would do: operator" in said
    assert await bot.runs() == []


async def test_a_mentioned_name_of_several_words_needs_no_quotes(bot: Bot):
    directory, people = bot.people.directory, {}
    for each in ("Dev", "Dev One", "Dev One Two"):
        number = len(people) + 1
        id_ = ObjectId(f"00000000-0000-4000-8000-00000000bbb{number}")
        people[id_] = Person(id=id_, name=each, groups=bot.actor("dev-1").groups)
    bot.people.directory = replace(directory, people={**directory.people, **people})

    for name in ("Dev", "Dev One", "@dev one two", '"Dev One"'):
        said = await sentence(bot, "viewer-1", f"can {name} deploy shop to staging")
        whole = name.strip('@"').title()
        assert said.startswith(f"{whole} may deploy shop in staging."), name


async def test_can_does_not_guess_who_is_meant(bot: Bot):
    said = await sentence(bot, "viewer-1", "can dev-9 deploy shop to prod")

    assert said.startswith("Nobody who has a role is called `dev-9`.")


async def test_the_audit_log_is_shown_to_auditors(bot: Bot):
    run = await bot.asks_for("dev-1", DEPLOY)
    await bot.says("viewer-1", "audit")

    all_of_it = words(await card(bot, "auditor-1", "audit"))
    of_the_run = words(await card(bot, "auditor-1", f"audit {run.id}"))

    assert "authz.denied viewer-1 command/audit denied no_permit" in all_of_it
    assert "command.parsed dev-1 command/deploy ok" in of_the_run
    assert "authz.denied" not in of_the_run


async def test_a_command_that_needs_too_long_is_not_waited_for(bot: Bot, monkeypatch):
    monkeypatch.setattr("bot.dispatch.PATIENCE", timedelta(milliseconds=50))
    bot.systems.down.add("staging")

    said = await sentence(bot, "viewer-1", "status")

    assert said == "It took too long to prepare status. Try again in a moment."
    assert (await bot.events())[-1]["outcome"] == "failed"


async def test_a_policy_that_cannot_be_evaluated_denies_and_is_recorded(bot: Bot):
    class Broken:
        def decide(self, request: object) -> Decision:
            return Decision(allowed=False, error="an overflow")

    object.__setattr__(bot.installation, "authorizer", Broken())

    await sentence(bot, "dev-1", "whoami")

    assert await bot.last_event() == ("policy.error", "dev-1", "policy_error")
