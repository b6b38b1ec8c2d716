"""What is answered to a word that calls no command: what was meant, of what one may run."""

import pytest

from bot.command import Commands
from bot.synonyms import MEANT
from tests.dispatch.world import Bot

SAYS_HELP = "Say `help` for all of them."


async def guess(bot: Bot, who: str, text: str) -> str:
    said = await bot.says(who, text)
    assert said is not None
    assert await bot.last_event() == ("command.denied", who, "unknown_command")
    assert await bot.runs() == []
    return said.markdown.partition(". ")[2].removesuffix(SAYS_HELP).strip()


@pytest.mark.parametrize(
    ("who", "typed", "expected"),
    [
        ("dev-1", "depoly shop v1.1.0 to prod", "Did you mean `deploy`?"),
        ("dev-1", "shipp", "Did you mean `deploy`?"),  # near an alias of it
        ("dev-1", "rusn", "Did you mean `run` or `runs`?"),
        ("dev-1", "rev", "Did you mean `rollback`?"),  # `revert` is an alias
        ("approver-1", "re", "Did you mean `reject`, `remind` or `reminders`?"),
        ("dev-1", "log shop in prod", "Did you mean `logs`?"),
        ("dev-1", "REBOOT shop in prod", "Did you mean `restart`?"),
        ("dev-1", "release", "Did you mean `deploy`?"),
        ("dev-1", "undo", "Did you mean `rollback`?"),
        ("dev-1", "state", "Did you mean `status`?"),
        ("dev-1", "hello", "Did you mean `help`?"),
        ("approver-2", "yes", "Did you mean `approve` or `confirm`?"),
        ("dev-1", "yes", "Did you mean `confirm`?"),
        ("dev-1", "xyzzy", ""),
    ],
)
async def test_what_was_meant_is_asked_and_not_done(bot: Bot, who: str, typed: str, expected: str):
    assert await guess(bot, who, typed) == expected


@pytest.mark.parametrize(
    "typed", ["depoly", "deplo", "shipp", "release", "log", "logz", "tail", "audi", "approv", "r"]
)
async def test_nobody_learns_of_a_command_by_mistyping_it(bot: Bot, typed: str):
    said = await guess(bot, "viewer-1", f"{typed} shop")

    hidden = ("deploy", "restart", "rollback", "logs", "audit", "approve", "reject")
    assert not any(f"`{each}`" in said for each in hidden)


@pytest.mark.parametrize("line", ["help depoly", "why depoly shop", "can viewer-1 depoly shop"])
async def test_a_mistyped_command_within_a_command_is_guessed_the_same(bot: Bot, line: str):
    for_dev = await bot.says("dev-1", line)
    for_viewer = await bot.says("viewer-1", line)

    assert for_dev is not None
    assert for_viewer is not None
    assert for_dev.markdown == f"I know no command `depoly`. Did you mean `deploy`? {SAYS_HELP}"
    assert for_viewer.markdown == f"I know no command `depoly`. {SAYS_HELP}"


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("?", "help"),
        ("commands", "help"),
        ("me", "whoami"),
        ("ID", "whoami"),
        ("ps shop in prod", "status"),
        ("ship shop v1.1.0 to staging", "deploy"),
        ("Bounce shop in staging", "restart"),
        ("revert shop in staging", "rollback"),
    ],
)
async def test_an_alias_is_the_command_and_is_recorded_under_its_name(
    bot: Bot, typed: str, command: str
):
    await bot.says("dev-1", typed)

    event = (await bot.events())[-1]
    assert (event["type"], event["subject"]) == ("command.parsed", f"command/{command}")


async def test_a_policy_sees_the_command_and_not_the_alias(bot: Bot):
    said = await bot.says("viewer-1", "ship shop v1.1.0 to prod")

    assert said is not None
    assert said.markdown.startswith("viewer-1 may not deploy shop in prod.")


async def test_no_guess_is_a_word_that_calls_something_already(bot: Bot):
    """It would never be reached, or would be an alias that somebody took for a guess."""
    commands: Commands = bot.installation.commands
    called = {word for each in commands for word in (each.name, *each.aliases)}

    assert called & set(MEANT) == set()
    assert {name for names in MEANT.values() for name in names} <= called
