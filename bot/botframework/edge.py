"""The channel, put together: what the rest of the bot sees of Bot Framework."""

import aiohttp
from aiohttp import web

from bot.botframework.adapter import Adapter
from bot.botframework.authentication import Authenticator
from bot.botframework.connector import Wire
from bot.botframework.signing_keys import SigningKeys
from bot.botframework.tokens import TokenSource
from bot.botframework.transport import ConnectorTransport
from bot.botframework.trust import ChannelTrust, OnDenied
from bot.inbound import Handler
from domain.ports import Clock, Transport


class ChannelEdge:
    """Both directions of the channel."""

    def __init__(self, adapter: Adapter, keys: SigningKeys, handler: Handler) -> None:
        self.adapter = adapter  #: the SDK's: middleware is added with `use`
        self.transport: Transport = ConnectorTransport(adapter)
        self._keys = keys
        self._handler = handler

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request of `POST /api/messages`."""
        return await self.adapter.process(request, self._handler)

    async def close(self) -> None:
        """End what runs in the background, before the session is closed."""
        await self._keys.close()


def open_session() -> aiohttp.ClientSession:
    """A session fit for the channel: many conversations at one address, and nothing remembered.

    Without a limit, because a send that waits for the keys' fetch, which waits for a connection,
    would wait for ever; how much is sent at once is the delivery loop's to say.
    """
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


def build_channel(
    trust: ChannelTrust,
    tokens: TokenSource | None,
    handler: Handler,
    session: aiohttp.ClientSession,
    *,
    on_denied: OnDenied,
    clock: Clock,
) -> ChannelEdge:
    """The channel that *trust* describes.

    Without *tokens*, what is sent carries no Authorization header. *session* carries all requests,
    outbound ones and those for keys; it stays the caller's.
    """
    keys = SigningKeys(trust.metadata_url, session, clock)
    authenticator = Authenticator(trust, keys, clock)
    wire = Wire(trust, tokens, session, clock)
    adapter = Adapter(trust, authenticator, wire, on_denied)
    return ChannelEdge(adapter, keys, handler)
