"""The SDK's adapter, ours at both ends: verified before it, our connector behind it.

Every activity, in and out, passes the SDK's pipeline and a TurnContext, so that middleware written
for it works. What is overridden is what the archived SDK does wrong: it answers 500 to each invoke
that has a body, and to each bad token.
"""

from collections.abc import Awaitable, Callable
import ipaddress

from aiohttp import web
from botbuilder.core import InvokeResponse, TurnContext
from botbuilder.integration.aiohttp import CloudAdapter
from botbuilder.schema import (
    Activity,
    ActivityEventNames,
    ActivityTypes,
    ChannelAccount,
    ConversationAccount,
)
from botframework.connector.auth import (
    AuthenticateRequestResult,
    BotFrameworkAuthentication,
    ClaimsIdentity,
    ConnectorFactory,
)
import structlog

from bot.botframework.activity import inbound
from bot.botframework.authentication import Authenticator
from bot.botframework.codec import Malformed, Shared, read_activity, write
from bot.botframework.connector import Connector, Wire
from bot.botframework.origin import CHANNEL
from bot.botframework.trust import ISSUER, ChannelTrust, ForeignTenant, OnDenied, Untrusted
from bot.http import ACTIVITY
from bot.inbound import Handler, InvokeAnswer
from domain.conversation import Conversation, ConversationKind

log = structlog.get_logger(__name__)

_LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host")

Turn = Callable[[TurnContext], Awaitable[None]]


class Adapter(CloudAdapter):  # type: ignore[misc]  # the SDK has no types
    """Runs turns: one for each activity that came in, one for each that goes out."""

    def __init__(
        self, trust: ChannelTrust, authenticator: Authenticator, wire: Wire, on_denied: OnDenied
    ) -> None:
        self._factory = _Connectors(wire)
        super().__init__(_Authentication(self._factory))
        self._trust = trust
        self._authenticator = authenticator
        self._on_denied = on_denied
        self._identity = ClaimsIdentity({"aud": trust.app_id, "appid": trust.app_id}, True)
        self._verified = AuthenticateRequestResult()
        self._verified.audience = ISSUER
        self._verified.caller_id = "urn:botframework:azure"
        self._verified.claims_identity = self._identity
        self._verified.connector_factory = self._factory

    async def process(
        self,
        request: web.Request,
        bot: Handler,
        ws_response: None = None,  # noqa: ARG002  # the SDK's signature
    ) -> web.Response:
        """Answer *request*, whose body stands under `ACTIVITY`, with what *bot* answers to it."""
        raw = request[ACTIVITY]
        try:
            if not self._trust.requires_token:
                _check_local(request)
            authorization = request.headers.get("Authorization", "")
            origin = await self._authenticator.verify(raw, authorization)
            arrived = inbound(raw, origin)
            activity = read_activity(raw)
            activity.delivery_mode = None  # `expectReplies` would keep from the wire what we send
        except ForeignTenant as error:
            log.warning("tenant denied", reason=str(error), tenant=error.facts["tenant"])
            await self._on_denied(str(error), error.facts)
            return web.Response(status=401)
        except Untrusted as error:
            log.info("activity refused", reason=str(error), peer=request.remote)
            return web.Response(status=401)
        except Malformed as error:
            log.info("activity malformed", reason=str(error), peer=request.remote)
            return web.Response(status=400)

        async def turn(context: TurnContext) -> None:
            answer = await bot(arrived)
            if arrived.activity_type == "invoke":
                await context.send_activity(_invoke_response(answer or InvokeAnswer()))

        return _response(await self.process_activity(self._verified, activity, turn))

    async def converse(self, conversation: Conversation, reply_to: str, turn: Turn) -> None:
        """Run *turn* in a context of *conversation*, out of the blue.

        What it sends answers *reply_to*, where that is not empty. The SDK's own continuation has
        an invented id, which then is what messages answer.
        """
        continuation = Activity(
            type=ActivityTypes.event,
            name=ActivityEventNames.continue_conversation,
            id=reply_to or None,
            channel_id=CHANNEL,
            service_url=conversation.service_url,
            conversation=_account(conversation),
            recipient=ChannelAccount(id=conversation.bot_id),
        )
        await self.process_proactive(self._identity, continuation, ISSUER, turn)


class _Connectors(ConnectorFactory):  # type: ignore[misc]  # the SDK has no types
    """Gives the pipeline our connector instead of the SDK's."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def create(self, service_url: str, audience: str) -> Connector:  # noqa: ARG002  # the SDK's
        return Connector(self._wire, service_url)


class _Authentication(BotFrameworkAuthentication):  # type: ignore[misc]  # the SDK has no types
    """What the SDK asks in place of its own checks: nothing gets in by a way that we do not watch.

    No skills, no streaming, no tokens of users.
    """

    def __init__(self, factory: ConnectorFactory) -> None:
        self._factory = factory

    async def authenticate_request(self, activity: Activity, auth_header: str) -> None:  # noqa: ARG002
        raise PermissionError("The raw activity is verified, before it comes here.")

    async def authenticate_streaming_request(
        self,
        auth_header: str,  # noqa: ARG002
        channel_id_header: str,  # noqa: ARG002
    ) -> None:
        raise PermissionError("There is no streaming.")

    async def authenticate_channel_request(self, auth_header: str) -> None:  # noqa: ARG002
        raise PermissionError("There are no skills.")

    def create_connector_factory(self, claims_identity: ClaimsIdentity) -> ConnectorFactory:  # noqa: ARG002
        return self._factory

    async def create_user_token_client(self, claims_identity: ClaimsIdentity) -> None:
        """None: the SDK would build a client for each turn, in 3 ms."""


def _check_local(request: web.Request) -> None:
    """Believe this machine only, and neither its proxies nor its browsers.

    A tunnel forwards the world's requests from loopback; a page that rebinds its name to loopback
    sends that name.

    Raises:
        Untrusted: the request may come from elsewhere.
    """
    is_forwarded = any(name in request.headers for name in _FORWARDED)
    host = request.host if request.host in _LOCAL_NAMES else request.host.rpartition(":")[0]
    if is_forwarded or host not in _LOCAL_NAMES or not _is_loopback(request.remote):
        raise Untrusted("Without tokens, only this machine is believed.")


def _is_loopback(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False


def _account(conversation: Conversation) -> ConversationAccount:
    account = ConversationAccount(
        id=conversation.id,
        conversation_type=conversation.kind.value,
        is_group=None if conversation.kind is ConversationKind.PERSONAL else True,
    )
    # Not `tenant_id`: the SDK writes that as `tenantID`, which nobody reads.
    account.additional_properties = {"tenantId": conversation.tenant}
    return account


def _invoke_response(answer: InvokeAnswer) -> Activity:
    body = None if answer.body is None else Shared(answer.body)
    value = InvokeResponse(status=answer.status, body=body)
    return Activity(type=ActivityTypes.invoke_response, value=value)


def _response(answer: InvokeResponse | None) -> web.Response:
    """What the channel is answered: an invoke's own answer, or nothing."""
    if answer is None:
        return web.Response(status=200)
    if answer.body is None:
        return web.Response(status=answer.status)
    return web.Response(
        status=answer.status, body=write(answer.body), content_type="application/json"
    )
