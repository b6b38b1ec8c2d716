"""`help`: what one may say, and how a command is used, by whoever asks."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.command import Command, Commands, choices, question
from bot.examples import Subjects, examples
from bot.parsing import bind, head
from bot.permitted import is_permitted_anywhere
from bot.usage import input_usage, usage
from bot.workflow_command import workflow_command
from cards.help import InputUsage
from cards.limits import lint
from connectors.connector import Actions
from domain.conversation import ConversationKind
from domain.field import Field, FieldType
from domain.policy import GateKind
from tests.cards.test_run_card import texts
from tests.dispatch.world import WORKFLOWS, Bot, Systems

PEOPLE = ("viewer-1", "dev-1", "sre-1", "approver-1", "approver-2", "auditor-1", "commander-1")
SUBJECTS = Subjects(person="dev-1", lines=("status shop",), run_id="k7f3q2ma")


async def told(bot: Bot, who: str, text: str, **changes: Any) -> list[str]:
    """The texts of the card that answers, as they are read."""
    card = await card_of(bot, who, text, **changes)
    assert lint(card) == []
    return [each.replace("\\", "") for each in texts(card)]


async def card_of(bot: Bot, who: str, text: str, **changes: Any) -> Mapping[str, Any]:
    said = await bot.says(who, text, **changes)
    assert said is not None
    assert said.card is not None, said.markdown
    return said.card


async def sentence(bot: Bot, who: str, text: str) -> str:
    said = await bot.says(who, text)
    assert said is not None
    assert said.card is None
    return said.markdown


def listed(said: list[str]) -> set[str]:
    """The commands in a help's list."""
    return {each.partition(" ")[0] for each in said[4:-1]}


@pytest.mark.parametrize(
    ("who", "shown", "hidden", "foot"),
    [
        (
            "viewer-1",
            {"whoami", "status", "runs", "why"},
            {"deploy", "logs", "audit", "approve"},
            "17 more commands exist for other roles.",
        ),
        (
            "dev-1",
            {"deploy", "logs", "cancel"},
            {"audit", "approve"},
            "9 more commands exist for other roles.",
        ),
        (
            "approver-2",
            {"approve", "reject"},
            {"deploy", "logs", "audit"},
            "13 more commands exist for other roles.",
        ),
    ],
)
async def test_help_shows_what_one_may_run_and_counts_the_rest(bot: Bot, who, shown, hidden, foot):
    said = await told(bot, who, "help")

    assert listed(said) >= shown
    assert listed(said) & hidden == set()
    assert said[-1].startswith(foot)


async def test_help_lists_a_command_once_whatever_else_it_is_called(bot: Bot):
    said = await told(bot, "dev-1", "?")

    assert sum(each.startswith("deploy ") for each in said) == 1
    assert not any(each.startswith("ship") for each in said)


@pytest.mark.parametrize("line", ["help", "help deploy", ""])
@pytest.mark.parametrize("kind", [ConversationKind.PERSONAL, ConversationKind.GROUP_CHAT])
async def test_help_is_the_same_wherever_it_is_asked_for(bot: Bot, line: str, kind):
    elsewhere = replace(bot.inbound("dev-1").conversation, kind=kind, id="a:elsewhere")

    assert await told(bot, "dev-1", line) == await told(bot, "dev-1", line, conversation=elsewhere)


async def test_help_of_a_command_is_all_that_there_is_to_know_of_it(bot: Bot):
    assert await told(bot, "dev-1", "help deploy") == [
        "Help · Workflows",
        "deploy",
        (
            "Puts a version of a service into an environment, "
            "and goes back if it is not well there."
        ),
        "deploy <service> <version> to <environment>",
        "Also: **ship**",
        "For example",
        "deploy shop v1.1.0 to staging",
        'deploy billing v1.1.0 to prod --reason "fixes the rounding"',
        "Inputs",
        *("service", "What to deploy: shop or billing", "required"),
        *("version", "Which version, such as v1.1.0", "required"),
        *("environment", "Where to: staging or prod", "required"),
        *("--reason", "Why: text", "optional"),
        "What it takes",
        "In staging: starts at once",
        (
            "In prod: 2 approvals from prod-approvers, not by the requester, within 30 minutes;"
            " incident-commanders are called after 15 minutes"
        ),
        "What it does",
        "1 · Note what runs now",
        "2 · Switch the version",
        "3 · Check that it is well",
    ]


async def test_help_of_a_command_says_where_it_is_not_for_this_person(bot: Bot):
    for_dev = await told(bot, "dev-1", "help restart")
    for_sre = await told(bot, "sre-1", "help BOUNCE")

    assert "In prod: not for you: that needs the role operator" in for_dev
    assert "In prod: confirmation by the requester within 30 minutes" in for_sre
    assert not any(" in prod" in each for each in for_dev[:9])  # the examples


async def test_a_command_that_makes_no_run_has_no_gates_and_no_steps(bot: Bot):
    for line in ("help status", "help cancel", "help whoami"):
        said = await told(bot, "dev-1", line)
        assert {"What it takes", "What it does"}.isdisjoint(said)


@pytest.mark.parametrize(
    ("line", "deed"), [("help logs", "read the logs"), ("help ship", "use deploy")]
)
async def test_help_of_what_one_may_not_run_says_what_it_takes(bot: Bot, line: str, deed: str):
    assert await sentence(bot, "viewer-1", line) == (
        f"viewer-1 may not {deed}. That needs the role developer;"
        " ask dev-1, sre-1, approver-1 or commander-1."
    )
    assert await bot.last_event() == ("authz.denied", "viewer-1", "no_permit")


# -- examples -----------------------------------------------------------------------------


def is_allowed(bot: Bot, who: str, line: str) -> bool:
    """Whether *line* can be typed by *who*: it is understood, and the policy says yes."""
    installation, actor = bot.installation, bot.actor(who)
    name, rest = head(line)
    asked = installation.commands.find(name)
    if asked.repeats:  # what it stands for was allowed before, and is asked about anew
        return True
    known = choices(asked, installation.catalogue)
    arguments = bind(rest, asked.syntax, asked.fields, known)
    request = question(asked, arguments, actor)
    if asked.field_of(FieldType.RUN):
        request = replace(request, requester=actor.id)
    decision = installation.authorizer.decide(request)
    if asked.decides_at is GateKind.APPROVAL:  # of somebody else's run
        decision = installation.authorizer.decide(replace(request, requester="somebody"))
    return decision.allowed


@pytest.mark.parametrize("who", PEOPLE)
async def test_every_example_can_be_typed_as_it_stands(bot: Bot, who: str):
    actor, installation = bot.actor(who), bot.installation
    mine = [
        each for each in installation.commands if is_permitted_anywhere(each, actor, installation)
    ]

    assert mine
    for asked in mine:
        made = usage(asked, actor, installation).examples
        assert made, asked.name
        assert all(is_allowed(bot, who, line) for line in made), made
        assert len(made) == len(set(made)) <= 2


async def test_what_why_and_can_are_asked_about_in_examples_can_be_typed_too(bot: Bot):
    for who in PEOPLE:
        for name, words in (("why", 1), ("can", 2)):
            asked = bot.installation.commands.find(name)
            for line in usage(asked, bot.actor(who), bot.installation).examples:
                assert is_allowed(bot, who, line.split(" ", words)[words])


async def test_an_example_about_runs_names_one_that_waits_for_this_person(bot: Bot):
    waiting = await bot.opened(await bot.asks_for("dev-1", "deploy shop v1.1.0 to prod"))
    bot.clock.move(timedelta(seconds=1))
    theirs = await bot.asks_for("sre-1", "deploy billing v1.1.0 to staging")

    async def example(who: str, line: str) -> str:
        said = await told(bot, who, line)
        return said[said.index("For example") + 1]

    assert await example("approver-1", "help approve") == f"approve {waiting.id}"
    assert await example("dev-1", "help cancel") == f"cancel {waiting.id}"
    assert await example("sre-1", "help cancel") == f"cancel {theirs.id}"
    assert await example("viewer-1", "help run") == f"run {theirs.id}"
    # Not what is somebody else's, though commander-1 may cancel it: examples are typed.
    assert await example("commander-1", "help cancel") == "cancel k7f3q2ma"
    assert await example("sre-1", "help confirm") == "confirm k7f3q2ma"


def launch(line: str, *inputs: Field) -> Command:
    workflow = replace(WORKFLOWS[0], name="launch", command=line, inputs=inputs, lock=None)
    return workflow_command(workflow, Actions([Systems()]))


@pytest.mark.parametrize(
    ("line", "inputs", "expected"),
    [
        (
            "launch <colour> [count]",
            [
                Field(name="colour", type=FieldType.CHOICE, choices=("dark red", "blue")),
                Field(name="count", type=FieldType.NUMBER, required=False, default="2"),
            ],
            ('launch "dark red"', 'launch "dark red" 2 --reason "fixes the rounding"'),
        ),
        (
            "launch <colour> [count]",
            [
                Field(name="colour", type=FieldType.CHOICE, choices=("red", "blue")),
                Field(name="count", type=FieldType.NUMBER, required=False, default="2"),
            ],
            ("launch red", 'launch red 2 --reason "fixes the rounding"'),
        ),
        (
            "launch <ticket>",
            [
                Field(
                    name="ticket", pattern="[A-Z]+-[0-9]+", description="What for, such as PAY-8."
                ),
                Field(name="dry_run", type=FieldType.BOOLEAN, required=False, flag_only=True),
            ],
            ("launch PAY-8", "launch PAY-8 --dry-run"),
        ),
        ("launch <ticket>", [Field(name="ticket", pattern="[A-Z]+-[0-9]+")], ()),
        (
            "launch <count> <who> <parts>",
            [
                Field(name="count", type=FieldType.NUMBER, minimum=10),
                Field(name="who", type=FieldType.PERSON),
                Field(name="parts", type=FieldType.MULTI_CHOICE, choices=("left", "right")),
            ],
            (
                "launch 10 dev-1 left",
                'launch 10 dev-1 left --reason "fixes the rounding"',
            ),
        ),
        (
            "launch --note",
            [Field(name="note", flag_only=True, description='Words, such as "a b".')],
            ('launch --note "a b"', 'launch --note "a b" --reason "fixes the rounding"'),
        ),
    ],
)
async def test_examples_are_made_from_the_fields(bot: Bot, line, inputs, expected):
    asked = launch(line, *inputs)

    made = examples(asked, [], SUBJECTS, bot.installation.catalogue)

    assert made == expected


async def test_somebody_of_several_words_is_one_word_in_an_example(bot: Bot):
    can = bot.installation.commands.find("can")
    subjects = replace(SUBJECTS, person='Ada "Countess" Lovelace')

    (made,) = examples(can, [], subjects, bot.installation.catalogue)

    assert made == 'can "Ada \\"Countess\\" Lovelace" status shop'


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (Field(name="x", description="What."), ("x", "What: text", "required")),
        (
            Field(name="x_y", type=FieldType.BOOLEAN, required=False, flag_only=True),
            ("--x-y", "yes or no", "optional"),
        ),
        (
            Field(name="x", type=FieldType.NUMBER, required=False, default="30"),
            ("x", "a number", "30 if left out"),
        ),
        (
            Field(name="x", type=FieldType.CHOICE, choices=("a", "b", "c")),
            ("x", "one of a, b, c", "required"),
        ),
        (
            Field(name="x", type=FieldType.CHOICE, choices=tuple("abcdefghijkl")),
            ("x", "one of a, b, c, d, e, f, g, h, i, j and 2 more", "required"),
        ),
        (Field(name="x", type=FieldType.CHOICE, choices=("a",)), ("x", "a", "required")),
        (Field(name="x", type=FieldType.VERSION), ("x", "such as v1.2.3", "required")),
        (Field(name="x", type=FieldType.DATE), ("x", "such as 2026-11-25", "required")),
        (
            Field(name="x", type=FieldType.NUMBER, minimum=1, maximum=200),
            ("x", "a number from 1 to 200", "required"),
        ),
        (
            Field(name="x", type=FieldType.MULTI_CHOICE, choices=("a", "b", "c")),
            ("x", "some of a, b, c, with commas between", "required"),
        ),
        (
            Field(name="x", type=FieldType.REST, description="All"),
            ("x", "All: the rest of the line", "required"),
        ),
    ],
)
async def test_an_input_is_told_in_words(bot: Bot, field: Field, expected):
    name, takes, needed = expected

    assert input_usage(field, bot.installation.catalogue) == InputUsage(
        name=name, takes=takes, needed=needed
    )


async def test_where_services_differ_both_gates_are_told(bot: Bot):
    """A rule may look at a service's owner or tier."""
    dev, policy = bot.actor("dev-1"), bot.installation.authorizer

    class Careful:
        def decide(self, request):
            if request.service == "billing" and request.environment == "staging":
                return policy.decide(replace(request, environment="prod"))
            return policy.decide(request)

    object.__setattr__(bot.installation, "authorizer", Careful())
    gates = usage(bot.installation.commands.find("deploy"), dev, bot.installation).gates

    assert [(each.place, each.kind) for each in gates] == [
        ("staging", GateKind.APPROVAL),
        ("prod", GateKind.APPROVAL),
    ]
    assert gates[0].words.startswith("starts at once, or 2 approvals from prod-approvers")


async def test_who_may_use_nothing_that_is_about_a_service_asks_about_help(bot: Bot):
    commands = bot.installation.commands
    few = Commands(each for each in commands if each.name in {"help", "why"})
    object.__setattr__(bot.installation, "commands", few)

    made = usage(few.find("why"), bot.actor("viewer-1"), bot.installation).examples

    assert made == ("why help",)
