"""Tokens from Entra ID, by MSAL: for an app registration, or for a managed identity.

Nothing here is built before the first token is asked for: MSAL's constructors already use the
network. Everything here blocks.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication#bot-to-connector
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import msal
from msal.exceptions import MsalError
import requests  # MSAL's own HTTP client

from bot.botframework.trust import ISSUER
from domain.errors import Unavailable

LOGIN = "https://login.microsoftonline.com"
SCOPE = f"{ISSUER}/.default"
TIMEOUT = timedelta(seconds=10)

Credential = str | Mapping[str, Any]
"""What MSAL takes as `client_credential`: see `certificate` and `assertion`; a secret as it is."""


def certificate(pem: str) -> Credential:
    """The credential that is a certificate: *pem* holds it and its private key."""
    return {"private_key": pem, "public_certificate": pem}


def assertion(signed: Callable[[], str]) -> Credential:
    """The credential that is another issuer's token, such as a workload's; *signed* gives it."""
    return {"client_assertion": signed}


class AppRegistration:
    """An app registration of one tenant, as a way to come by tokens."""

    def __init__(
        self, *, app_id: str, tenant: str, credential: Credential, login_url: str = LOGIN
    ) -> None:
        """*login_url* is where requests to the production authority go instead, in a test.

        MSAL takes no authority over plain HTTP; so it keeps the one of production, and what it
        sends there is sent elsewhere.
        """
        self._app_id = app_id
        self._tenant = tenant
        self._credential = credential
        self._login_url = login_url
        self._client: Any = None

    def acquire(self) -> Mapping[str, Any]:
        """MSAL's answer.

        Raises:
            Unavailable: Entra did not answer.
        """
        try:
            if self._client is None:
                self._client = msal.ConfidentialClientApplication(
                    self._app_id,
                    client_credential=self._credential,
                    authority=f"{LOGIN}/{self._tenant}",
                    instance_discovery=False,  # there is one instance, and it is known
                    http_client=_Session(self._login_url),
                )
            answer: Mapping[str, Any] = self._client.acquire_token_for_client(scopes=[SCOPE])
        except (OSError, ValueError, MsalError) as error:  # requests' errors are OSErrors
            raise _no_answer() from error
        return answer

    def forget(self) -> None:
        """Forget the tokens that MSAL remembers."""
        self._client = None


class ManagedIdentity:
    """The user-assigned identity of the machine we run on, as a way to come by tokens."""

    def __init__(self, *, app_id: str) -> None:
        self._app_id = app_id
        self._client: Any = None

    def acquire(self) -> Mapping[str, Any]:
        """MSAL's answer.

        Raises:
            Unavailable: the machine's identity endpoint did not answer.
        """
        try:
            if self._client is None:
                self._client = msal.ManagedIdentityClient(
                    msal.UserAssignedManagedIdentity(client_id=self._app_id),
                    http_client=_Session(LOGIN),
                )
            answer: Mapping[str, Any] = self._client.acquire_token_for_client(resource=ISSUER)
        except (OSError, ValueError, MsalError) as error:
            raise _no_answer() from error
        return answer

    def forget(self) -> None:
        """Forget the tokens that MSAL remembers."""
        self._client = None


class _Session(requests.Session):
    """MSAL's way to the network: with a timeout, and to *login_url* for what is for `LOGIN`."""

    def __init__(self, login_url: str) -> None:
        super().__init__()
        self.trust_env = False  # no .netrc, no proxy that nobody thought of
        self._login_url = login_url.rstrip("/")

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send *request*."""
        url = request.url or ""
        if url.startswith(f"{LOGIN}/"):
            request.url = self._login_url + url.removeprefix(LOGIN)
        options["timeout"] = options.get("timeout") or TIMEOUT.total_seconds()
        return super().send(request, **options)


def _no_answer() -> Unavailable:
    return Unavailable("Entra did not answer, so I have no token for Teams.")
