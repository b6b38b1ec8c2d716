"""The command line: `signalbox`.

What a command needs is imported when it runs, so that those without a server behind them answer
at once. Exit codes: 0 fine, 1 the thing checked is not fine, 2 usage or configuration error.
"""

import asyncio
from collections.abc import Coroutine, Sequence
import errno
import os
from pathlib import Path
import sys
from typing import Any, NoReturn

import click

from bot.access.fault import ConfigFaults
from bot.cli_audit import audit
from bot.cli_chat import chat
from bot.cli_init import init
from bot.cli_policy import policy
from bot.cli_workflows import workflows
from bot.logs import set_up_logs, set_up_quiet_logs
from bot.profiles import Process, check
from bot.settings import PREFIX, Profile, Settings, read_settings
from domain.errors import Refused, Unavailable

FINE, NOT_FINE, CANNOT = 0, 1, 2
_INTERRUPTED = 130  #: what a shell expects of a program that was ended by Ctrl-C

_STATE = click.option(
    "--state",
    "state_dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The state folder. Default: SIGNALBOX_STATE_DIR, or .signalbox.",
)


def main() -> NoReturn:
    """Run the command that this process was started with."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """The exit code of the command in *arguments*. What it cannot do is one sentence."""
    try:
        code = signalbox.main([*arguments], prog_name="signalbox", standalone_mode=False)
    except click.ClickException as error:
        return _cannot(error.format_message())
    except ConfigFaults as error:
        return _cannot(str(error))
    except (Refused, Unavailable) as error:
        return _cannot(error.words)
    except (KeyboardInterrupt, click.Abort):
        return _INTERRUPTED
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_FINE
    return code if isinstance(code, int) else FINE


def _cannot(sentence: str) -> int:
    click.echo(sentence, err=True)
    return CANNOT


@click.group()
@click.version_option(package_name="signalbox", prog_name="signalbox")
def signalbox() -> None:
    """ChatOps for Microsoft Teams: from a message to a proven run."""
    set_up_quiet_logs()


signalbox.add_command(audit)
signalbox.add_command(chat)
signalbox.add_command(init)
signalbox.add_command(policy)
signalbox.add_command(workflows)


@signalbox.command()
@click.option("--port", type=click.IntRange(0, 65535), help="The bot's port. Default: 3978.")
@click.option(
    "--chat-port",
    type=click.IntRange(0, 65535),
    default=3979,
    show_default=True,
    help="The chat page's port.",
)
@_STATE
@click.option("--no-browser", is_flag=True, help="Do not open the chat page.")
def demo(*, port: int | None, chat_port: int, state_dir: Path | None, no_browser: bool) -> None:
    """Run the whole product on this machine, with a world to try it in.

    Ctrl-C ends it, and leaves nothing running.
    """
    profile = None if os.environ.get(f"{PREFIX}PROFILE", "").strip() else Profile.DEMO
    settings = read_settings(profile=profile, port=port, state_dir=state_dir)
    check(settings, Process.DEMO)
    from sandbox.demo import demo as whole_product

    _run(settings, whole_product(settings, chat_port=chat_port, open_browser=not no_browser))


@signalbox.command()
@_STATE
@click.option("--no-worker", is_flag=True, help="Leave the work to `signalbox worker`.")
def serve(*, state_dir: Path | None, no_worker: bool) -> None:
    """Run the bot's HTTP server, with a worker in the same process."""
    settings = read_settings(state_dir=state_dir)
    check(settings, Process.SERVE_ALONE if no_worker else Process.SERVE)
    from bot.app import serve as serve_until_stopped

    _run(settings, serve_until_stopped(settings, with_worker=not no_worker))


@signalbox.command()
@_STATE
def worker(*, state_dir: Path | None) -> None:
    """Run a worker alone: it plans and executes runs for bots on the same database."""
    settings = read_settings(state_dir=state_dir)
    check(settings, Process.WORKER)
    from bot.app import work

    _run(settings, work(settings))


def _run(settings: Settings, until_stopped: Coroutine[Any, Any, None]) -> None:
    """Run what goes on until somebody stops it.

    Raises:
        Refused: an address is taken.
    """
    set_up_logs(settings)
    try:
        asyncio.run(until_stopped)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise Refused(f"An address is in use: {error.strerror}.") from error


@signalbox.group()
def db() -> None:
    """Look after the database."""


@db.command()
@_STATE
def upgrade(*, state_dir: Path | None) -> None:
    """Make the database, or bring it to the newest schema."""
    from storage.store import upgrade_database
    from workflows.engine.durable import Durable

    settings = read_settings(state_dir=state_dir)
    upgrade_database(settings.database)
    Durable.prepare(settings.database)
    click.echo("The database has the newest schema.")
