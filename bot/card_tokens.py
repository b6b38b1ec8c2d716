"""The token in a button: proof that we offered it, for this run, verb and gate.

It says nothing about who may press. The actor is whoever the channel verified, and the policy
decides when it is pressed, so a card that is copied or forwarded gives nobody anything. For the
same reason it is bound to no conversation: where it was pressed stands in the audit log.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
import hashlib
import hmac
import json
from typing import Any

from domain.canonical import canonical
from domain.errors import Bug, Refused

VERSION = 1
_LONGEST = 4000
_PURPOSE = b"signalbox.card.token\n"


class BadToken(Refused):
    """The button is none of ours, or was made for something else."""

    def __init__(self) -> None:
        super().__init__(
            "I did not make this button, or it is too old to be used.",
            hint="Say run and the id for a new card.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What a button stands for."""

    verb: str  #: the command's name
    run_id: str = ""  #: empty for a command that is about no run
    gate_id: str = ""  #: the gate it decides at; empty for a button that decides at none
    dialog_id: str = ""  #: the guided dialog it belongs to; empty for a button of none
    move: str = ""  #: what it does in a dialog
    question: str = ""  #: which question of that dialog it was shown with
    arguments: Mapping[str, str] = field(default_factory=dict)  #: what we filled in for it


class CardTokens:
    """Signs buttons, and knows its own again."""

    def __init__(self, ring: Sequence[bytes]) -> None:
        """*ring* holds the keys, newest first: it signs with the first, and accepts them all."""
        if not ring:
            raise Bug("There is no key to sign buttons with.")
        self._newest = _key_id(ring[0])
        self._keys = {_key_id(key): key for key in ring}

    def sign(self, press: Press) -> str:
        """The token for *press*: opaque, and the same each time."""
        said: dict[str, Any] = {
            "v": VERSION,
            "k": self._newest,
            "c": press.verb,
            "r": press.run_id,
            "g": press.gate_id,
        }
        # Left out where there is none: buttons that were shown before we knew these stay good.
        if press.move:
            said |= {"d": press.dialog_id, "m": press.move, "q": press.question}
        if press.arguments:
            said["a"] = dict(press.arguments)
        payload = canonical(said).encode()
        return f"{_encoded(payload)}.{_encoded(_mac(self._keys[self._newest], payload))}"

    def verify(self, token: object, verb: str) -> Press:
        """What the button with *token* stands for, pressed as *verb*.

        An empty *verb* is what old clients send: then the token alone says it.

        Raises:
            BadToken: it is not ours, of another version, or belongs to another verb.
        """
        if not isinstance(token, str) or not 0 < len(token) <= _LONGEST:
            raise BadToken
        head, _, tail = token.partition(".")
        payload, mac = _decoded(head), _decoded(tail)
        # One path for every fault: an unknown key costs as much as a wrong signature.
        key = self._keys.get(_claimed_key(payload))
        expected = _mac(key or self._keys[self._newest], payload)
        if not hmac.compare_digest(expected, mac) or key is None:
            raise BadToken
        said = json.loads(payload)
        press = Press(
            verb=said["c"],
            run_id=said["r"],
            gate_id=said["g"],
            dialog_id=said.get("d", ""),
            move=said.get("m", ""),
            question=said.get("q", ""),
            arguments=said.get("a", {}),
        )
        if said["v"] != VERSION or verb not in {"", press.verb}:
            raise BadToken
        return press


def _key_id(key: bytes) -> str:
    return hmac.new(key, b"signalbox.key.id", hashlib.sha256).hexdigest()[:8]


def _mac(key: bytes, payload: bytes) -> bytes:
    return hmac.new(key, _PURPOSE + payload, hashlib.sha256).digest()


def _claimed_key(payload: bytes) -> str:
    """The id of the key that *payload* says it was signed with; empty where it says none."""
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        return ""
    claimed = said.get("k") if isinstance(said, dict) else None
    return claimed if isinstance(claimed, str) else ""


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    """The bytes that *text* stands for; each value has one spelling, and no other is taken.

    Raises:
        BadToken: it is another spelling, or none.
    """
    try:
        raw = base64.b64decode(f"{text}{'=' * (-len(text) % 4)}", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadToken from None
    if _encoded(raw) != text:
        raise BadToken
    return raw
