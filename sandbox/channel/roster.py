"""Who is there: people as Teams knows them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from domain.actor import ObjectId, Person
from sandbox.channel.refusal import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody's account in this Teams."""

    id: str  #: `29:…`, what cards and mentions address
    object_id: ObjectId
    name: str
    is_guest: bool

    def member(self, tenant: str) -> Mapping[str, Any]:
        """The entry of a roster.

        https://learn.microsoft.com/microsoftteams/platform/bots/how-to/get-teams-context
        """
        address = f"{self.object_id}@teams.test"
        return {
            "id": self.id,
            "objectId": self.object_id,
            "aadObjectId": self.object_id,
            "name": self.name,
            "givenName": self.name,
            "surname": "",
            "email": address,
            "userPrincipalName": address,
            "tenantId": tenant,
            "userRole": "guest" if self.is_guest else "user",
        }


class Roster:
    """Everybody, in the order of the directory."""

    def __init__(self, people: Iterable[Person]) -> None:
        self.accounts = tuple(
            Account(
                id=f"29:{person.name}",
                object_id=person.id,
                name=person.name,
                is_guest=person.is_guest,
            )
            for person in people
            if person.is_enabled
        )
        self._by_name = {account.name: account for account in self.accounts}
        self._by_id = {key: a for a in self.accounts for key in (a.id, a.object_id)}

    def named(self, name: str) -> Account:
        """The account of the person called *name*.

        Raises:
            Refusal: nobody is called that.
        """
        try:
            return self._by_name[name]
        except KeyError:
            sentence = f"Nobody here is called {name[:80]!r}."
            raise Refusal(HTTPStatus.NOT_FOUND, "UnknownPerson", sentence) from None

    def find(self, account_id: str) -> Account | None:
        """The account of that Teams id or object id; None for a stranger."""
        return self._by_id.get(account_id)
