"""One person at a terminal: who talks, what they see, what they type."""

from dataclasses import dataclass
from typing import Any

from bot.card_form import card_buttons
from bot.chat_client import Talk
from bot.terminal.keyboard import Ask
from bot.terminal.screen import Screen, pressable
from bot.terminal.threads import Threads


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """All that is needed to talk."""

    talk: Talk
    screen: Screen
    ask: Ask
    threads: Threads
    may_be_silent: bool = False  #: it is a script: what is optional in a form may go unsaid

    async def catch_up(self) -> None:
        """Print the latest message that has buttons, so that they can be pressed."""
        for message in reversed(await self.note_messages()):
            if any(pressable(card_buttons(card)) for card in message["cards"]):
                self.screen.show(message)
                return

    async def note_messages(self) -> list[Any]:
        """The latest messages, oldest first, taken into account for where answers go."""
        messages = await self.talk.messages()
        for message in messages:
            self.threads.note(message)
        return messages

    async def say(self, text: str, thread: str = "") -> Any:
        """Say *text* to the bot, in *thread* if there is one.

        The message comes back; None where the bot was not reached, which is printed.
        """
        said = await (self._reply(text, thread) if thread else self.talk.say(text))
        failure = (said["delivery"] or {}).get("failure")
        if failure:
            self.screen.line(failure)
            return None
        self.threads.note(said["message"])
        return said["message"]

    async def _reply(self, text: str, thread: str) -> Any:
        talk = self.talk
        mention = f"@{talk.bot}"
        body = {
            "as": talk.user,
            "conversation": f"{talk.place.id};messageid={thread}",
            "text": text if mention.lower() in text.lower() else f"{mention} {text}",
        }
        return await talk.call("POST", "/chat/messages", body=body)
