"""How we introduce ourselves: what we are for, what can be said, and a button for more."""

from collections.abc import Iterator

from bot.card_tokens import Press
from bot.command import Command, Installation
from bot.examples import A_RUN_ID, Place, Subjects, examples
from cards.help import Listed
from cards.view import Button
from cards.welcome import welcome_card
from domain.command import Effect
from domain.conversation import Conversation, ConversationKind
from domain.field import FieldType
from domain.notice import Message
from domain.ports import Catalogue

_HELP, _LOOK, _WHY = "help", "status", "why"
_WORDS = (
    "I am Signalbox: I carry out operations from this conversation. "
    "Say `help` for what you may do."
)


def welcome(conversation: Conversation, installation: Installation) -> Message:
    """What is said in *conversation* when we were added to it.

    Nobody in particular asks, so the policy is not asked either: the examples are what somebody
    may do, in the place that matters least.
    """
    press = Button(title="Help", verb=_HELP, token=installation.tokens.sign(Press(verb=_HELP)))
    card = welcome_card(
        tuple(_examples(installation)),
        is_personal=conversation.kind is ConversationKind.PERSONAL,
        buttons=[press],
    )
    return Message(markdown=_WORDS, card=card)


def _examples(installation: Installation) -> Iterator[Listed]:
    """To look; to change something; and to ask whether one may."""
    commands, places = installation.commands, _places(installation.catalogue)
    changing = next(filter(_is_about_a_place, commands), None)
    change = "" if changing is None else _example(changing, places, "", installation.catalogue)
    shown = [commands.find(_LOOK), changing, commands.find(_WHY) if change else None]
    for asked in shown:
        text = asked and _example(asked, places, change, installation.catalogue)
        if asked and text:
            yield Listed(syntax=text, summary=asked.summary)


def _is_about_a_place(asked: Command) -> bool:
    """Whether *asked* makes runs that change a service somewhere."""
    types = {each.type for each in asked.fields}
    is_change = asked.effect is not Effect.READ
    return is_change and bool(asked.steps) and {FieldType.SERVICE, FieldType.ENVIRONMENT} <= types


def _places(catalogue: Catalogue) -> list[Place]:
    """All environments of all services, those that matter least first."""
    every = [
        (service, environment)
        for service in catalogue.services()
        for environment in catalogue.environments(service)
    ]
    return sorted(every, key=lambda place: -int(catalogue.attributes(*place).get("tier", 0)))


def _example(asked: Command, places: list[Place], line: str, catalogue: Catalogue) -> str:
    """The shortest example of *asked*; empty where none can be made."""
    subjects = Subjects(person="", lines=(line,), run_id=A_RUN_ID)
    return next(iter(examples(asked, places, subjects, catalogue)), "")
