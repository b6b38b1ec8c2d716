"""The whole product on one machine: services, a simulated Teams, and the bot between them."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
import fcntl
from pathlib import Path
import webbrowser

import click

from bot.app import Ports, running, stopping
from bot.config import load
from bot.settings import Settings
from bot.system import RandomIds, SystemClock
from domain.errors import Refused
from sandbox.channel.simulated import SimulatedTeams
from sandbox.services.running import Services


async def demo(settings: Settings, *, chat_port: int, open_browser: bool) -> None:
    """Bring it all up, say where it is, and take it all down at SIGINT or SIGTERM.

    Raises:
        Refused, Unavailable, ConfigFaults: it cannot come up. Nothing is left running.
    """
    directory = load(settings.config).directory
    if directory is None:
        raise Refused("The demo's people stand in directory.yaml, and there is none.")
    async with AsyncExitStack() as stack:
        asked = stack.enter_context(stopping())
        stack.enter_context(_alone_on(settings.state_dir))
        services = await Services.start(settings.state_dir)
        stack.push_async_callback(services.stop)
        teams = SimulatedTeams(
            directory.people.values(),
            bot_id=settings.bot_id,
            bot_url="",
            tenant=directory.tenant,
            clock=SystemClock(),
            ids=RandomIds(),
            history=settings.state_dir / "teams.db",
            group_chats=["Release crew"],
        )
        await teams.start(chat_port)
        stack.push_async_callback(teams.stop)
        ports = await stack.enter_async_context(running(settings, extra_hosts=[teams.address]))
        teams.line.bot_url = f"http://127.0.0.1:{ports.public}"
        click.echo(_banner(settings, teams, services, ports))
        if open_browser:
            await asyncio.to_thread(webbrowser.open, f"{teams.url}/?as=dev-1")
        await asked.wait()
        click.echo("Stopping …")


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


def _banner(settings: Settings, teams: SimulatedTeams, services: Services, ports: Ports) -> str:
    listed = "\n".join(
        f"    {each.service:<8} {each.environment:<8} {each.url}" for each in services.running
    )
    return f"""
Signalbox, the demo. Activities are accepted without a token, from this machine only.

  Chat page   {teams.url}/
  Bot         http://127.0.0.1:{ports.public}/api/messages
  Health      http://127.0.0.1:{ports.admin}/healthz
  State       {settings.state_dir}
  Services
{listed}

Open the chat page as dev-1 and say:  @Signalbox deploy shop v1.1.0 to prod
Ctrl-C ends it, and leaves nothing running.
"""
