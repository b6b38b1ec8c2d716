"""A target with many boxes that can be filled and emptied, and that goes wrong on demand."""

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from textwrap import dedent
from typing import Any

from connectors.connector import Action, Inputs
from domain.actor import Actor
from domain.command import Effect
from domain.conversation import Conversation
from domain.errors import Ambiguous, Refused, Unavailable
from domain.plan import ActionPlan, Change
from domain.policy import GateRule
from tests.engine.world import DEV, FREE, PLACE, Killed, World
from workflows.definition import Workflow
from workflows.engine.lifecycle import RunRequest
from workflows.parts import Retry

TRIES = Retry(attempts=40, backoff=timedelta(milliseconds=100))


class Box(Inputs):
    box: str = ""


@dataclass
class Boxes:
    """What was done, in its order: (`put`, box) and (`out`, box); and what is to go wrong."""

    done: list[tuple[str, str]] = field(default_factory=list)
    keys: Counter[str] = field(default_factory=Counter)
    script: dict[tuple[str, str], deque[Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    full: frozenset[str] = frozenset()  #: what `look` finds
    most_at_once: int = 0
    _at_once: int = 0

    def on(self, act: str, box: str, *tokens: Any) -> None:
        """Have the next attempts at *act* go as *tokens* say; see `_act`."""
        self.script.setdefault((act, box), deque()).extend(tokens)

    async def put(self, inputs: Box, key: str) -> dict[str, Any]:
        return await self._act("put", inputs.box, key)

    async def out(self, inputs: Box, key: str) -> dict[str, Any]:
        return await self._act("out", inputs.box, key)

    async def _act(self, act: str, box: str, key: str) -> dict[str, Any]:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            tokens = self.script.get((act, box))
            token = tokens.popleft() if tokens else "ok"
            if callable(token):
                await token()
                token = "ok"
            match token:
                case "fail":
                    raise Refused(f"{box} is stuck.")
                case "retry":
                    raise Unavailable("Not now.")
                case "kill before":
                    raise Killed
            self.done.append((act, box))
            self.keys[key] += 1
            match token:
                case "kill after":
                    raise Killed
                case "lost":
                    raise Ambiguous("No answer.")
            return {"box": box}
        finally:
            self._at_once -= 1

    async def applied(self, inputs: Box, key: str) -> dict[str, Any] | None:
        self.asked.append(inputs.box)
        return {"box": inputs.box} if self.keys[key] else None

    async def look(self, inputs: Box, _key: str) -> dict[str, Any]:
        tokens = self.script.get(("look", inputs.box))
        if tokens:
            tokens.popleft()
            return {"full": False, "names": sorted(self.full)}
        return {"full": inputs.box in self.full, "names": sorted(self.full)}

    async def plan(self, inputs: Box) -> ActionPlan:
        change = Change(target=inputs.box, what="content", before="empty", after="full")
        return ActionPlan(summary=f"Fill {inputs.box}", changes=(change,))

    def actions(self) -> list[Action[Box]]:
        def write(name: str, apply: Callable[[Box, str], Awaitable[Any]]) -> Action[Box]:
            return Action(
                name=name,
                major=1,
                summary=name,
                effect=Effect.WRITE,
                inputs=Box,
                apply=apply,
                plan=self.plan,
                reconcile=self.applied,
            )

        read = Action(
            name="box.look",
            major=1,
            summary="look",
            effect=Effect.READ,
            inputs=Box,
            apply=self.look,
        )
        return [write("box.put", self.put), write("box.out", self.out), read]

    async def close(self) -> None:
        return None


def with_boxes(world: World) -> Boxes:
    """*world*, whose workers fill boxes from now on."""
    boxes = Boxes()
    world.connectors = [boxes]
    world.worker = world.new_worker()
    return boxes


async def ask(
    world: World,
    workflow: Workflow,
    *,
    inputs: dict[str, str] | None = None,
    rule: GateRule = FREE,
    place: Conversation = PLACE,
    requester: Actor = DEV,
    **more: Any,
) -> str:
    """A run of *workflow*, asked for by dev-1."""
    request = RunRequest(
        workflow=workflow,
        inputs=inputs or {},
        reason="",
        requester=requester,
        conversation=place,
        reply_to="1",
        gate_rule=rule,
        **more,
    )
    run = await world.store.transaction(lambda unit: world.lifecycle.request(unit, request))
    return run.id


def states(steps: Sequence[Any]) -> dict[str, str]:
    return {step.name: step.state.value for step in steps}


def indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in dedent(text).strip("\n").split("\n"))


async def carried_out(world, workflow, **more):
    """The run, as far as it gets within ten seconds; its id."""
    run_id = await ask(world, workflow, **more)
    await world.work()
    return run_id


async def ended(world, run_id):
    run = await world.run(run_id)
    steps = await world.store.read(lambda unit: unit.steps.of(run_id))
    return run.state, states(steps)


GATED = """
    one: {uses: box.put@1, with: {box: one}, undo: {uses: box.out@1, with: {box: one}}}
    sure: {needs: [one], approve: {by: prod-approvers, count: 1, expires: 1h}}
    two: {needs: [sure], uses: box.put@1, with: {box: two}}
"""
