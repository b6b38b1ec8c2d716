"""The threads of a channel: where one has been asked something, and where an answer goes. Pure."""

from typing import Any

from bot.card_form import card_entries
from bot.card_rows import headline
from bot.card_text import plain_words
from cards.text import clean

_LABEL = 24  #: characters of a thread's first words, in a prompt


class Threads:
    """What *user* knows of the threads, from the messages that were noted."""

    def __init__(self, user: str, bot: str) -> None:
        self._user = user
        self._bot = bot
        self._words: dict[str, str] = {}
        self._asked: dict[str, tuple[int, bool]] = {}  #: the bot's last message, if it asks
        self._cards: set[str] = set()  #: threads in which it asks by a card
        self._wrote = (0, "")  #: one's own last message, its thread
        self._latest = ""

    def note(self, message: Any) -> None:
        """Take *message*, which is new or has changed, into account."""
        root, number = message["root"], int(message["id"])
        if message["id"] == root:
            text = " ".join(plain_words(message["text"]))
            self._words[root] = clean(text.removeprefix(f"@{self._bot}"), limit=_LABEL)
        if not message["isFromBot"]:
            if message["senderName"] == self._user:
                self._wrote = max(self._wrote, (number, root))
            return
        self._latest = root
        before, _ = self._asked.get(root, (0, False))
        is_remark = root in self._cards and not message["cards"] and not asks(message)
        if number < before or (is_remark and number > before):
            return  # words such as "I know no version `shop`" leave the card's question open
        self._asked[root] = (number, asks(message))
        if message["cards"] and asks(message):
            self._cards.add(root)
        else:
            self._cards.discard(root)

    def leave(self) -> None:
        """The next line is a post of its own, whatever was asked."""
        number, root = self._wrote
        self._asked.pop(root, None)
        self._cards.discard(root)
        self._wrote = (number, "")

    @property
    def latest(self) -> str:
        """The thread in which the bot was last heard; empty where it was in none."""
        return self._latest

    @property
    def asking(self) -> str:
        """The thread in which one wrote last, if the bot has asked for something there."""
        return self._wrote[1] if self.question else ""

    @property
    def question(self) -> str:
        """The message with which the bot asked, where one wrote last; empty where it did not."""
        number, is_asked = self._asked.get(self._wrote[1], (0, False))
        return str(number) if is_asked else ""

    def words(self, root: str) -> str:
        """The first words of a thread."""
        return self._words.get(root, "")


def asks(message: Any) -> bool:
    """Whether *message* wants an answer: a field has to be filled in, or it ends with "?".

    Fields that may stay empty, and those behind a button, are no question to anybody: a comment
    on an approval, the reason for a rejection.
    """
    if message["isDeleted"]:
        return False
    cards = message["cards"]
    said = [" ".join(plain_words(message["text"])), *map(headline, cards)]
    is_to_be_filled_in = any(each.is_required for card in cards for each in card_entries(card))
    return is_to_be_filled_in or any(words.rstrip().endswith("?") for words in said)
