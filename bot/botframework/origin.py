"""What an activity says of its origin, read from the JSON as it came.

The SDK's own reading hides attacks: it turns a list into a string, and looks for the tenant under
a key that Teams does not use (`tenantID`; Teams sends `tenantId`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
import re
from typing import Any

from bot.botframework.trust import ChannelTrust, ForeignTenant, Untrusted
from domain.actor import ObjectId, TenantId

CHANNEL = "msteams"
"""On other channels the client chooses `from` and `channelData`."""

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_BY_PEOPLE = ("message", "invoke")
_SHOWN = 200  #: characters of a foreign activity's claims that go into the audit log


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an activity comes from, checked."""

    tenant: TenantId
    sender: ObjectId  #: empty where nobody acted, such as an installation by policy


def origin(raw: Mapping[str, Any], trust: ChannelTrust) -> Origin:
    """The origin of the activity *raw*, whose token has been verified.

    Raises:
        ForeignTenant: the tenant is not, or not plainly, one of ours.
        Untrusted: any other claim does not hold.
    """
    if raw.get("channelId") != CHANNEL:
        raise Untrusted("Another channel.")
    service_url = raw.get("serviceUrl")
    if not isinstance(service_url, str) or not trust.allows(service_url):
        raise Untrusted("The service URL is no address of the channel.")
    recipient = _object(raw, "recipient").get("id")
    if not isinstance(recipient, str) or recipient.lower() != trust.bot_id.lower():
        raise Untrusted("It is for another bot.")
    tenant = _tenant(raw, trust.tenants)
    return Origin(tenant=tenant, sender=_sender(raw))


def _tenant(raw: Mapping[str, Any], served: frozenset[str]) -> TenantId:
    """The one tenant that every mention of a tenant names."""
    claims = [
        _object(raw, "conversation").get("tenantId"),
        _object(_object(raw, "channelData"), "tenant").get("id"),
    ]
    named = {_shown(claim).lower() for claim in claims if claim is not None}
    if not named:
        raise ForeignTenant("no tenant", _claims(raw, named))
    if len(named) > 1:
        raise ForeignTenant("tenants disagree", _claims(raw, named))
    (tenant,) = named
    if tenant not in served:
        raise ForeignTenant("foreign tenant", _claims(raw, named))
    return TenantId(tenant)


def _sender(raw: Mapping[str, Any]) -> ObjectId:
    sender = _object(raw, "from")
    if sender.get("role") not in (None, "", "user"):
        raise Untrusted("It was not sent by a person.")
    object_id = sender.get("aadObjectId")
    if object_id is None and raw.get("type") not in _BY_PEOPLE:
        return ObjectId("")
    if not isinstance(object_id, str) or not _GUID.fullmatch(object_id):
        raise Untrusted("The sender has no directory identity.")
    return ObjectId(object_id.lower())


def _object(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under *key*; an empty one where there is none, or something else."""
    value = raw.get(key)
    return value if isinstance(value, Mapping) else {}


def _claims(raw: Mapping[str, Any], tenants: set[str]) -> Mapping[str, str]:
    return {
        "tenant": ", ".join(sorted(tenants)),
        "sender": _shown(_object(raw, "from").get("aadObjectId")),
        "conversation": _shown(_object(raw, "conversation").get("id")),
        "activity": _shown(raw.get("id")),
        "type": _shown(raw.get("type")),
    }


def _shown(claim: Any) -> str:
    """*claim* for the audit log; what is no text is named by its type."""
    if claim is None:
        return ""
    return claim[:_SHOWN] if isinstance(claim, str) else f"({type(claim).__name__})"
