"""The channel's signing keys: fetched when needed, kept when the source is away.

The SDK's own cache blocks the event loop, and cannot use a new key for up to a day.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import InvalidKeyError
from jwt.algorithms import RSAAlgorithm
import orjson
import structlog

from bot.botframework.bounded import NotBounded, bounded_body
from domain.ports import Clock

log = structlog.get_logger(__name__)

REFRESH_AFTER = timedelta(days=1)
USABLE_FOR = timedelta(days=5)
"""Microsoft publishes a key days before it signs with it; no stolen key is good for ever."""
UNKNOWN_KEY_EVERY = timedelta(minutes=5)
"""An unknown key may be a new one, or made up: strangers do not decide how often we ask."""
FIRST_KEYS_EVERY = timedelta(seconds=5)
FETCH_TIMEOUT = timedelta(seconds=5)

_LARGEST_DOCUMENT = 1024 * 1024
_SMALLEST_KEY = 2048  #: bits
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key, and the channels that it may speak for."""

    key: RSAPublicKey
    endorsements: frozenset[str]


class SigningKeys:
    """The keys behind one OpenID metadata URL."""

    def __init__(self, metadata_url: str, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._metadata_url = metadata_url
        self._session = session
        self._clock = clock
        self._keys: Mapping[str, SigningKey] = {}
        self._fetched_at = _NEVER
        self._tried_at = _NEVER
        self._flight: asyncio.Task[None] | None = None

    async def find(self, key_id: str) -> SigningKey | None:
        """The key named *key_id*; None where there is none.

        Waits at most `FETCH_TIMEOUT`, and only for a key that is not known yet.
        """
        now = self._clock.now()
        if key_id not in self._keys or now - self._fetched_at > USABLE_FOR:
            flight = self._refresh(now)
            if flight is not None:
                await asyncio.shield(flight)
        elif now - self._fetched_at > REFRESH_AFTER:
            self._refresh(now)
        if self._clock.now() - self._fetched_at > USABLE_FOR:
            return None
        return self._keys.get(key_id)

    async def close(self) -> None:
        """Give up a fetch that is under way."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.wait([self._flight])

    def _refresh(self, now: datetime) -> asyncio.Task[None] | None:
        """The fetch that is under way; one is begun where it is time. None where it is not."""
        if self._flight is not None and not self._flight.done():
            return self._flight
        if now - self._tried_at < (UNKNOWN_KEY_EVERY if self._keys else FIRST_KEYS_EVERY):
            return None
        self._tried_at = now
        self._flight = asyncio.create_task(self._fetch())
        return self._flight

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(FETCH_TIMEOUT.total_seconds()):
                jwks_url = _jwks_url(await self._document(self._metadata_url), self._metadata_url)
                keys = signing_keys(await self._document(jwks_url))
        except (aiohttp.ClientError, TimeoutError, NotBounded, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
            log.warning("signing keys not fetched", url=self._metadata_url, reason=reason)
            return
        self._keys = keys
        self._fetched_at = self._clock.now()
        log.info("signing keys fetched", url=self._metadata_url, keys=len(keys))

    async def _document(self, url: str) -> Mapping[str, Any]:
        async with self._session.get(url, allow_redirects=False) as response:
            response.raise_for_status()
            document = orjson.loads(await bounded_body(response, _LARGEST_DOCUMENT))
        if not isinstance(document, dict):
            raise ValueError(f"{url} gives no object")  # noqa: TRY004  # what came is bad, not a call
        return document


def signing_keys(document: Mapping[str, Any]) -> Mapping[str, SigningKey]:
    """The usable RSA keys of a JSON Web Key Set, by id.

    Raises:
        ValueError: there is none.
    """
    keys = {}
    entries = document.get("keys")
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
            continue
        try:
            key = RSAAlgorithm.from_jwk(entry)
        except (InvalidKeyError, ValueError):
            continue  # an elliptic one, or one of tomorrow's
        if isinstance(key, RSAPublicKey) and key.key_size >= _SMALLEST_KEY:
            endorsements = entry.get("endorsements")
            keys[entry["kid"]] = SigningKey(
                key=key,
                endorsements=frozenset(
                    each for each in endorsements or () if isinstance(each, str)
                )
                if isinstance(endorsements, list)
                else frozenset(),
            )
    if not keys:
        raise ValueError("no usable key")
    return keys


def _jwks_url(metadata: Mapping[str, Any], metadata_url: str) -> str:
    url = metadata.get("jwks_uri")
    scheme = metadata_url.partition("://")[0]
    if not isinstance(url, str) or not url.startswith(f"{scheme}://"):
        raise ValueError("the metadata has no usable jwks_uri")
    return url
