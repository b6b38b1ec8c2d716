"""The engine: each move of a run is one transaction; workers carry out what the rows say.

lifecycle.py   what people do: request, vote, confirm, cancel
plans.py       what workers find out before a start: the plan, the gate, its deadline
turns.py       whose turn it is: the lock, the last look, who carries a run out
lines.py       what a run needs before it may start, and its place in the lines for it
holds.py       a person's lock: taken, let go, stolen, over
halts.py       the switch that stops everything
rates.py       how often connections are used
frontier.py    what is next in a run: a function of its rows, and of nothing else
progress.py    and then: a step done, one that failed, everything undone; scene.py its rows
step_gates.py  steps that wait for people
moves.py       what both share: one move with its audit event, its card, and what follows
attempt.py     one attempt at an action, and what its end means
worker.py      the three kinds of work: plan, stretch, timer
stretch.py     one carrier, and all that it does for a run at once; tasks.py what it gets to do
looks.py       looks at live systems and at who may what (voters.py), before a run may start
schedules.py   what happens to schedules; reminders.py to reminders
alarm.py       what rings when something is due
recovery.py    heartbeats, and taking over from the dead; whereabouts.py: on which machine
sweep.py       what nobody goes on with any more
retention.py   what need not be kept
durable.py     the queue underneath; the only module that knows DBOS
"""
