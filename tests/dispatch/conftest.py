"""The demo world with a dispatcher in it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.access.cedar_text import CedarText
from bot.access.identity import Identity
from bot.card_tokens import CardTokens
from bot.command import Commands, Installation, discover
from bot.config import Config, build_authorizer, load
from bot.dialog_views import DialogViews
from bot.dispatch import Dispatcher
from bot.offers import Offers
from bot.run_views import RunViews
from bot.schedule_views import ScheduleViews
from bot.workflow_command import workflow_command
from connectors.connector import Actions
from storage.store import Store
from tests.dispatch.world import (
    RING,
    WORKFLOWS,
    WORLD,
    Bot,
    CountingIds,
    Outbound,
    People,
    Queue,
    StillClock,
    Systems,
)
from workflows.definition import Workflow
from workflows.definition_file import read_definition
from workflows.engine.halts import Halting
from workflows.engine.holds import Holds
from workflows.engine.lifecycle import Lifecycle
from workflows.engine.reminders import Reminders
from workflows.engine.schedules import Schedules

BotWith = Callable[[str], Awaitable[Bot]]
BotUnder = Callable[[str, str], Awaitable[Bot]]

RESTARTS = """
steps:
  restart:
    uses: supervisor.restart@1
    with: {service: shop, environment: staging}
"""


@pytest.fixture(scope="session")
def config() -> Config:
    return load(WORLD)


@pytest.fixture
async def bot(config: Config, tmp_path: Path) -> AsyncIterator[Bot]:
    async with a_bot(config, tmp_path, WORKFLOWS) as made:
        yield made


@pytest.fixture
async def bot_with(config: Config, tmp_path: Path) -> AsyncIterator[BotWith]:
    """Makes a bot that has one more workflow: its head is given, and it restarts the shop."""
    async with AsyncExitStack() as stack:

        async def made(head: str) -> Bot:
            file = tmp_path / "workflow.yaml"
            file.write_text(head + RESTARTS)
            workflows = (*WORKFLOWS, read_definition(file))
            return await stack.enter_async_context(a_bot(config, tmp_path, workflows))

        yield made


@pytest.fixture
async def bot_under(config: Config, tmp_path: Path) -> AsyncIterator[BotUnder]:
    """Makes a bot whose policy says the second of two texts where the demo's says the first."""
    async with AsyncExitStack() as stack:

        async def made(old: str, new: str) -> Bot:
            text = config.policy.text
            assert old in text
            policy = CedarText(config.policy.file, text.replace(old, new))
            other = replace(config, policy=policy)
            return await stack.enter_async_context(a_bot(other, tmp_path, WORKFLOWS))

        yield made


@asynccontextmanager
async def a_bot(
    config: Config, tmp_path: Path, workflows: Iterable[Workflow]
) -> AsyncIterator[Bot]:
    """A dispatcher for *workflows*, its database in *tmp_path*."""
    clock, ids = StillClock(), CountingIds()
    store = Store.open(
        f"sqlite:///{tmp_path}/signalbox.db", audit_key=b"k" * 32, clock=clock, ids=ids
    )
    systems, queue, outbound = Systems(), Queue(), Outbound()
    actions = Actions([systems])
    commands = Commands([*discover(), *(workflow_command(each, actions) for each in workflows)])
    authorizer = build_authorizer(config, commands.effects)
    assert config.directory is not None
    people = People(config.directory)
    tokens = CardTokens(RING)
    views = RunViews(
        store=store,
        tokens=tokens,
        authorizer=authorizer,
        directory=people,
        clock=clock,
        zone=config.zone,
    )
    lifecycle = Lifecycle(queue, ids)
    installation = Installation(
        commands=commands,
        authorizer=authorizer,
        directory=people,
        identity=Identity(people, authorizer),
        roles=config.roles,
        catalogue=config.catalogue,
        actions=actions,
        lifecycle=lifecycle,
        holds=Holds(queue, lifecycle),
        halting=Halting(queue),
        views=views,
        schedules=Schedules(queue, ids),
        reminders=Reminders(queue, ids),
        schedule_views=ScheduleViews(store=store, tokens=tokens, clock=clock),
        tokens=tokens,
        zone=config.zone,
    )
    offers = Offers(store, installation, clock)
    dialogs = DialogViews(
        store=store, installation=installation, tokens=tokens, offers=offers, clock=clock
    )
    dispatcher = Dispatcher(
        store=store,
        installation=installation,
        tokens=tokens,
        offers=offers,
        dialogs=dialogs,
        outbound=outbound,
        clock=clock,
        ids=ids,
    )
    yield Bot(
        dispatcher=dispatcher,
        dialogs=dialogs,
        installation=installation,
        store=store,
        tokens=tokens,
        outbound=outbound,
        queue=queue,
        ids=ids,
        people=people,
        systems=systems,
        clock=clock,
    )
    store.close()
