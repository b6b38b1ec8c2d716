"""S4, a deploy to production: two people decide on one exact plan, and only that is done.

The story's numbers stand with the tests; its `payments` is `shop` here. Deferred, because what
they need is not there yet:

- a registry of images, commits, CI and a rated risk on the plan (step 2): a version is a git tag
  here, and its commit is in the plan's digest;
- GitHub's dispatch and polling (step 7, F9): the release program stands for it, which fails once
  or loses its answer, and is asked with the same key;
- Jira's comment (step 8), "Declare incident" (F6), freeze windows with break-glass (F8), and
  queueing as an option (F7): a run that has been let through queues by itself.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
import re
import subprocess

import pytest
import pytest_asyncio

from bot.access.directory import YamlDirectory
from sandbox.channel import Card, Channel
from tests.scenarios.stage import (
    BY_HAND,
    button,
    effects,
    events,
    folder,
    health,
    holds,
    notice,
    rows,
    run_id,
    sends,
    stage,
    words_of,
)

pytestmark = [
    pytest.mark.scenario,
    pytest.mark.timeout(180),
    pytest.mark.asyncio(loop_scope="module"),
]

GOOD = ("v1.0.0", "v1.1.0", "v1.2.1")
BROKEN = "v1.2.0"

BILLING_IS_HASTY = """
when { resource.environment == "prod" && resource.service != "billing" };

@id("deploy-billing-to-prod")
@reason("a deploy of billing takes two approvals, in no time")
@gate("approval")
@count("2")
@group("prod-approvers")
@expires("6s")
@escalate("incident-commanders")
permit (
  principal in Signalbox::Role::"developer",
  action == Signalbox::Action::"deploy",
  resource
)
when { resource.environment == "prod" && resource.service == "billing" };

// -- Operators
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Channel]:
    """The demo's world, but for billing in prod, whose approvals expire in seconds."""
    rule = '\nwhen { resource.environment == "prod" };\n\n@id("operators-change-prod")'
    hasty = f'{BILLING_IS_HASTY}@id("operators-change-prod")'
    changes = {"policy/policy.cedar": (rule, hasty)}
    async with stage(config_dir=folder(tmp_path_factory.mktemp("s4"), changes)) as channel:
        yield channel


@pytest_asyncio.fixture(loop_scope="module")
async def channel(shared: Channel) -> AsyncIterator[Channel]:
    yield shared
    await holds(shared)


async def versions(channel: Channel) -> tuple[str, str]:
    """What runs of the shop in prod, and what might."""
    _, live = await health(channel.state, "shop", "prod")
    return live, next(each for each in GOOD if each != live)


async def asked(channel: Channel, version: str, *, by: str = "dev-1", more: str = "") -> Card:
    """The card of a deploy of the shop to prod, that waits for approval."""
    post = await channel.person(by).says(f"deploy shop {version} to prod{more}")
    card = await post.card("Waiting for approval")
    await card.says("Waiting for approval", seen_by=channel.person("approver-2"))
    return card


async def approve(channel: Channel, card: Card, *names: str) -> None:
    """Have them approve, one after the other."""
    for name in names or ("approver-1", "approver-2"):
        await channel.person(name).presses(card, "Approve")


def done(channel: Channel) -> list[tuple[str, str, str]]:
    """What Signalbox had the targets do, oldest first."""
    return [(e["service"], e["environment"], e["version"]) for e in effects(channel.state)]


async def test_two_approvers_decide_on_one_plan_which_is_then_carried_out(channel):
    """Steps 1 to 3 and 5 to 8, on one card."""
    state, dev, viewer = channel.state, channel.person("dev-1"), channel.person("viewer-1")
    first, second = channel.person("approver-1"), channel.person("approver-2")
    before, after = await versions(channel)
    done_before = done(channel)

    # 1 and 2: the plan, from before to after, and what it takes
    card = await asked(channel, after, more=' --reason "PAY-812 refund fix"')
    seen = (await dev.sees(card)).splitlines()
    run = run_id("\n".join(seen))
    [planned] = events(state, "plan.created", run_id=run)
    for line in (
        f"Deploy shop {after}",
        "prod",
        "“PAY-812 refund fix”",
        "0 of 2 approvals",
        "prod-approvers, not dev-1",
        f"version: {before} → {after}",
        f"plan {planned['data']['plan_digest'][:8]}",
        f"Switch shop in prod back to {before}.",
        "shop/prod: one run at a time",
        "0 of 3 done",
    ):
        assert line in seen
    assert re.search(r"^\d\d:\d\d CES?T, in (29|30) min$", "\n".join(seen), re.MULTILINE)
    assert any("the orders database of shop in prod" in line for line in seen)

    # 3: what each of them can press
    assert await dev.buttons(card) == ("Cancel",)
    assert await first.buttons(card) == ("Approve", "Reject run", "Cancel")
    assert await second.buttons(card) == ("Approve", "Reject run")
    for name in ("viewer-1", "commander-1", "guest-1"):
        assert await channel.person(name).buttons(card) == ()
    await second.says(f"approve {run}", in_thread=card.post, aside=True)
    assert (done(channel), await health(state, "shop", "prod")) == (done_before, ("ok", before))

    # 5: one vote each, however often it is pressed
    pressed = await button(first, card, "Approve")
    voted = await first.presses(card, "Approve", comment="checked dashboards")
    assert voted.words.startswith(f"You approved run {run}: 1 of 2.")
    again = await sends(channel, "approver-1", card, pressed)
    assert "You have voted on this already; your vote stands." in words_of(again)
    assert "1 of 2 approvals" in words_of(again)
    await card.says("“checked dashboards”")
    await card.says("1 of 2 approvals", seen_by=viewer)
    assert len(events(state, "approval.denied", run_id=run, reason="duplicate")) == 1
    assert done(channel) == done_before

    # 6 and 7: the second one lets it go, as it was approved
    await second.presses(card, "Approve")
    await card.says("Succeeded in")
    assert done(channel) == [*done_before, ("shop", "prod", after)]
    assert await health(state, "shop", "prod") == ("ok", after)
    told = [each["type"].removeprefix("signalbox.") for each in events(state, run_id=run)]
    assert [each for each in told if not each.startswith(("step.", "command."))] == [
        *("plan.created", "approval.requested", "approval.voted", "approval.denied"),
        *("approval.voted", "approval.granted", "lock.acquired", "run.started", "run.finished"),
    ]
    digests = {
        each["data"]["plan_digest"]
        for each in events(state, run_id=run)
        if "plan_digest" in each["data"]
    }
    assert digests == {planned["data"]["plan_digest"]}

    # 8: the same card, to the end, and nothing is held any more
    ended = (await dev.sees(card)).splitlines()
    assert "Approved by approver-1 and approver-2 · 2 of 2" in ended
    assert "3 of 3 done" in ended
    assert await dev.buttons(card) == ()
    approved = await notice(card, "was approved by approver-1 and approver-2")
    over = await notice(card, "has ended: succeeded in")
    assert approved["mentions"] == over["mentions"] == ["dev-1"]
    said = [each["id"] for each in await dev.thread(card.post) if each["isFromBot"]]
    assert [each for each in said if int(each) < int(over["id"])] == [card.id, approved["id"]]
    assert rows(state, "SELECT * FROM locks") == []


async def test_whoever_asked_cannot_approve_and_neither_can_others(channel):
    """Step 4: whatever their clients send."""
    _, after = await versions(channel)
    before = done(channel)
    card = await asked(channel, after)
    run = run_id(await channel.person("dev-1").sees(card))
    stolen = await button(channel.person("approver-2"), card, "Approve")

    own = await sends(channel, "dev-1", card, stolen)
    others = [await sends(channel, each, card, stolen) for each in ("viewer-1", "sre-1")]
    typed = await channel.person("dev-1").says(f"approve {run}")

    assert "You requested this; four-eyes applies." in words_of(own)
    assert "four-eyes applies" in await typed.reply()
    assert "viewer-1 may not approve" in words_of(others[0])
    assert "sre-1 may not approve" in words_of(others[1])
    denied = events(channel.state, "approval.denied", run_id=run, reason="self")
    assert [each["data"]["actor"]["name"] for each in denied] == ["dev-1", "dev-1"]
    assert len(events(channel.state, "authz.denied", run_id=run)) == len(others)
    assert events(channel.state, "approval.voted", run_id=run) == []
    await channel.person("dev-1").presses(card, "Cancel")
    await card.says("Cancelled by dev-1")
    assert done(channel) == before


async def test_when_the_version_changes_meanwhile_the_votes_are_void(channel):
    """F1: somebody switches by hand between the votes; the new plan has to be approved anew."""
    live, after = await versions(channel)
    third = next(each for each in GOOD if each not in {live, after})
    before = done(channel)
    card = await asked(channel, after)
    old = await button(channel.person("approver-2"), card, "Approve")
    await approve(channel, card, "approver-1")
    by_hand(channel, "switch", "shop", "prod", third)

    await approve(channel, card, "approver-2")

    await card.says("Waiting for approval of a new plan, earlier votes are void")
    said = await channel.person("dev-1").sees(card)
    run = run_id(said)
    assert f"version of shop in prod is {third} now, not {live}" in said
    assert f"version: {third} → {after}" in said
    assert "0 of 2 approvals" in said
    assert done(channel) == before
    back = await notice(card, "has to be approved again")
    assert back["mentions"] == ["dev-1"]
    earlier, later = events(channel.state, "plan.created", run_id=run)
    assert (earlier["data"]["rev"], later["data"]["rev"]) == (1, 2)
    assert len(events(channel.state, "plan.drifted", run_id=run)) == 1
    stale = await sends(channel, "approver-2", card, old)
    assert "This button belongs to an earlier plan." in words_of(stale)

    await approve(channel, card)
    await card.says("Succeeded in")
    assert done(channel) == [*before, ("shop", "prod", after)]


async def test_when_the_tag_is_moved_what_was_approved_is_not_what_would_run(channel):
    """F2: the version is another commit now; it says which, and nothing is switched."""
    live, after = await versions(channel)
    before = done(channel)
    card = await asked(channel, after)
    await approve(channel, card, "approver-1")
    was, other = commit(channel, after), commit(channel, live)
    git(channel, "tag", "--force", after, other)
    try:
        await approve(channel, card, "approver-2")
        await card.says("earlier votes are void")

        said = await channel.person("dev-1").sees(card)
        assert f"commit of {after} is {other} now, not {was}" in said
        assert "0 of 2 approvals" in said
        assert done(channel) == before
        await channel.person("dev-1").presses(card, "Cancel")
        await card.says("Cancelled by dev-1")
    finally:
        git(channel, "tag", "--force", after, was)


async def test_one_no_ends_it_and_whoever_asked_learns_why(channel):
    """F3: though somebody else has said yes."""
    _, after = await versions(channel)
    before = done(channel)
    card = await asked(channel, after)
    await approve(channel, card, "approver-1")

    second = channel.person("approver-2")
    await second.presses(card, "Reject", reason="Not during the sale.")

    await card.says("Rejected by approver-2: Not during the sale")
    told = await notice(card, "was rejected by approver-2: Not during the sale")
    assert told["mentions"] == ["dev-1"]
    assert await second.buttons(card) == ()
    run = run_id(await second.sees(card))
    [rejected] = events(channel.state, "approval.rejected", run_id=run)
    assert rejected["data"]["reason"] == "Not during the sale."
    assert events(channel.state, "step", run_id=run) == []
    assert done(channel) == before


async def test_where_nobody_decides_a_second_group_is_called_once_and_then_it_expires(channel):
    """F4: at half of the time, and at its end; silence is a no."""
    before = done(channel)
    dev, commander = channel.person("dev-1"), channel.person("commander-1")
    post = await dev.says("deploy billing v1.1.0 to prod")
    card = await post.card("Escalat")

    called = await notice(card, "still waits for approval: 0 of 2 from prod-approvers")
    assert called["mentions"] == ["commander-1"]
    assert "Approve" not in await commander.buttons(card)
    await card.says("Expired at ")
    expired = await notice(card, "expired: 0 of 2 approvals in time")

    assert expired["mentions"] == ["dev-1"]
    assert [e["id"] for e in await dev.thread(post)] == [card.id, called["id"], expired["id"]]
    run = run_id(await dev.sees(card))
    assert len(events(channel.state, "approval.escalated", run_id=run)) == 1
    assert len(events(channel.state, "approval.expired", run_id=run, outcome="denied")) == 1
    late = await channel.person("approver-1").says(f"approve {run}")
    assert f"run {run} has expired" in await late.reply()
    assert done(channel) == before
    assert rows(channel.state, "SELECT * FROM locks") == []


async def test_who_has_left_the_approvers_before_the_start_has_approved_nothing(
    channel, monkeypatch
):
    """F5: the vote is looked at again, and the gate is open again."""
    _, after = await versions(channel)
    before = done(channel)
    card = await asked(channel, after)
    await approve(channel, card, "approver-1")
    known = YamlDirectory.person

    async def moved(self: YamlDirectory, object_id, *, fresh=False):
        person = await known(self, object_id, fresh=fresh)
        has_left = person is not None and person.name == "approver-1"
        return replace(person, groups=frozenset()) if has_left else person

    with monkeypatch.context() as patch:
        patch.setattr(YamlDirectory, "person", moved)
        await approve(channel, card, "approver-2")
        await card.says("1 of 2 approvals")

        said = await channel.person("dev-1").sees(card)
        assert "approver-1 is not of prod-approvers any more" in said
        assert (await notice(card, "has to be approved again"))["mentions"] == ["dev-1"]
        [voided] = events(channel.state, "approval.vote_voided", run_id=run_id(said))
        assert (voided["data"]["name"], voided["data"]["outcome"]) == ("approver-1", "denied")
        assert done(channel) == before

    await approve(channel, card, "approver-1")
    await card.says("Succeeded in")
    assert done(channel) == [*before, ("shop", "prod", after)]


async def test_a_version_that_is_not_well_is_taken_back(channel):
    """F6: by itself, as the workflow says, and the card says why."""
    live, _ = await versions(channel)
    before = done(channel)
    card = await asked(channel, BROKEN)
    await approve(channel, card)

    await card.says("Rolled back: Check that it is well: ")

    said = await channel.person("dev-1").sees(card)
    assert "answers 503 with status fail" in said
    assert f"shop in prod has version {live} again" in said
    assert (await notice(card, "has ended: rolled back"))["mentions"] == ["dev-1"]
    assert done(channel) == [*before, ("shop", "prod", BROKEN), ("shop", "prod", live)]
    assert await health(channel.state, "shop", "prod") == ("ok", live)
    assert rows(channel.state, "SELECT * FROM locks") == []


async def test_a_second_deploy_waits_and_its_card_names_who_holds_the_lock(channel):
    """F7: and what was planned before the first one's end is not carried out after it."""
    _, after = await versions(channel)
    before = done(channel)
    pause = channel.state / "release.pause"
    first = await asked(channel, after)
    second = await asked(channel, after, by="sre-1")
    await approve(channel, second, "approver-1")
    holder = run_id(await channel.person("dev-1").sees(first))
    pause.write_text("6")
    try:
        await approve(channel, first)
        await approve(channel, second, "approver-2")
        await second.says(
            f"Waiting for its turn: run {holder} (dev-1, deploy) holds shop/prod since "
        )
        assert done(channel) == before
    finally:
        pause.unlink()

    await first.says("Succeeded in")
    await second.says("earlier votes are void")
    assert done(channel) == [*before, ("shop", "prod", after)]
    await channel.person("sre-1").presses(second, "Cancel")
    await second.says("Cancelled by sre-1")


@pytest.mark.parametrize(
    ("falter", "switches"),
    [
        ('echo \'{"unavailable": "HTTP 500."}\'; exit 4', 2),
        ('"$real" "$@" >/dev/null; exit 1', 1),
    ],
    ids=["before anything is done", "after it is done"],
)
async def test_a_release_program_that_fails_once_is_asked_with_the_same_key(
    channel, falter, switches
):
    """F9: what was done is found and adopted, what was not is done; never twice."""
    _, after = await versions(channel)
    before = done(channel)
    card = await asked(channel, after)
    with faltering(channel, falter) as told:
        await approve(channel, card)
        await card.says("Succeeded in")
        calls = told.read_text().splitlines()

    run = run_id(await channel.person("dev-1").sees(card))
    assert len(calls) == switches
    assert len(set(calls)) == 1
    assert len(events(channel.state, "step.retried", run_id=run, step="switch")) == 1
    assert done(channel) == [*before, ("shop", "prod", after)]
    assert effects(channel.state)[-1]["key"] == calls[0]


async def test_what_a_client_adds_to_a_button_is_not_heard(channel):
    """F10: the stored plan counts, and a button that is not ours is none."""
    _, after = await versions(channel)
    before = done(channel)
    card = await asked(channel, after)
    first = await button(channel.person("approver-1"), card, "Approve")
    second = await button(channel.person("approver-2"), card, "Approve")
    token = first["data"]["t"]
    forged = (
        {**first, "data": {"t": f"{token[:-2]}{'AA' if token[-2:] != 'AA' else 'BB'}"}},
        {**first, "verb": "reject"},
        {**first, "verb": "deploy", "data": {"service": "billing", "environment": "prod"}},
        {**first, "data": {"run": "k7f3q2ma", "decision": "approve"}},
    )
    denied = len(events(channel.state, "command.denied", reason="bad_token"))
    for each in forged:
        told = words_of(await sends(channel, "approver-1", card, each))
        assert told.startswith("I did not make this button, or it is too old"), each
    run = run_id(await channel.person("dev-1").sees(card))
    assert events(channel.state, "approval.voted", run_id=run) == []
    refused = events(channel.state, "command.denied", reason="bad_token")
    assert len(refused) == denied + len(forged)

    other = {
        "in.environment": "staging",
        "in.version": BROKEN,
        "in.service": "billing",
        "in.id": "k7f3q2ma",
        "environment": "staging",
        "plan": "0" * 64,
    }
    await sends(channel, "approver-1", card, first, **other)
    await sends(channel, "approver-2", card, second, **other)
    assert len(events(channel.state, "approval.voted", run_id=run)) == 2
    await card.says("Succeeded in")

    assert done(channel) == [*before, ("shop", "prod", after)]
    assert await health(channel.state, "billing", "staging") == ("ok", "v1.1.0")


def by_hand(channel: Channel, *words: str) -> None:
    """Have the release program do something, past Signalbox."""
    program = (channel.state / "release.program").read_text().strip()
    key = f"{BY_HAND}{len(effects(channel.state, by_hand=True))}"
    subprocess.run([program, *words, "--key", key], check=True, stdout=subprocess.DEVNULL)


def git(channel: Channel, *words: str) -> str:
    """What git says of the shop's repository."""
    folder = channel.state / "services" / "git" / "shop.git"
    command = ["git", "--git-dir", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(channel: Channel, version: str) -> str:
    """The commit that the tag *version* leads to."""
    return git(channel, "rev-parse", f"{version}^{{commit}}")


@contextmanager
def faltering(channel: Channel, how: str) -> Iterator[Path]:
    """The release program's first switch does *how*; the file lists the keys of all of them."""
    setting, told = channel.state / "release.program", channel.state / "switches.txt"
    real = setting.read_text()
    program = channel.state / "faltering"
    program.write_text(
        f"#!/bin/sh\nreal='{real.strip()}'\n"
        'if [ "$1" = switch ]; then\n'
        f'  echo "$6" >> {told}\n'
        f'  [ "$(wc -l < {told})" -gt 1 ] || {{ {how}; }}\n'
        'fi\nexec "$real" "$@"\n'
    )
    program.chmod(0o700)
    setting.write_text(f"{program}\n")
    try:
        yield told
    finally:
        setting.write_text(real)
        told.unlink()
