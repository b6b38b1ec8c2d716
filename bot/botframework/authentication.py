"""Is it Teams that speaks, and to us? The token, and what the activity says of its origin.

Replaces the SDK's inbound checks altogether: those accept a token without `exp`, a key without
endorsements, an activity without a service URL, tokens that our own secret can make ("emulator"),
and answer 500 to the rest.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication#connector-to-bot
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
import hashlib
import math
from typing import Any

import jwt

from bot.botframework.origin import CHANNEL, Origin, origin
from bot.botframework.signing_keys import SigningKeys
from bot.botframework.trust import ISSUER, ChannelTrust, Untrusted
from domain.ports import Clock

LEEWAY = timedelta(seconds=60)
LONGEST_TOKEN = 8 * 1024  #: characters
MOST_TOKENS = 256
"""Verified tokens that are remembered. Teams uses one for about an hour."""


@dataclass(frozen=True, slots=True)
class _Token:
    """What a verified token says."""

    service_url: str
    expires_at: float  #: seconds since the epoch


class Authenticator:
    """Verifies where activities come from."""

    def __init__(self, trust: ChannelTrust, keys: SigningKeys, clock: Clock) -> None:
        self._trust = trust
        self._keys = keys
        self._clock = clock
        self._verified: OrderedDict[bytes, _Token] = OrderedDict()

    async def verify(self, raw: Mapping[str, Any], authorization: str) -> Origin:
        """The origin of the activity *raw*, which came with the header *authorization*.

        A token does not sign the body: whatever the activity claims is checked for each one.

        Raises:
            ForeignTenant: it is genuine, and from a tenant that we do not serve.
            Untrusted: it is not, or nobody can tell.
        """
        if self._trust.requires_token:
            token = await self._token(_bearer(authorization))
            if raw.get("serviceUrl") != token.service_url:
                raise Untrusted("The token is for another service URL.")
        return origin(raw, self._trust)

    async def _token(self, encoded: str) -> _Token:
        digest = hashlib.sha256(encoded.encode()).digest()
        known = self._verified.get(digest)
        if known is None:
            known = await self._verify_token(encoded)
            self._verified[digest] = known
            if len(self._verified) > MOST_TOKENS:
                self._verified.popitem(last=False)
        if self._clock.now().timestamp() > known.expires_at + LEEWAY.total_seconds():
            del self._verified[digest]
            raise Untrusted("The token has expired.")
        return known

    async def _verify_token(self, encoded: str) -> _Token:
        try:
            header = jwt.get_unverified_header(encoded)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise Untrusted("The token is none.") from error
        key_id = header.get("kid")
        if header.get("alg") != "RS256" or not isinstance(key_id, str):
            raise Untrusted("The token is not signed as the channel signs.")
        key = await self._keys.find(key_id)
        if key is None:
            raise Untrusted("The token's key is unknown.")
        if CHANNEL not in key.endorsements:
            raise Untrusted("The token's key does not speak for the channel.")
        try:
            claims = jwt.decode(
                encoded,
                key.key,
                algorithms=["RS256"],
                audience=self._trust.app_id,
                issuer=ISSUER,
                options={
                    "require": ["exp", "iss", "aud", "serviceurl"],
                    "strict_aud": True,
                    # our clock decides, below
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise Untrusted("The token does not verify.") from error
        return self._in_time(claims)

    def _in_time(self, claims: Mapping[str, Any]) -> _Token:
        """The token of *claims*, if its time has come; whether it is over is asked each time."""
        not_before = _seconds(claims.get("nbf", 0))
        if not_before > self._clock.now().timestamp() + LEEWAY.total_seconds():
            raise Untrusted("The token is not valid yet.")
        service_url = claims["serviceurl"]
        if not isinstance(service_url, str):
            raise Untrusted("The token names no service URL.")
        return _Token(service_url, _seconds(claims["exp"]))


def _bearer(authorization: str) -> str:
    """The token in the header *authorization*.

    Raises:
        Untrusted: there is none.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Untrusted("There is no token.")
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise Untrusted("The token is none.")
    return token


def _seconds(claim: Any) -> float:
    if isinstance(claim, bool) or not isinstance(claim, int | float) or not math.isfinite(claim):
        raise Untrusted("The token's times are none.")
    return float(claim)
