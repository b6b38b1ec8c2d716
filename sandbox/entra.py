"""A small Entra ID on loopback: signs the channel's tokens, and gives us ours.

OpenID metadata and keys as `login.botframework.com` has them, and the OAuth 2 client credentials
endpoint of `login.microsoftonline.com`, for which only registered clients get tokens.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
import secrets
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
import jwt
from jwt.algorithms import RSAAlgorithm

from domain.ports import Clock

CHANNEL_ISSUER = "https://api.botframework.com"
LOGIN = "https://login.microsoftonline.com"
LIFETIME = timedelta(hours=1)
FIRST_KEY = "key-1"

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def new_private_key() -> rsa.RSAPrivateKey:
    """An RSA key to sign with. Takes a moment."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Issuer:
    """The token service. It listens between `start` and `stop`."""

    def __init__(self, clock: Clock, *, key: rsa.RSAPrivateKey | None = None) -> None:
        """*key* is the first one, `FIRST_KEY`; one is made where there is none."""
        self.hits: Counter[str] = Counter()  #: requests by what they asked for
        self._clock = clock
        self._keys: dict[str, rsa.RSAPrivateKey] = {}
        self._published: list[Mapping[str, Any]] = []
        self._secrets: dict[str, str] = {}
        self._is_answering = asyncio.Event()
        self._is_answering.set()
        self._runner: web.AppRunner | None = None
        self.url = ""  #: where it listens, no slash at the end
        self.new_key(FIRST_KEY, key=key)

    @property
    def metadata_url(self) -> str:
        """The channel's OpenID metadata."""
        return f"{self.url}/v1/.well-known/openidconfiguration"

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; on a free port where *port* is 0."""
        app = web.Application()
        app.router.add_get("/v1/.well-known/openidconfiguration", self._metadata)
        app.router.add_get("/v1/.well-known/keys", self._jwks)
        app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", self._discovery)
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening."""
        self.resume()
        if self._runner is not None:
            await self._runner.cleanup()

    def hang(self) -> None:
        """Take requests and answer none, until `resume`."""
        self._is_answering.clear()

    def resume(self) -> None:
        """Answer again."""
        self._is_answering.set()

    def new_key(
        self,
        kid: str,
        *,
        endorsements: Sequence[str] | None = ("msteams",),
        publish: bool = True,
        key: rsa.RSAPrivateKey | None = None,
    ) -> None:
        """Have a further key to sign with. None for *endorsements* leaves the field out."""
        self._keys[kid] = key or new_private_key()
        if publish:
            jwk = RSAAlgorithm.to_jwk(self._keys[kid].public_key(), as_dict=True)
            jwk |= {"kid": kid, "x5t": kid, "use": "sig"}
            if endorsements is not None:
                jwk["endorsements"] = list(endorsements)
            self._published.append(jwk)

    def add_client(self, app_id: str, secret: str) -> None:
        """Register a client, so that it gets tokens."""
        self._secrets[app_id] = secret

    def sign(
        self,
        audience: str,
        service_url: str,
        *,
        kid: str = FIRST_KEY,
        lifetime: timedelta = LIFETIME,
        headers: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A token of the channel for the bot *audience*; a claim given as None is left out."""
        now = int(self._clock.now().timestamp())
        payload = {
            "iss": CHANNEL_ISSUER,
            "aud": audience,
            "serviceurl": service_url,
            "nbf": now,
            "exp": now + int(lifetime.total_seconds()),
        } | claims
        return jwt.encode(
            {name: claim for name, claim in payload.items() if claim is not None},
            self._keys[kid],
            algorithm="RS256",
            headers={"kid": kid} | dict(headers or {}),
        )

    async def _metadata(self, _: web.Request) -> web.Response:
        await self._arrival("metadata")
        return web.json_response(
            {
                "issuer": CHANNEL_ISSUER,
                "jwks_uri": f"{self.url}/v1/.well-known/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _jwks(self, _: web.Request) -> web.Response:
        await self._arrival("jwks")
        return web.json_response({"keys": self._published})

    async def _discovery(self, request: web.Request) -> web.Response:
        await self._arrival("discovery")
        authority = f"{LOGIN}/{request.match_info['tenant']}"
        return web.json_response(
            {
                "issuer": f"{authority}/v2.0",
                "authorization_endpoint": f"{authority}/oauth2/v2.0/authorize",
                "token_endpoint": f"{authority}/oauth2/v2.0/token",
                "jwks_uri": f"{authority}/discovery/v2.0/keys",
            }
        )

    async def _token(self, request: web.Request) -> web.Response:
        await self._arrival("token")
        form = await request.post()
        if form.get("grant_type") != "client_credentials":
            return _refusal(400, "unsupported_grant_type", 70003)
        if not self._knows(form):
            return _refusal(401, "invalid_client", 7000215)
        scope = str(form.get("scope", ""))
        audience = scope.removesuffix("/.default")
        if audience == scope:
            return _refusal(400, "invalid_scope", 1002012)
        token = self.sign(
            audience,
            "",
            serviceurl=None,
            iss=f"{LOGIN}/{request.match_info['tenant']}/v2.0",
            appid=form["client_id"],
            jti=secrets.token_hex(8),
        )
        seconds = int(LIFETIME.total_seconds())
        return web.json_response(
            {"token_type": "Bearer", "expires_in": seconds, "access_token": token}
        )

    def _knows(self, form: Mapping[str, Any]) -> bool:
        """Whether the client is registered, and proves to be itself.

        An assertion is believed unread, as long as it is a token: who has registered which
        certificate, or trusts which other issuer, is not known here.
        """
        client, secret = form.get("client_id"), form.get("client_secret")
        if not isinstance(client, str) or client not in self._secrets:
            return False
        if form.get("client_assertion_type") == _ASSERTION:
            try:
                jwt.decode(str(form.get("client_assertion")), options={"verify_signature": False})
            except jwt.PyJWTError:
                return False
            return True
        expected = self._secrets[client].encode()
        return isinstance(secret, str) and secrets.compare_digest(secret.encode(), expected)

    async def _arrival(self, what: str) -> None:
        self.hits[what] += 1
        await self._is_answering.wait()


def _refusal(status: int, error: str, code: int) -> web.Response:
    description = f"AADSTS{code}: {error}"
    return web.json_response(
        {"error": error, "error_description": description, "error_codes": [code]}, status=status
    )
