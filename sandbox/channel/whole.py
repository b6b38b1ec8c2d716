"""Signalbox with everything around it, in one process: services, a simulated Teams, the bot."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
import fcntl
from pathlib import Path

from bot.app import Ports, running
from bot.config import load
from bot.settings import Settings
from bot.system import RandomIds, SystemClock
from domain.errors import Refused
from sandbox.channel.simulated import CHANNELS, SimulatedTeams
from sandbox.services.running import Running, Services

GROUP_CHATS = ("Release crew",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """All of it, up."""

    teams: SimulatedTeams
    ports: Ports
    services: tuple[Running, ...]


@asynccontextmanager
async def whole(
    settings: Settings,
    *,
    chat_port: int = 0,
    channels: Sequence[str] = CHANNELS,
    group_chats: Sequence[str] = GROUP_CHATS,
) -> AsyncIterator[Whole]:
    """All of it, up while the context lasts; nothing is left running.

    Raises:
        Refused, Unavailable, ConfigFaults: it cannot come up.
        OSError: a port is taken.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(_alone_on(settings.state_dir))
        services = await Services.start(settings.state_dir)
        stack.push_async_callback(services.stop)
        teams = teams_of(settings, channels=channels, group_chats=group_chats)
        await teams.start(chat_port)
        stack.push_async_callback(teams.stop)
        ports = await stack.enter_async_context(running(settings, extra_hosts=[teams.address]))
        teams.line.bot_url = f"http://127.0.0.1:{ports.public}"
        yield Whole(teams=teams, ports=ports, services=services.running)


def teams_of(
    settings: Settings,
    *,
    channels: Sequence[str] = CHANNELS,
    group_chats: Sequence[str] = GROUP_CHATS,
) -> SimulatedTeams:
    """A simulated Teams with the people of the config folder, which is not started yet.

    Raises:
        Refused, ConfigFaults: the config folder names no people.
    """
    directory = load(settings.config).directory
    if directory is None:
        raise Refused("The demo's people stand in directory.yaml, and there is none.")
    return SimulatedTeams(
        directory.people.values(),
        bot_id=settings.bot_id,
        bot_url="",
        tenant=directory.tenant,
        clock=SystemClock(),
        ids=RandomIds(),
        history=settings.state_dir / "teams.db",
        channels=channels,
        group_chats=group_chats,
    )


@contextmanager
def _alone_on(state: Path) -> Iterator[None]:
    """Keep *state* for this process: a second demo on it would stop the first one's services.

    Raises:
        Refused: another demo runs on it.
    """
    state.mkdir(parents=True, exist_ok=True)
    with (state / "demo.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused(
                f"A demo runs on {state} already.", hint="Give this one another --state."
            ) from error
        yield
