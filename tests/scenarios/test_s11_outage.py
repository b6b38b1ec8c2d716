"""S11, an outage and a lost right: late within two hours, else skipped; denied, paused and said.

Time is moved by moving what is due into the past, while nothing runs.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
import sqlite3
from typing import Any

import pytest

from sandbox.channel import Card, Channel, Person
from tests.scenarios.product import free_port
from tests.scenarios.stage import effects, events, folder, holds, rows, shown, soon, verifies

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180)]


async def saved(person: Person, line: str, when: str) -> Card:
    """The card of a schedule that *person* has looked at and saved."""
    post = await person.says(f'schedule "{line}" {when}')
    card = await post.card("Preview")
    await person.presses(card, "Save")
    await card.says("Active")
    return card


async def test_an_outage_and_a_lost_right_are_told_when_it_is_over(tmp_path):
    """Step 2 and failure (a): late within two hours, else skipped; denied, paused and said."""
    state, now = tmp_path / "state", datetime.now(UTC)  # noqa: TID251 - the product's is this one
    config, port = folder(tmp_path, {}), free_port()  # a conversation's address outlives us
    places: dict[str, str] = {}
    async with Channel.open(config_dir=config, state=state, chat_port=port) as before:
        dev, sre = before.person("dev-1"), before.person("sre-1")
        for person, line, age in (
            (dev, "restart shop in staging", timedelta(hours=1)),
            (dev, "restart billing in staging", timedelta(hours=5)),
            (sre, "restart shop in prod", timedelta(hours=1)),
        ):
            card = await saved(person, line, f"every day {now - age:%H:%M} UTC")
            places[line] = card.post.conversation_id
        reminded = await dev.says("remind me to breathe in 23 hours")
        await reminded.reply("I will say so here")
    _a_day_passes(state)
    people = config / "directory.yaml"
    text = people.read_text()
    assert "name: sre-1\n    groups: [operators]" in text
    people.write_text(text.replace("name: sre-1\n    groups: [operators]", "name: sre-1"))

    async with Channel.open(config_dir=config, state=state, chat_port=port) as after:
        for line, said in (
            ("restart shop in staging", "is carried out late"),
            ("restart shop in staging", "Succeeded in"),
            ("restart billing in staging", "was skipped: it could not be carried out within 2 h"),
            ("restart shop in prod", "is paused: sre-1 may not restart shop in prod"),
        ):
            await soon(
                lambda line=line, said=said: any(
                    said in each.words.replace("\\", "") and each.conversation_id == places[line]
                    for each in shown(after)
                ),
                lambda: shown(after),
            )
        await soon(lambda: any("Reminder: breathe" in each.words for each in shown(after)))
        await holds(after)
    states = {each["line"]: _facts(each) for each in rows(state, "SELECT * FROM schedules")}
    assert states == {
        "restart shop in staging": ("active", "run begun", True),
        "restart billing in staging": ("active", "skipped", True),
        "restart shop in prod": ("paused", "denied", False),
    }
    assert [each["service"] for each in effects(state)] == ["shop"]
    assert len(events(state, "authz.denied", trigger="schedule")) == 1
    await verifies(state)


def _a_day_passes(state: Path) -> None:
    """What is due tomorrow was due today."""
    with sqlite3.connect(state / "signalbox.db") as database:
        for table, column in (("schedules", "next_at"), ("reminders", "due_at")):
            for key, due in database.execute(f"SELECT id, {column} FROM {table}").fetchall():  # noqa: S608 - our own words
                earlier = datetime.fromisoformat(due) - timedelta(days=1)
                database.execute(
                    f"UPDATE {table} SET {column} = ? WHERE id = ?",  # noqa: S608 - the same
                    (earlier.isoformat(timespec="microseconds"), key),
                )


def _facts(row: dict[str, Any]) -> tuple[str, str, bool]:
    return row["state"], row["last_result"], row["next_at"] is not None
