"""Every workflow is a command: permitted, it asks the engine for a run."""

from bot.command import Command, Context, Work
from connectors.connector import Actions
from domain.command import Effect, Invocation, Reply, RunCard
from storage.unit import UnitOfWork
from workflows.definition import REASON, Workflow
from workflows.engine.halts import refuse_while_halted
from workflows.engine.lifecycle import RunRequest
from workflows.syntax import parse

GROUP = "Workflows"

_BY_WEIGHT = (Effect.READ, Effect.WRITE, Effect.DESTRUCTIVE)


def workflow_command(workflow: Workflow, actions: Actions) -> Command:
    """The command that asks for a run of *workflow*.

    Raises:
        Refused: a step uses an action that *actions* do not have.
    """
    effect = effect_of(workflow, actions)

    async def prepare(invocation: Invocation, context: Context) -> Work:
        own = {each.name for each in workflow.inputs}
        asked = RunRequest(
            workflow=workflow,
            inputs={name: v for name, v in invocation.arguments.items() if name in own},
            reason=invocation.arguments.get(REASON.name, ""),
            requester=invocation.actor,
            conversation=invocation.conversation,
            reply_to=context.activity_id,
            gate_rule=context.decision.gate,
            policy_digest=context.installation.authorizer.digest,
        )

        def request(unit: UnitOfWork) -> Reply:
            if effect is not Effect.READ:
                refuse_while_halted(unit)
            run = context.installation.lifecycle.request(unit, asked)
            return RunCard(run.id)

        return request

    return Command(
        syntax=parse(workflow.command),
        fields=workflow.fields,
        summary=workflow.description or f"{workflow.title}.",
        group=GROUP,
        effect=effect,
        prepare=prepare,
        aliases=workflow.aliases,
        digest=workflow.digest,
        steps=tuple(each.title for each in workflow.steps),
    )


def effect_of(workflow: Workflow, actions: Actions) -> Effect:
    """What *workflow* does to the world: the most that any of its steps does.

    Raises:
        Refused: a step uses an action that *actions* do not have.
    """
    effects = [
        actions.get(uses).effect
        for step in workflow.steps
        for uses in (step.uses, step.undo.uses if step.undo else None)
        if uses is not None
    ]
    run = (step.run.workflow for step in workflow.steps if step.run)
    effects += [effect_of(each, actions) for each in run if each is not None]
    return max(effects, key=_BY_WEIGHT.index, default=Effect.READ)
