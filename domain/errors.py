"""Every error a person or an operator can meet.

    SignalboxError
    ├── Refused              you may not, or it makes no sense: no retry
    │   ├── NotPermitted     the policy says no
    │   ├── BadArguments     the words do not fit the command
    │   │   └── MissingArguments  … as far as they go they do: the rest can be asked for
    │   ├── UnknownCommand   there is no such command
    │   ├── UnknownRun       there is no such run, or it is not yours to see
    │   │   └── ForgottenRun     … there was one, and only the audit log tells of it
    │   ├── UnknownMessage   the message to be edited is gone
    │   └── NotNow           the run's state has no place for it: a stale button, a late vote
    ├── Unavailable          they did not answer: retry
    │   └── Ambiguous        sent, no answer: it may have happened; reconcile before a retry
    └── Bug                  we broke an invariant: page us
        └── IllegalTransition

`str(error)` is a sentence for the person in the channel; `hint` says what to do next.
"""

from collections.abc import Mapping
from datetime import timedelta


class SignalboxError(Exception):
    """Base of everything we raise on purpose."""

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(sentence)
        self.hint = hint

    @property
    def words(self) -> str:
        """The sentence and, where there is one, what to do next."""
        return f"{self} {self.hint}".strip()


class Refused(SignalboxError):
    """The request cannot be carried out as asked; asking again changes nothing."""


class NotPermitted(Refused):
    """The policy denies it."""

    def __init__(self, sentence: str, *, hint: str = "", rule: str = "", reason: str = "") -> None:
        super().__init__(sentence, hint=hint)
        self.rule = rule  #: the id of the deciding rule; empty where no rule allowed it
        self.reason = reason  #: for the audit log: self, not_eligible, guest, no_identity, …


class BadArguments(Refused):
    """The arguments do not fit the command."""


class MissingArguments(BadArguments):
    """Something that the command needs was not said; what was said fits."""

    def __init__(self, sentence: str, *, hint: str = "", values: Mapping[str, str]) -> None:
        super().__init__(sentence, hint=hint)
        self.values = values  #: by field name, accepted


class UnknownCommand(Refused):
    """Nobody taught us that command."""

    def __init__(self, sentence: str, *, hint: str = "", word: str = "") -> None:
        super().__init__(sentence, hint=hint)
        self.word = word  #: what was taken for a command


class UnknownRun(Refused):
    """No run of that id is known in this tenant."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"I know no run {run_id}.", hint="Say `runs` for the latest ones.")


class ForgottenRun(UnknownRun):
    """The run ended so long ago that it is not kept any more."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.args = (f"Run {run_id} ended so long ago that it is not kept any more.",)
        self.hint = f"The audit log tells what happened: `audit {run_id}`."


class UnknownMessage(Refused):
    """The message is gone: somebody deleted it, or the conversation with it."""


class NotNow(Refused):
    """The run has moved on: what was asked has no place in its state."""


class Unavailable(SignalboxError):
    """A system we depend on did not answer as expected; it may later."""

    def __init__(
        self, sentence: str, *, hint: str = "", retry_after: timedelta | None = None
    ) -> None:
        super().__init__(sentence, hint=hint)
        self.retry_after = retry_after  #: how long the system asked us to wait, if it said


class Ambiguous(Unavailable):
    """It was sent and no answer came: it may or may not have happened."""


class Bug(SignalboxError):
    """An invariant of ours does not hold."""


class IllegalTransition(Bug):
    """An event reached a state that has no place for it."""

    def __init__(self, what: str, state: str, event: str) -> None:
        super().__init__(f"{event!r} cannot happen to a {what} that is {state!r}.")
