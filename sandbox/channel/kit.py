"""A test kit for workflows: a whole Signalbox, a simulated Teams, and the people in it.

async with Channel.open() as channel:
    dev, approver = channel.person("dev-1"), channel.person("approver-1")
    post = await dev.says("deploy shop v1.1.0 to prod")
    card = await post.card("Waiting for approval")
    await approver.presses(card, "Approve")
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
import tempfile
from typing import Self

from bot.settings import Profile, Settings, read_settings
from sandbox.channel.company import Person
from sandbox.channel.simulated import CHANNELS, SimulatedTeams
from sandbox.channel.whole import GROUP_CHATS, teams_of, whole
from sandbox.services.running import Running

PATIENCE = timedelta(seconds=30)


class Channel:
    """A simulated Teams with a Signalbox in it. Use `open`."""

    def __init__(
        self,
        teams: SimulatedTeams,
        services: Sequence[Running],
        settings: Settings,
        patience: timedelta,
    ) -> None:
        self.teams = teams  #: for trouble: `refuse`, `redeliver`, `lose_messages`, `go_offline` …
        self.services = tuple(services)  #: that are operated on; none where the bot is elsewhere
        self.state = settings.state_dir
        self._patience = patience

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        config_dir: Path | None = None,
        state: Path | None = None,
        bot_url: str = "",
        chat_port: int = 0,
        channels: Sequence[str] = CHANNELS,
        group_chats: Sequence[str] = GROUP_CHATS,
        patience: timedelta = PATIENCE,
    ) -> AsyncIterator[Self]:
        """A channel, up while the context lasts.

        *config_dir* is the config folder, the demo's where it is None. A Signalbox is brought up
        in this process, with the demo's services and a *state* folder that goes away unless one is
        given. With *bot_url* none is: the one there is talked to, and has to list
        `127.0.0.1:<chat_port>` in SIGNALBOX_CHANNEL_HOSTS. *patience* is for how long people wait.

        Raises:
            Refused, Unavailable, ConfigFaults: it cannot come up.
            OSError: a port is taken.
        """
        async with AsyncExitStack() as stack:
            folder = state or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            folder.mkdir(parents=True, exist_ok=True)
            settings = read_settings(
                profile=Profile.DEMO, config_dir=config_dir, state_dir=folder, port=0, admin_port=0
            )
            if bot_url:
                teams = teams_of(settings, channels=channels, group_chats=group_chats)
                teams.line.bot_url = bot_url
                await teams.start(chat_port)
                stack.push_async_callback(teams.stop)
                yield cls(teams, (), settings, patience)
                return
            everything = await stack.enter_async_context(
                whole(settings, chat_port=chat_port, channels=channels, group_chats=group_chats)
            )
            yield cls(everything.teams, everything.services, settings, patience)

    @property
    def people(self) -> tuple[str, ...]:
        """Who there is, in the order of the directory."""
        return tuple(each.name for each in self.teams.teams.roster.accounts)

    def person(self, name: str) -> Person:
        """The person called *name*.

        Raises:
            Refusal: nobody is called that.
        """
        return Person(self.teams, self.teams.account(name), self._patience)
