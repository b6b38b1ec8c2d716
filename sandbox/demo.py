"""The whole product on one machine: services, a simulated Teams, and the bot between them."""

import asyncio
import webbrowser

import click

from bot.app import stopping
from bot.settings import Settings
from sandbox.channel.whole import Whole, whole


async def demo(settings: Settings, *, chat_port: int, open_browser: bool) -> None:
    """Bring it all up, say where it is, and take it all down at SIGINT or SIGTERM.

    Raises:
        Refused, Unavailable, ConfigFaults: it cannot come up. Nothing is left running.
    """
    with stopping() as asked:
        async with whole(settings, chat_port=chat_port) as running:
            click.echo(_banner(settings, running))
            if open_browser:
                await asyncio.to_thread(webbrowser.open, f"{running.teams.url}/?as=dev-1")
            await asked.wait()
            click.echo("Stopping …")


def _banner(settings: Settings, running: Whole) -> str:
    listed = "\n".join(
        f"    {each.service:<8} {each.environment:<8} {each.url}" for each in running.services
    )
    return f"""
Signalbox, the demo. Activities are accepted without a token, from this machine only.

  Chat page   {running.teams.url}/
  Bot         http://127.0.0.1:{running.ports.public}/api/messages
  Health      http://127.0.0.1:{running.ports.admin}/healthz
  State       {settings.state_dir}
  Services
{listed}

Open the chat page as dev-1 and say:  @Signalbox deploy shop v1.1.0 to prod
Ctrl-C ends it, and leaves nothing running.
"""
