"""The demo world with a dispatcher in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.access.identity import Identity
from bot.card_tokens import CardTokens
from bot.command import Commands, Installation, discover
from bot.config import Config, build_authorizer, load
from bot.dialog_views import DialogViews
from bot.dispatch import Dispatcher
from bot.offers import Offers
from bot.run_views import RunViews
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
from workflows.engine.lifecycle import Lifecycle


@pytest.fixture(scope="session")
def config() -> Config:
    return load(WORLD)


@pytest.fixture
async def bot(config: Config, tmp_path: Path) -> AsyncIterator[Bot]:
    clock, ids = StillClock(), CountingIds()
    store = Store.open(
        f"sqlite:///{tmp_path}/signalbox.db", audit_key=b"k" * 32, clock=clock, ids=ids
    )
    systems, queue, outbound = Systems(), Queue(), Outbound()
    actions = Actions([systems])
    commands = Commands([*discover(), *(workflow_command(each, actions) for each in WORKFLOWS)])
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
    installation = Installation(
        commands=commands,
        authorizer=authorizer,
        directory=people,
        identity=Identity(people, authorizer),
        roles=config.roles,
        catalogue=config.catalogue,
        actions=actions,
        lifecycle=Lifecycle(queue, ids),
        views=views,
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
