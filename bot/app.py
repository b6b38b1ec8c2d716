"""The wiring: the only place that constructs, by hand, from top to bottom.

`running` brings up what a process is made of, and takes it down again in reverse; `serve` and
`work` do that until somebody says stop.
"""

import asyncio
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
import random
import signal
from typing import Any

import structlog

from bot.access.directory import NoDirectory
from bot.access.identity import Identity
from bot.audit import Checkpoints
from bot.botframework.edge import build_channel, open_session
from bot.card_tokens import CardTokens
from bot.command import Commands, Installation, callings, discover
from bot.config import Config, build_authorizer, load
from bot.credentials import channel_trust, token_source
from bot.declared import declare
from bot.delivery import CardOf, Delivery
from bot.dialog_views import DialogViews
from bot.dispatch import Dispatcher
from bot.electorate import Electorate
from bot.foreign import recorder
from bot.http import admin_app, public_app
from bot.inbound import Inbound, InvokeAnswer
from bot.keys import Keys, installation_keys
from bot.listener import listen
from bot.notices import Notices
from bot.occurrences import Occurrences
from bot.offers import Offers
from bot.preparation import Preparation
from bot.run_views import RunViews
from bot.schedule_views import ScheduleViews
from bot.settings import Settings
from bot.system import RandomIds, SystemClock
from bot.workflow_command import workflow_command
from connectors.connector import Actions
from connectors.registry import connect
from connectors.registry import offers as connectors_on_offer
from dialogs.expiry import Expiry
from domain.actor import TenantId
from domain.dialog import DIALOG
from domain.errors import Unavailable
from domain.notice import Message
from domain.ports import Clock, Ids
from domain.schedule import SCHEDULE
from storage.store import Store
from workflows.definition import CATALOG, Workflow
from workflows.definition_file import load_all
from workflows.engine.durable import Durable
from workflows.engine.halts import Halting
from workflows.engine.holds import Holds
from workflows.engine.lifecycle import Lifecycle
from workflows.engine.plans import Plans
from workflows.engine.progress import Progress
from workflows.engine.rates import Limited, Rates, limited
from workflows.engine.recovery import Recovery
from workflows.engine.reminders import Reminders
from workflows.engine.retention import Retention
from workflows.engine.schedules import Schedules
from workflows.engine.sweep import Sweep
from workflows.engine.turns import Turns
from workflows.engine.worker import Worker

log = structlog.get_logger(__name__)

_LAST_WORDS = timedelta(seconds=2)
"""How long a stop waits for messages that are being sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where a process answers, once it does."""

    public: int | None  #: `POST /api/messages`; None for a worker alone
    admin: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundation:
    """What every kind of process stands on."""

    settings: Settings
    keys: Keys
    config: Config
    actions: Actions
    limited: Mapping[str, Limited]  #: actions of connections that do not bear everything
    store: Store
    durable: Durable
    clock: Clock
    ids: Ids


async def serve(settings: Settings, *, with_worker: bool = True) -> None:
    """Answer Teams, and unless told otherwise carry out work, until SIGINT or SIGTERM."""
    with stopping() as asked:
        async with running(settings, with_worker=with_worker) as ports:
            log.info(
                "serving", port=ports.public, admin_port=ports.admin, profile=settings.profile
            )
            await asked.wait()


async def work(settings: Settings) -> None:
    """Carry out work, and nothing else, until SIGINT or SIGTERM."""
    with stopping() as asked:
        async with running(settings, with_http=False) as ports:
            log.info("working", admin_port=ports.admin, profile=settings.profile)
            await asked.wait()


@contextmanager
def stopping() -> Iterator[asyncio.Event]:
    """Is set when the process is asked to stop.

    It is entered before anything starts and left when all is down: a signal in between, or a
    second one, must not end a process that has something to take down.
    """
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, asked.set)
    try:
        yield asked
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    extra_hosts: Iterable[str] = (),
    with_http: bool = True,
    with_worker: bool = True,
) -> AsyncIterator[Ports]:
    """A process of Signalbox, up while the context lasts.

    *extra_hosts* are addresses `host:port` that a service URL may have besides the settings':
    the simulated Teams' own.

    Raises:
        Refused, ConfigFaults: the settings or the config folder do not allow a start.
        Unavailable: the database does not answer.
        OSError: a port is taken.
    """
    async with AsyncExitStack() as stack:
        base = await _foundation(settings, stack)
        store = base.store
        checkpoints = Checkpoints(store, settings.checkpoints, base.keys.audit, base.clock)
        stack.push_async_callback(checkpoints.write_now)
        recovery = Recovery(store, base.durable, base.clock, base.ids)
        await recovery.begin()
        stack.push_async_callback(recovery.end)
        begin = await stack.enter_async_context(_background())
        begin(checkpoints.run())
        begin(recovery.run())
        workflows = _workflows(base)
        public, installation = None, _installation(base, workflows)
        if with_http:
            owner = recovery.executor_id
            public = await _answer(
                base, installation, stack, begin, owner=owner, extra_hosts=extra_hosts
            )
        await _declare(base, installation, workflows)
        if with_worker:  # last, so that it stops first, while its last words can still be sent
            await _carry_out(base, installation, stack, begin, executor_id=recovery.executor_id)
        admin = await listen(
            admin_app(lambda: _is_ready(store)), settings.admin_host, settings.admin
        )
        stack.push_async_callback(admin.stop)
        yield Ports(public=public, admin=admin.port)


async def _foundation(settings: Settings, stack: AsyncExitStack) -> Foundation:
    """Open what has to be open before anything runs; *stack* closes it."""
    clock, ids = SystemClock(), RandomIds()
    keys = installation_keys(settings)
    config = load(settings.config)
    connectors = connect(config.connections, settings.state_dir, connectors_on_offer())
    for connector in connectors:
        stack.push_async_callback(connector.close)
    url = settings.database
    store = await asyncio.to_thread(
        lambda: Store.open(url, audit_key=keys.audit, clock=clock, ids=ids)
    )
    stack.callback(store.close)
    await asyncio.to_thread(Durable.prepare, url)
    durable = Durable(url)
    stack.callback(durable.close)
    return Foundation(
        settings=settings,
        keys=keys,
        config=config,
        actions=Actions(connectors),
        limited=limited(
            {name: each.limits for name, each in config.connections.items()}, connectors
        ),
        store=store,
        durable=durable,
        clock=clock,
        ids=ids,
    )


async def _carry_out(
    base: Foundation,
    installation: Installation,
    stack: AsyncExitStack,
    begin: "Begin",
    *,
    executor_id: str,
) -> None:
    """Begin to carry out what is enqueued."""
    plans, progress = Plans(base.durable, base.ids), Progress(base.durable, base.ids)
    turns = Turns(base.durable, progress)
    worker = Worker(
        store=base.store,
        plans=plans,
        turns=turns,
        progress=progress,
        actions=base.actions,
        voters=Electorate(installation.identity, installation.authorizer),
        clock=base.clock,
        rates=Rates(store=base.store, limited=base.limited, chance=random.random),
    )
    occurrences = Occurrences(
        store=base.store,
        installation=installation,
        preparation=Preparation(base.store, installation, installation.tokens),
        clock=base.clock,
        ids=base.ids,
    )
    await base.durable.start(executor_id, {**worker.work, **occurrences.work})
    stack.push_async_callback(base.durable.stop)
    begin(occurrences.run())
    kept = base.config.keeps_runs
    begin(Retention(base.store, base.durable, base.clock, runs=kept).run())
    begin(Sweep(base.store, plans, turns, base.clock, ended=base.durable.ended).run())


async def _answer(
    base: Foundation,
    installation: Installation,
    stack: AsyncExitStack,
    begin: "Begin",
    *,
    owner: str,
    extra_hosts: Iterable[str],
) -> int:
    """Begin to answer Teams; the port comes back."""
    settings, store = base.settings, base.store
    trust = channel_trust(settings, extra_hosts)
    if not trust.requires_token:
        log.warning("activities are accepted without a token, from this machine only")
    offers = Offers(store, installation, base.clock)
    dialogs = DialogViews(
        store=store,
        installation=installation,
        tokens=installation.tokens,
        offers=offers,
        clock=base.clock,
    )
    session = await stack.enter_async_context(open_session())

    async def handle(inbound: Inbound) -> InvokeAnswer | None:
        return await dispatcher.handle(inbound)  # made below: it needs the way out first

    channel = build_channel(
        trust,
        token_source(settings, base.clock),
        handle,
        session,
        on_denied=recorder(store),
        clock=base.clock,
    )
    stack.push_async_callback(channel.close)
    delivery = Delivery(
        store,
        channel.transport,
        base.clock,
        owner=owner,
        card_of=_card_of(installation, dialogs),
        notice_of=Notices(
            store=store,
            authorizer=installation.authorizer,
            directory=installation.directory,
            zone=installation.zone,
        ).message,
    )
    stack.push_async_callback(delivery.finish, _LAST_WORDS)
    dispatcher = Dispatcher(
        store=store,
        installation=installation,
        tokens=installation.tokens,
        offers=offers,
        dialogs=dialogs,
        outbound=delivery,
        clock=base.clock,
        ids=base.ids,
    )
    begin(delivery.run())
    begin(Expiry(store, base.clock).run())
    app = public_app(channel.handle, requires_token=trust.requires_token)
    listener = await listen(app, settings.host, settings.port)
    stack.push_async_callback(listener.stop)
    return listener.port


def _card_of(installation: Installation, dialogs: DialogViews) -> CardOf:
    """What a living message shows, by its subject."""

    async def card_of(subject: str) -> Message:
        kind, _, name = subject.partition("/")
        if kind == DIALOG:
            return await dialogs.message(name)
        if kind == SCHEDULE:
            return await installation.schedule_views.message(name)
        return await installation.views.shared_message(subject)

    return card_of


def _workflows(base: Foundation) -> Sequence[Workflow]:
    """Those that ship, and those of the config folder."""
    folders = (CATALOG, base.config.workflows)
    return tuple(load_all(folders, base.actions, taken=callings(discover())).values())


async def _declare(
    base: Foundation, installation: Installation, workflows: Sequence[Workflow]
) -> None:
    """Make the schedules that files say what the files say now."""
    settings = base.settings
    tenant = settings.app_tenant_id or next(iter(sorted(settings.tenants)), "")
    if tenant:
        await declare(workflows, installation, base.store, TenantId(tenant), base.clock)
    elif any(each.schedules for each in workflows):
        log.warning("no tenant is configured: what workflow files schedule is left out")


def _installation(base: Foundation, workflows: Sequence[Workflow]) -> Installation:
    """What commands work with, and who may decide."""
    config = base.config
    commands = Commands(
        [*(workflow_command(each, base.actions) for each in workflows), *discover()]
    )
    authorizer = build_authorizer(config, commands.effects)
    directory = config.directory or NoDirectory()
    tokens = CardTokens(base.keys.ring)
    lifecycle = Lifecycle(base.durable, base.ids)
    return Installation(
        commands=commands,
        authorizer=authorizer,
        directory=directory,
        identity=Identity(directory, authorizer),
        roles=config.roles,
        catalogue=config.catalogue,
        actions=base.actions,
        lifecycle=lifecycle,
        holds=Holds(base.durable, lifecycle),
        halting=Halting(base.durable),
        views=RunViews(
            store=base.store,
            tokens=tokens,
            authorizer=authorizer,
            directory=directory,
            clock=base.clock,
            zone=config.zone,
        ),
        schedules=Schedules(base.durable, base.ids),
        reminders=Reminders(base.durable, base.ids),
        schedule_views=ScheduleViews(store=base.store, tokens=tokens, clock=base.clock),
        tokens=tokens,
        zone=config.zone,
    )


Begin = Callable[[Coroutine[Any, Any, None]], None]
"""Has something run in the background."""


@asynccontextmanager
async def _background() -> AsyncIterator[Begin]:
    """Tasks that run beside the rest.

    One that breaks takes the process down: it would be half a process, and nobody would know.
    What went wrong alone is raised alone: whoever starts us has a sentence for it.
    """
    tasks: list[asyncio.Task[None]] = []
    try:
        async with asyncio.TaskGroup() as group:

            def begin(work: Coroutine[Any, Any, None]) -> None:
                tasks.append(group.create_task(work))

            try:
                yield begin
            finally:
                for task in tasks:
                    task.cancel()
    except BaseExceptionGroup as broken:
        if len(broken.exceptions) > 1:
            raise
        raise broken.exceptions[0] from None


async def _is_ready(store: Store) -> bool:
    """Whether the database answers."""
    try:
        await store.read(lambda unit: unit.audit.head())
    except Unavailable:
        return False
    return True
