"""A rollout through both environments: a workflow that runs others, and asks people on the way.

Told through the simulated Teams, on the demo's services: a run that waits inside for an approval,
stands still and goes on; one that is called off with what it did undone; one whose first half
fails, so that nobody is asked; and one that is tried again from a step on.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.channel import Card, Channel
from sandbox.channel.company import Post
from tests.scenarios.stage import effects, events, folder, health, notice, rows, run_id, stage

pytestmark = [
    pytest.mark.scenario,
    pytest.mark.timeout(180),
    pytest.mark.asyncio(loop_scope="module"),
]

ROLLOUT = """\
name: rollout
title: Roll out
description: Puts a version into staging and, where people agree, into prod.
command: rollout <service> <version>
inputs:
  service: {type: service, description: What to roll out}
  version: {type: version, description: Which version}
steps:
  staging:
    run: deploy
    with: {service: "${ inputs.service }", version: "${ inputs.version }", environment: staging}
  sure:
    title: Ask whether it goes on
    needs: [staging]
    approve: {by: prod-approvers, count: 1, expires: 10m}
  prod:
    needs: [sure]
    run: deploy
    with: {service: "${ inputs.service }", version: "${ inputs.version }", environment: prod}
  told:
    always: true
    notify: "staging ${ steps.staging.state }, prod ${ steps.prod.state }"
"""

ASKS = "Waiting for approval: Ask whether it goes on"

ROLLOUT_RULE = """\
@id("operators-roll-out")
@reason("operators roll out; people are asked on the way")
permit (
  principal in Signalbox::Role::"operator",
  action == Signalbox::Action::"rollout",
  resource
);

@id("no-guests")
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def channel(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Channel]:
    home: Path = tmp_path_factory.mktemp("rollout")
    config = folder(home, {"policy/policy.cedar": ('@id("no-guests")\n', ROLLOUT_RULE)})
    (config / "workflows" / "rollout.yaml").write_text(ROLLOUT)
    async with stage(config_dir=config) as opened:
        yield opened


async def let_through(channel: Channel, post: Post, words: str = ASKS) -> Card:
    """The run's card, with *words*: two have approved what it does to production.

    The policy would want that of the deploy there if it were asked for by itself.
    """
    card = await post.card("0 of 2 approvals")
    for name in ("approver-1", "approver-2"):
        await channel.person(name).presses(card, "Approve")
    await card.says(words)
    return card


async def test_it_asks_inside_stands_still_and_goes_on(channel):
    sre, approver = channel.person("sre-1"), channel.person("approver-1")
    post = await sre.says("rollout shop v1.2.1")
    card = await let_through(channel, post)

    seen = (await approver.sees(card)).splitlines()
    for line in (
        ASKS,
        "prod-approvers, not sre-1",
        "Staging: Switch the version",
        "Prod: Switch the version",
        "3 of 8 done",
    ):
        assert line in seen, seen
    assert await health(channel.state, "shop", "staging") == ("ok", "v1.2.1")
    assert await health(channel.state, "shop", "prod") == ("ok", "v1.0.0")
    asked = await notice(card, "waits for you: Ask whether it goes on")
    assert set(asked["mentions"]) == {"approver-1", "approver-2"}
    assert await sre.buttons(card) == ("Pause", "Cancel", "Cancel and undo")
    assert await channel.person("dev-1").buttons(card) == ()

    await sre.presses(card, "Pause")
    await card.says("Paused between two steps")
    await approver.says(f"approve {run_id(await sre.sees(card))}", in_thread=post)
    assert await sre.buttons(card) == ("Resume", "Cancel", "Cancel and undo")
    assert await health(channel.state, "shop", "prod") == ("ok", "v1.0.0")
    await sre.presses(card, "Resume")

    await card.says("Succeeded in")
    assert await health(channel.state, "shop", "prod") == ("ok", "v1.2.1")
    await notice(card, "says: staging succeeded, prod succeeded")
    run = run_id(await sre.sees(card))
    assert [
        each["type"].rpartition("signalbox.")[2]
        for each in events(channel.state, "run", run_id=run)
    ] == [
        "run.started",
        "run.paused",
        "run.paused",
        "run.resumed",
        "run.finished",
    ]
    _, inside = events(channel.state, "approval.granted", run_id=run)
    assert inside["data"]["actor"]["name"] == "approver-1"


async def test_one_that_is_called_off_goes_back(channel):
    sre = channel.person("sre-1")
    before = await health(channel.state, "billing", "staging")
    post = await sre.says("rollout billing v1.2.1")
    card = await let_through(channel, post)
    assert await health(channel.state, "billing", "staging") == ("ok", "v1.2.1")

    await sre.presses(card, "Cancel and undo")

    await card.says("Rolled back")
    assert await health(channel.state, "billing", "staging") == before
    await notice(card, "says: staging compensated, prod cancelled")
    late = await channel.person("approver-1").says(f"approve {run_id(await sre.sees(card))}")
    await late.reply("Now: rolled back: Cancelled by sre-1")


async def test_where_the_first_half_fails_nobody_is_asked_and_nothing_more_is_done(channel):
    sre, before = channel.person("sre-1"), len(effects(channel.state))
    post = await sre.says("rollout billing v1.2.0")
    card = await let_through(channel, post, "Rolled back")
    [there, back] = effects(channel.state)[before:]
    assert (there["version"], there["environment"]) == ("v1.2.0", "staging")
    assert back["environment"] == "staging"
    run = run_id(await sre.sees(card))
    assert len(events(channel.state, "approval.requested", run_id=run)) == 1

    # it is tried again, by name of the step, and fails the same way in a run of its own
    again = await sre.says(f"retry {run} from staging")
    second = await let_through(channel, again, "Rolled back")
    other = run_id(await sre.sees(second))
    found = rows(channel.state, "SELECT id, repeats, reason FROM runs")
    row = next(each for each in found if each["id"] == other)
    assert (row["repeats"], row["reason"]) == (run, f"once more, after run {run}")
    denied = await channel.person("viewer-1").says(f"retry {run}")
    await denied.reply("may not retry")
