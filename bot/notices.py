"""Notices on their way out: whom they call, and how Teams addresses them.

A notice waits in the outbox as what happened. Names and Teams ids are looked up when it is sent,
for they may have become known only then. In a personal chat nobody need be called.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/channel-and-group-conversations#work-with-mentions
"""

from collections.abc import Sequence
from datetime import timedelta, tzinfo
from html import escape as html

from bot.access.identity import readable
from bot.run_views import view
from cards.notices import notice_words
from cards.text import escape, plain
from domain.actor import ObjectId
from domain.conversation import ConversationKind
from domain.errors import Unavailable, UnknownRun
from domain.notice import Mention, Message, Notice
from domain.ports import Authorizer, Directory
from domain.run import Run
from storage.store import Store
from storage.unit import UnitOfWork

PATIENT_ATTEMPTS = 3
"""How often a notice is put off for what would make it better; then it is sent as it is."""

_A_MOMENT = timedelta(seconds=1)
_MOST_CALLED = 20  #: mentions in a message; more are refused by some clients
_NAME_LIMIT = 60


class Notices:
    """Puts notices into words."""

    def __init__(
        self, *, store: Store, authorizer: Authorizer, directory: Directory, zone: tzinfo
    ) -> None:
        self._store = store
        self._authorizer = authorizer
        self._directory = directory
        self._zone = zone

    async def message(self, notice: Notice, attempts: int) -> Message:
        """What is sent for *notice*, after so many *attempts* that failed.

        Raises:
            UnknownRun: there is no such run.
            Unavailable: the database did not answer; or, for the first attempts, the run's card
                is not there yet, or the directory does not say who is to be called.
        """
        run, has_card = await self._store.read(lambda unit: _run_and_card(unit, notice.run_id))
        if not has_card and attempts < PATIENT_ATTEMPTS:
            raise Unavailable("The run's card is not there yet.", retry_after=_A_MOMENT)
        called = await self._called(run, notice, attempts)
        return await self._store.read(lambda unit: self._message(unit, run.id, notice, called))

    async def _called(
        self, run: Run, notice: Notice, attempts: int
    ) -> Sequence[tuple[ObjectId, str]]:
        """Whom *notice* is for, by object id and name; nobody where that cannot be told."""
        if notice.to is not None:
            return [(ObjectId(notice.to[0]), notice.to[1])]
        if not notice.group:
            return [(run.requester.id, run.requester.name)]
        try:
            members = await self._directory.members(self._authorizer.group_id(notice.group))
        except Unavailable:
            if attempts < PATIENT_ATTEMPTS:
                raise
            return []
        return [
            (person.id, readable(person.name))
            for person in members
            if person.is_enabled and not person.is_guest and person.id != run.requester.id
        ]

    def _message(
        self,
        unit: UnitOfWork,
        run_id: str,
        notice: Notice,
        called: Sequence[tuple[ObjectId, str]],
    ) -> Message:
        run, _ = _run_and_card(unit, run_id)
        seen = view(unit, run, self._zone)
        is_own = not notice.group and notice.to is None
        if run.conversation.kind is ConversationKind.PERSONAL and is_own:
            return Message(markdown=notice_words(seen, notice))
        known = unit.members.teams_ids(run.requester.tenant, [each for each, _ in called])
        mentions, words = [], []
        for object_id, name in called[:_MOST_CALLED]:
            shown = plain(name, limit=_NAME_LIMIT)
            if object_id in known and run.conversation.kind is not ConversationKind.PERSONAL:
                tag = f"<at>{html(shown, quote=False)}</at>"
                mentions.append(Mention(teams_id=known[object_id], name=shown, text=tag))
                words.append(tag)
            else:
                words.append(escape(name, limit=_NAME_LIMIT))
        if len(called) > _MOST_CALLED:
            words.append(f"{len(called) - _MOST_CALLED} more")
        if notice.group:
            words = [f"{escape(notice.group, limit=_NAME_LIMIT)} ({', '.join(words)})"]
            if not called:
                words = [escape(notice.group, limit=_NAME_LIMIT)]
        return Message(
            markdown=notice_words(seen, notice, words), mentions=tuple(dict.fromkeys(mentions))
        )


def _run_and_card(unit: UnitOfWork, run_id: str) -> tuple[Run, bool]:
    """The run, and whether its card has been posted.

    Raises:
        UnknownRun: there is none.
    """
    run = unit.runs.get(run_id)
    if run is None:
        raise UnknownRun(run_id)
    card = unit.cards.get(run_id)
    return run, card is not None and card.activity_id is not None
