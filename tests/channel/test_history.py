"""What is there again after a restart."""

from pathlib import Path

from sandbox.channel.history import open_history
from sandbox.channel.message import Message
from tests.channel.world import OPS, card, words, world_of


def message(number: int, **fields: str) -> Message:
    return Message(
        id=str(number),
        place=OPS,
        root=str(number),
        sender="29:dev-1",
        sender_name="dev-1",
        at="2026-03-02T09:30:00.000Z",
        **fields,
    )


async def test_a_card_from_before_a_restart_is_edited_in_place(tmp_path: Path) -> None:
    file = tmp_path / "teams.db"
    async with world_of(file) as before:
        root = (await before.says("dev-1", "@Signalbox deploy"))["message"]["id"]
        thread = before.conversation(f"{OPS};messageid={root}")
        sent = await before.bot.say(thread, card=card("running"))
        seen = await before.sees("dev-1")

    async with world_of(file) as after:
        again = await after.sees("dev-1")
        await after.bot.edit(after.conversation(f"{OPS};messageid={root}"), sent, card("done"))
        later = await after.says("dev-1", "thanks")  # the clock was set back

        assert again == seen
        assert words((await after.sees("dev-1"))[1]) == "done"
        assert int(later["message"]["id"]) > int(sent)


async def test_what_was_put_is_on_disk_before_it_is_closed(tmp_path: Path) -> None:
    first = await open_history(tmp_path / "teams.db")
    await first.put(message(1, text="one"))
    await first.put(message(1, text="two"))

    killed = await open_history(tmp_path / "teams.db")  # the first is not closed

    assert killed.get("1") == message(1, text="two")
    await first.close()
    await killed.close()


async def test_the_oldest_messages_make_room(tmp_path: Path) -> None:
    history = await open_history(tmp_path / "teams.db", most=3)
    for number in range(1, 6):
        await history.put(message(number))
    await history.close()

    again = await open_history(tmp_path / "teams.db")

    assert [each.id for each in again.of(OPS, most=10)] == ["3", "4", "5"]
    assert history.of(OPS, most=2) == again.of(OPS, most=2)
    await again.close()
