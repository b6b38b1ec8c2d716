"""`retry <id>`: a new run that goes on where another one has ended."""

from bot.access.words import denial
from bot.command import Context, Work, command, question
from bot.voting import REASON, RUN, run_in_question
from domain.command import Effect, Invocation, Reply, RunCard
from domain.errors import BadArguments, NotNow
from domain.field import Field
from domain.run import Run, RunState
from storage.unit import UnitOfWork
from workflows.definition import from_pinned
from workflows.engine.halts import refuse_while_halted
from workflows.engine.lifecycle import RunRequest
from workflows.unfolded import Unfolded

_STEP = Field(
    name="step",
    required=False,
    description="The first step that is done again; without it, all that were not done",
)


@command(
    'retry <id> [from step] [--reason "…"]',
    group="Decisions",
    effect=Effect.WRITE,
    fields=(RUN, _STEP, REASON),
    makes_sense_in=tuple(state for state in RunState if state.is_final),
)
async def retry(invocation: Invocation, context: Context) -> Work:
    """Go on where a run has ended: a new one, permitted, planned and approved anew.

    What was done and stands is not done again. The workflow has to be as it was then: what the
    policy is asked about is the one that there is now.
    """
    run, installation = run_in_question(context), context.installation
    step = invocation.arguments.get(_STEP.name, "")
    _check(run, step)
    command = installation.commands.find(run.workflow)
    if command.digest != from_pinned(run.definition).digest:
        raise NotNow(
            f"The workflow {run.workflow} has changed since run {run.id}.",
            hint="Ask for it anew.",
        )
    asked = question(command, run.inputs, invocation.actor)
    decision = installation.authorizer.decide(asked)
    if not decision.allowed:
        raise denial(asked, decision)
    request = RunRequest(
        workflow=from_pinned(run.definition),
        inputs=run.inputs,
        reason=invocation.arguments.get(REASON.name, "") or f"once more, after run {run.id}",
        requester=invocation.actor,
        conversation=invocation.conversation,
        reply_to=context.activity_id,
        gate_rule=decision.gate,
        policy_digest=installation.authorizer.digest,
        repeats=run,
        repeats_from=step,
    )

    def requested(unit: UnitOfWork) -> Reply:
        refuse_while_halted(unit)
        return RunCard(installation.lifecycle.request(unit, request).id)

    return requested


def _check(run: Run, step: str) -> None:
    """Let *run* be gone on from, at *step*.

    Raises:
        NotNow: it has not ended, never began, or has done all that there was.
        BadArguments: it has no such step.
    """
    if not run.state.is_final:
        raise NotNow(
            f"Run {run.id} has not ended: it is {run.state.value.replace('_', ' ')}.",
            hint="Steps that fail in passing are tried again by themselves.",
        )
    if run.started_at is None:
        raise NotNow(
            f"Run {run.id} never began, so there is nothing to go on from.",
            hint="Ask for it anew.",
        )
    if run.state is RunState.SUCCEEDED and not step:
        raise NotNow(
            f"Run {run.id} has succeeded: nothing is left to be done.",
            hint=f"Say `retry {run.id} from <step>` for what is to be done again, or ask anew.",
        )
    nodes = Unfolded.of(run).nodes
    if step and not any(node.belongs_to(step) for node in nodes):
        listed = ", ".join(dict.fromkeys(node.of.partition("/")[0] for node in nodes))
        raise BadArguments(f"Run {run.id} has no step {step}.", hint=f"There are {listed}.")
