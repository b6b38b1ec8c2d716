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
            ["audit", "can", "help", "logs", "run", "runs", "status", "whoami", "why"],
            Effect.READ,
        ),
        **dict.fromkeys(
            [
                *("approve", "cancel", "confirm", "reject", "withdraw"),
                *("deploy", "rollback", "restart"),
            ],
            Effect.WRITE,
        ),
    }
    for each in commands:
        assert each.summary.endswith("."), each.name


def test_two_commands_of_one_name_are_refused():
    with pytest.raises(Refused, match="Two commands are called `approve`"):
        Commands([*discover(), *discover()])


def test_a_workflow_that_only_reads_is_a_reading_command():
    reading = replace(WORKFLOWS[0], steps=(Step(name="a", title="A", uses="supervisor.logs@1"),))

    assert workflow_command(reading, Actions([Systems()])).effect is Effect.READ


async def test_help_shows_what_one_may_run_and_counts_the_rest(bot: Bot):
    for who, shown, hidden in (
        ("viewer-1", ["whoami", "status", "runs", "why"], ["deploy", "logs", "audit", "approve"]),
        ("dev-1", ["deploy <service>", "logs", "cancel"], ["audit", "approve"]),
        (
            "approver-2",
            ["approve <id>", "reject <id>", "withdraw <id>"],
            ["deploy", "logs", "audit"],
        ),
    ):
        said = words(await card(bot, who, "help")).replace("\\\\", "")
        assert all(f'"{each}' in said for each in shown), who
        assert not any(f'"{each}' in said for each in hidden), who
    assert "8 more commands are not yours to use" in words(await card(bot, "viewer-1", ""))


async def test_help_of_a_command_tells_its_inputs_and_gates(bot: Bot):
    assert await sentence(bot, "dev-1", "help deploy") == (
        "**deploy**: Puts a version of a service into an environment,"
        " and goes back if it is not well there.\n\n"
        "Say: deploy \\<service> \\<version> to \\<environment>\n\n"
        "- service: What to deploy, such as shop\n"
        "- version: Which version, such as v1.1.0\n"
        "- environment: Where to, such as staging\n"
        '- \\--reason: Why, such as "some words", may be left out\n'
        "- in staging: no gate\n"
        "- in prod: 2 approvals from prod-approvers, not by the requester, within 30 minutes;"
        " incident-commanders are called after 15 minutes"
    )


async def test_help_of_what_one_may_not_run_says_what_it_takes(bot: Bot):
    said = await sentence(bot, "viewer-1", "help logs")

    assert said == (
        "viewer-1 may not read the logs. That needs the role developer;"
        " ask dev-1, sre-1, approver-1 or commander-1."
    )


async def test_whoami_tells_the_verified_identity(bot: Bot):
    said = words(await card(bot, "approver-1", "whoami", sender_name="CISO (approved)"))

    assert bot.id_of("approver-1") in said
    assert "developer, operator, prod-approver, viewer" in said
    assert "operators, prod-approvers" in said
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


async def test_status_by_environment(bot: Bot):
    assert "2 of 2 healthy" in words(await card(bot, "viewer-1", "status in staging"))


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
