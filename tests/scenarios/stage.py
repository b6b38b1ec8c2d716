"""A whole Signalbox to tell a story on, and what must hold whatever happened in it.

The numbers are those of the acceptance stories' global assertions:

G1  nothing outside is changed before every gate is passed
G2  each inbound activity counts once
G3  requests, denials, decisions and results are in the audit log, and its chain verifies
G5  a card says what the database says
G6  the bot speaks in the thread where it was asked
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
import json
import os
from pathlib import Path
import shutil
import sqlite3
import sys
from typing import Any

import aiohttp
import psutil

from bot.audit_export import Format, export
from sandbox.channel import Card, Channel, Person
from sandbox.channel.card_reading import buttons, words
from sandbox.channel.outcome import Outcome
from sandbox.channel.places import Place

ROOT = Path(__file__).parents[2]
BY_HAND = "by-hand-"
"""What the keys of effects begin with that a test had itself, past Signalbox."""

CARD_SAYS = {
    "planning": "Planning",
    "awaiting_confirmation": "Waiting for confirmation",
    "awaiting_approval": "Waiting for approval",
    "queued": ("Queued", "Waiting for its turn"),
    "running": ("Running", "Stopping", "Pausing", "Waiting for approval"),
    "paused": "Paused",
    "rolling_back": "Rolling back",
    "succeeded": "Succeeded in",
    "failed": "Failed",
    "rejected": "Rejected by",
    "expired": "Expired at",
    "cancelled": "Cancelled",
    "rolled_back": "Rolled back",
    "rollback_failed": "Rollback failed",
}
"""What the line with a run's state begins with, by the state in the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A message of the bot, as it stands now."""

    id: str
    conversation_id: str  #: down to the thread
    words: str


# -- a Signalbox ------------------------------------------------------------------------------


@asynccontextmanager
async def stage(
    *, config_dir: Path | None = None, state: Path | None = None
) -> AsyncIterator[Channel]:
    """A Signalbox with a Teams around it; at the end all of the above must hold."""
    async with Channel.open(config_dir=config_dir, state=state) as channel:
        yield channel
        await holds(channel)
        await verifies(channel.state)


def folder(tmp_path: Path, changes: Mapping[str, tuple[str, str]]) -> Path:
    """The demo's config folder with *changes*: by file, what stands there instead of what."""
    config = tmp_path / "config"
    if not config.exists():
        shutil.copytree(ROOT / "sandbox" / "world", config)
    for name, (old, new) in changes.items():
        text = (config / name).read_text()
        assert old in text, (name, old)
        (config / name).write_text(text.replace(old, new))
    return config


# -- what people do that the kit's people do not ----------------------------------------------


async def button(person: Person, card: Card, title: str) -> Mapping[str, Any]:
    """The action behind the button *title* that *person* has on *card*."""
    there = {each.titles[-1]: each.action for each in buttons(await person.view(card))}
    return there[title]


async def sends(
    channel: Channel, name: str, card: Card, action: Mapping[str, Any], **data: str
) -> Outcome:
    """The answer to somebody whose client sends *action*, theirs or not, with more *data*."""
    forged = {**action, "data": {**action["data"], **data}}
    return await channel.teams.cards.press(channel.teams.account(name), card.id, forged)


async def notice(card: Card, said: str) -> dict[str, Any]:
    """The message of words in the card's thread that says *said*."""
    author = card.post.author
    await card.post.reply(said)
    return next(each for each in await author.thread(card.post) if said in each["text"])


def words_of(outcome: Outcome) -> str:
    """All that somebody reads who is answered so."""
    return words(outcome.card) if outcome.card else outcome.text


def run_id(card_words: str) -> str:
    """The run that a card is about."""
    return card_words.partition("· run ")[2].split()[0]


# -- the world --------------------------------------------------------------------------------


def url_of(state: Path, service: str, environment: str) -> str:
    """Where the service answers."""
    listed = json.loads((state / "services.json").read_text())
    wanted = (service, environment)
    return next(e["url"] for e in listed if (e["service"], e["environment"]) == wanted)


async def health(state: Path, service: str, environment: str) -> tuple[str, str]:
    """Status and version that the service itself answers."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{url_of(state, service, environment)}/healthz") as response,
    ):
        said = await response.json()
    return said["status"], said["version"]


def process_of(state: Path, service: str, environment: str) -> psutil.Process:
    """The process of a service; there is always one, unless it is just being restarted."""
    wanted = {"SERVICE": service, "ENVIRONMENT": environment}
    supervisord = psutil.Process(int((state / "services" / "supervisord.pid").read_text()))
    for child in supervisord.children():
        with suppress(psutil.Error):
            if wanted.items() <= child.environ().items():
                return child
    raise AssertionError(f"there is no process of {service} in {environment}")


def effects(state: Path, *, by_hand: bool = False) -> list[dict[str, Any]]:
    """What the targets recorded, oldest first; with *by_hand*, what tests did themselves, too."""
    lines = (state / "effects.jsonl").read_text().splitlines()
    every = [json.loads(line) for line in lines]
    return [each for each in every if by_hand or not each["key"].startswith(BY_HAND)]


def events(state: Path, kind: str = "", **facts: Any) -> list[dict[str, Any]]:
    """The audit log, oldest first: all events, or those of *kind* whose data has *facts*."""
    url = f"sqlite:///{state / 'signalbox.db'}"
    every = [json.loads(line) for line in export(url, Format.JSONL)]
    return [
        each
        for each in every
        if each["type"].removeprefix("signalbox.").startswith(kind)
        and facts.items() <= {k: v for k, v in each["data"].items() if k in facts}.items()
    ]


def rows(state: Path, query: str) -> list[dict[str, Any]]:
    """What *query* finds in the database."""
    with closing(sqlite3.connect(f"file:{state / 'signalbox.db'}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        return [dict(each) for each in database.execute(query)]


async def soon(
    condition: Callable[[], Awaitable[object] | object], why: Callable[[], object] = lambda: ""
) -> None:
    """Return as soon as *condition* holds; what is waited for is told by nobody."""
    try:
        async with asyncio.timeout(15):
            while True:
                found = condition()
                if await found if isinstance(found, Awaitable) else found:
                    return
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"it did not come to hold: {why()}") from None


# -- what must hold ---------------------------------------------------------------------------


async def holds(channel: Channel) -> None:
    """G1, G2, G3, G5 and G6 for all that happened in *channel*."""
    state = channel.state
    check_gates(state)
    sent = [each for each in channel.teams.deliveries if each.answer.status < 300]
    check_counted_once(state, [each.activity for each in sent])
    await soon(lambda: not cards_behind(state, shown(channel)), lambda: shown(channel))
    check_threads(state, shown(channel))


def shown(channel: Channel) -> list[Shown]:
    """Everything that the bot said, as everybody sees it who has no view of their own."""
    return [
        Shown(
            id=each["id"],
            conversation_id=f"{place.id};messageid={each['root']}" if each["root"] else place.id,
            words="\n".join([each["text"], *map(words, each["cards"])]),
        )
        for place in _places(channel)
        for each in _messages(channel, place)
    ]


def _places(channel: Channel) -> list[Place]:
    known = channel.teams.teams.places
    return [*known.channels, *known.group_chats, *known.chats.values()]


def _messages(channel: Channel, place: Place) -> list[dict[str, Any]]:
    """What the bot said in *place*: of each message, what most people see."""
    seen: dict[str, dict[str, Any]] = {}
    for member in place.members:
        for each in channel.teams.teams.messages(member, place.id):
            if each["isFromBot"] and (each["id"] not in seen or seen[each["id"]]["isOwnView"]):
                seen[each["id"]] = each
    return list(seen.values())


def check_gates(state: Path) -> None:
    """G1: each effect is a step's of a run that had been let through, for the plan it carries out.

    Its audit events come in this order: plan, gate, start, step, and then the effect.
    """
    log = events(state)
    for effect in effects(state):
        steps = [e for e in log if e["data"].get("idempotency_key") == effect["key"]]
        assert len({e["data"]["run_id"] for e in steps}) == 1, effect
        run = steps[0]["data"]["run_id"]
        before = [e for e in log[: log.index(steps[0])] if e["data"].get("run_id") == run]
        names = {e["id"]: e["type"].removeprefix("signalbox.") for e in before}
        inside = {e["id"] for e in before if e["data"].get("step")}  # gates of steps come later
        last = {names[e["id"]]: e for e in before if e["id"] not in inside}
        started = last["run.started"]
        assert started["time"] <= effect["at"], effect
        plan = last["plan.created"]["data"]
        assert plan["plan_digest"] == started["data"]["plan_digest"], effect
        if plan["gate"] != "none":
            granted = last["approval.granted"]
            assert granted["data"]["plan_digest"] == plan["plan_digest"], effect
            assert granted["time"] <= started["time"], effect
    assert max(Counter(e["key"] for e in effects(state)).values(), default=1) == 1


def check_counted_once(state: Path, activities: Iterable[Mapping[str, Any]]) -> None:
    """G2 and G3: of whatever people said or pressed there is one event, as often as it came."""
    recorded = Counter(
        each["data"]["activity_id"] for each in events(state) if "activity_id" in each["data"]
    )
    assert set(recorded.values()) <= {1}, recorded
    asked = {each["id"] for each in activities if is_request(each)}
    assert asked <= recorded.keys(), asked - recorded.keys()


def is_request(activity: Mapping[str, Any]) -> bool:
    """Whether somebody wants something of the bot; a client that refreshes a card does not."""
    if activity["type"] == "message":
        is_personal = activity["conversation"]["conversationType"] == "personal"
        mentioned = any(each["type"] == "mention" for each in activity["entities"])
        return is_personal or mentioned
    if activity.get("name") != "adaptiveCard/action":
        return False
    value = activity["value"]
    return bool(value["trigger"] != "automatic" and value["action"]["verb"] != "run")


def cards_behind(state: Path, said: Collection[Shown]) -> list[tuple[str, str]]:
    """G5: the runs, with their states, whose cards do not say what the database says."""
    texts = {each.id: each.words for each in said}
    query = (
        "SELECT runs.id, runs.state, activity_id FROM runs"
        " LEFT JOIN living_cards ON subject = runs.id"
    )
    return [
        (each["id"], each["state"])
        for each in rows(state, query)
        if not says_state(texts.get(each["activity_id"], ""), each["state"])
    ]


def says_state(card_words: str, state: str) -> bool:
    """Whether a run's card says that it is in *state*."""
    return any(line.startswith(CARD_SAYS[state]) for line in card_words.splitlines())


def check_threads(state: Path, said: Collection[Shown]) -> None:
    """G6: each run's card and notices stand where it was asked for, and no thread is the bot's."""
    asked_in = {
        each["id"]: json.loads(each["conversation"])["id"]
        for each in rows(state, "SELECT id, conversation FROM runs")
    }
    cards = {each["activity_id"]: each["subject"] for each in rows(state, _POSTED)}
    for each in said:
        run = cards.get(each.id) or each.words.rpartition("(run ")[2].partition(")")[0]
        if run in asked_in:
            assert each.conversation_id == asked_in[run], each
        root = each.conversation_id.partition(";messageid=")[2]
        assert root != each.id or "I am Signalbox" in each.words, each


_POSTED = "SELECT subject, activity_id FROM living_cards WHERE activity_id IS NOT NULL"


async def verifies(state: Path) -> None:
    """G3: `signalbox audit verify` has nothing to complain of."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SIGNALBOX_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "audit", "verify", "--state", str(state)),
        cwd=ROOT,
        env={**clean, "SIGNALBOX_PROFILE": "demo"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, complaint = await process.communicate()
    assert (process.returncode, complaint.decode()) == (0, "")
