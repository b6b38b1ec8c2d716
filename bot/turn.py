"""One activity on its way: how far it has come, and what is recorded of it should it end there."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot.card_tokens import Press
from bot.command import Command
from bot.inbound import Inbound, InboundKind
from bot.parsing import head
from cards.text import clean
from domain.actor import Actor
from domain.audit import Event
from domain.command import Trigger
from domain.dialog import Dialog
from domain.errors import Bug
from domain.policy import Decision
from domain.run import Run

_INVOKES = frozenset({InboundKind.ACTION, InboundKind.FETCH, InboundKind.FORM})


_LEAST = timedelta(seconds=0.2)
"""What a system that answers at once needs, however long the others before it took."""


@dataclass(slots=True, kw_only=True)
class Turn:
    """What is known of a request so far."""

    inbound: Inbound
    deadline: float  #: on the event loop's clock: until then directory and systems may answer
    press: Press | None = None  #: what the button stands for; None for a typed line
    command: Command | None = None
    actor: Actor | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    run: Run | None = None  #: the run in question
    decision: Decision | None = None  #: the policy's yes
    dialog: Dialog | None = None  #: the guided dialog it belongs to
    typed: Mapping[str, str] = field(default_factory=dict)  #: what was filled in, right or not
    errors: Mapping[str, str] = field(default_factory=dict)  #: what is wrong with it, by field

    @property
    def is_invoke(self) -> bool:
        """Whether somebody waits for an answer in the HTTP answer itself."""
        return self.inbound.kind in _INVOKES and not self.inbound.is_submit

    @property
    def time_left(self) -> timedelta:
        """What live systems get from now on; never nothing, so that quick ones are asked."""
        now = asyncio.get_running_loop().time()
        return max(timedelta(seconds=self.deadline - now), _LEAST)

    @property
    def trigger(self) -> Trigger:
        """What started it. An old client's button is answered like a typed line: by a message."""
        if self.inbound.kind is InboundKind.OCCURRENCE:
            return Trigger.SCHEDULE
        if not self.is_invoke:
            return Trigger.COMMAND
        return Trigger.FORM if self.inbound.kind is InboundKind.FORM else Trigger.BUTTON

    @property
    def answers(self) -> str:
        """The message that is answered; empty where nobody sent one."""
        is_due = self.inbound.kind is InboundKind.OCCURRENCE
        return "" if is_due else self.inbound.activity_id

    @property
    def who(self) -> Actor:
        """The actor; before the directory has spoken, the verified id and nothing more."""
        return self.actor or unverified(self.inbound)

    @property
    def known_command(self) -> Command:
        """The command, which has been looked up."""
        if self.command is None:
            raise Bug("The command has not been looked up.")
        return self.command

    @property
    def run_id(self) -> str:
        """The run in question; empty where there is none."""
        if self.run is not None:
            return self.run.id
        return self.press.run_id if self.press else ""

    def event(
        self, kind: str, *, outcome: str, reason: str = "", rule: str = "", run_id: str = ""
    ) -> Event:
        """What the audit log says of it. What was typed is not in it, but for bound arguments."""
        inbound, decision = self.inbound, self.decision
        said = inbound.verb if self.is_invoke or inbound.is_submit else head(inbound.text)[0]
        name = self.command.name if self.command else clean(said, limit=40)
        facts: dict[str, Any] = {
            "arguments": dict(self.arguments),
            "trigger": self.trigger.value,
            "rule": rule or (decision.rule if decision else ""),
            "gate": decision.gate.kind.value if decision else "",
            "activity_id": inbound.activity_id,
        }
        return Event(
            type=kind,
            actor=self.who,
            subject=f"command/{name}",
            outcome=outcome,
            reason=reason,
            run_id=run_id or (self.run.id if self.run else ""),
            conversation_id=inbound.conversation.id,
            data=facts,
        )


def unverified(inbound: Inbound) -> Actor:
    """The sender while nobody says who it is: the verified id, no name and no role."""
    return Actor(tenant=inbound.tenant, id=inbound.sender, name=inbound.sender, is_known=False)
