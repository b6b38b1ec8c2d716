"""What the log says of a refusal, and what one may learn from it."""

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st
import pytest

from bot.card_tokens import BadToken
from bot.refusals import four_eyes, recorded
from bot.replies import markdown
from domain.approval import AlreadyVoted
from domain.errors import (
    BadArguments,
    NotNow,
    NotPermitted,
    Refused,
    UnknownCommand,
    UnknownRun,
)
from domain.policy import Decision, GateKind, Request
from domain.ports import Authorizer
from tests.cards.test_card_text import COMMON_MARK, EVERYTHING, FRAGMENTS, SIGNS
from tests.dispatch.world import Bot
from workflows.values import shown

NOBODY = NotPermitted("No.", reason="no_permit")
OUTSIDER = NotPermitted("No.", reason="not_eligible")


@pytest.mark.parametrize(
    ("error", "decides_at", "was_permitted", "expected"),
    [
        (NOBODY, GateKind.APPROVAL, False, ("authz.denied", "no_permit")),
        (NotPermitted("No."), GateKind.NONE, False, ("authz.denied", "no_permit")),
        (
            NotPermitted("No.", reason="policy_error"),
            GateKind.NONE,
            False,
            ("policy.error", "policy_error"),
        ),
        (four_eyes("approvers"), GateKind.APPROVAL, False, ("approval.denied", "self")),
        (OUTSIDER, GateKind.APPROVAL, True, ("approval.denied", "not_eligible")),
        (AlreadyVoted("Again."), GateKind.APPROVAL, True, ("approval.denied", "duplicate")),
        (NotNow("Over."), GateKind.APPROVAL, True, ("approval.denied", "late")),
        (NotNow("Over."), GateKind.CONFIRM, True, ("approval.denied", "late")),
        (NotNow("Over."), GateKind.NONE, True, ("command.denied", "not_now")),
        (BadToken(), GateKind.NONE, False, ("command.denied", "bad_token")),
        (UnknownCommand("?"), GateKind.NONE, False, ("command.denied", "unknown_command")),
        (BadArguments("?"), GateKind.APPROVAL, False, ("command.denied", "bad_arguments")),
        (UnknownRun("k7f3q2ma"), GateKind.CONFIRM, False, ("command.denied", "unknown_run")),
        (Refused("?"), GateKind.NONE, True, ("command.denied", "refused")),
    ],
)
def test_a_refusal_is_recorded_as(error, decides_at, was_permitted, expected):
    assert recorded(error, decides_at=decides_at, was_permitted=was_permitted) == expected


def test_a_denial_that_is_hidden_from_whoever_asked_is_recorded_all_the_same():
    hidden = UnknownRun("k7f3q2ma")
    hidden.__cause__ = NOBODY

    kind = recorded(hidden, decides_at=GateKind.NONE, was_permitted=False)

    assert kind == ("authz.denied", "no_permit")


@dataclass
class Secretive:
    """The demo's policy, but runs of prod are not for viewers to see."""

    policy: Authorizer

    @property
    def digest(self) -> str:
        return self.policy.digest

    def decide(self, request: Request) -> Decision:
        if request.environment == "prod" and request.actor.roles == {"viewer"}:
            return Decision(allowed=False)
        return self.policy.decide(request)

    def group_id(self, name: str) -> str:
        return self.policy.group_id(name)

    def roles_of(self, groups: frozenset[str]) -> frozenset[str]:
        return self.policy.roles_of(groups)


@pytest.mark.parametrize("verb", ["run", "cancel", "confirm"])
async def test_a_run_that_one_may_not_see_is_answered_like_one_that_is_not_there(
    bot: Bot, verb: str
):
    run = await bot.asks_for("dev-1", "deploy shop v1.1.0 to prod")
    secretive = Secretive(bot.installation.authorizer)
    object.__setattr__(bot.installation, "authorizer", secretive)
    bot.installation.views._authorizer = secretive

    hidden = await bot.says("viewer-1", f"{verb} {run.id}")
    recorded_as = (await bot.last_event())[0]
    missing = await bot.says("viewer-1", f"{verb} aaaaaaaa")

    assert hidden is not None
    assert missing is not None
    assert hidden.markdown == missing.markdown.replace("aaaaaaaa", run.id)
    assert recorded_as == "authz.denied"
    assert run.id not in str(replace(await _list(bot), reply_to=""))


async def _list(bot: Bot):
    said = await bot.says("viewer-1", "runs")
    assert said is not None
    return said


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Say `help` for more.", "Say `help` for more."),
        ("`a`b`", "`a`b\\`"),
        ("I know no `[x](http://e.vil)`.", "I know no \\`\\[x\\](http:\\//e\\.vil)\\`."),
        ("<at>Boss</at> `x` *bold*", "\\<at>Boss\\</at> `x` \\*bold\\*"),
        ("", ""),
        (" `x` ", " `x` "),
        (
            "It is `deploy <service> <version> to <environment>`.",
            "It is `deploy \u2039service\u203a \u2039version\u203a to \u2039environment\u203a`.",
        ),
        ("`status [service] [in environment]`", "`status [service] [in environment]`"),
        ("`go [--mine] [--symptoms …]`", "`go [--mine] [--symptoms …]`"),
        ("`why <command…>`", "`why \u2039command…\u203a`"),
        ('`approve <id> [--comment "…"]`', '`approve \u2039id\u203a [--comment "…"]`'),
        ('Write `--reason "…"`.', 'Write `--reason "…"`.'),
        ("There is no `--Reson` here.", "There is no `--Reson` here."),
        ("I know no `<at>Boss</at>`.", "I know no \\`\\<at>Boss\\</at>\\`."),
        ("I know no `<b>`.", "I know no `\u2039b\u203a`."),
        ("`[x] (e.vil)`", "\\`\\[x\\] (e\\.vil)\\`"),
    ],
)
def test_a_sentence_reads_as_it_was_written(sentence: str, expected: str):
    assert markdown(sentence) == expected


@given(SIGNS | FRAGMENTS | st.lists(FRAGMENTS, max_size=3).map("`".join))
def test_what_somebody_typed_becomes_letters_or_code_and_nothing_else(typed):
    said = markdown(f'I know no {shown(typed)}. It is `go <x> [in y…] [--z "…"]`, not {typed}.')

    for reader in (COMMON_MARK, EVERYTHING):
        paragraph, inline, _end = reader.parse(said)
        parts = inline.children or []
        assert paragraph.type == "paragraph_open"
        assert {part.type for part in parts} <= {"text", "text_special", "code_inline"}
        codes = [part.content for part in parts if part.type == "code_inline"]
        assert 'go \u2039x\u203a [in y…] [--z "…"]' in codes
        assert not set("".join(codes)) & set("<>(){}&*\\`")
