"""What holds for every action of every connector that ships."""

from pathlib import Path

import pytest

from connectors.connector import Action, Actions
from connectors.registry import connect, offers
from domain.command import Effect
from tests.connectors.world import entry

SETTINGS = {"supervisor": {"socket": "/s"}, "releases": {"program": "/p"}}
CONNECTIONS = {name: entry(name, **SETTINGS[name]) for name in offers()}
ACTIONS = [
    pytest.param(action, id=action.reference)
    for action in Actions(connect(CONNECTIONS, Path("/nowhere"), offers()))
]


@pytest.mark.parametrize("action", ACTIONS)
def test_a_write_can_be_planned_and_found_again(action: Action):
    writes = action.effect is not Effect.READ

    assert (action.plan is not None, action.reconcile is not None) == (writes, writes)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_input_is_described(action: Action):
    for name, field in action.inputs.model_fields.items():
        assert field.description, f"{action.reference}: {name}"
        assert field.description.endswith(".")


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_is_named_after_its_connector_and_says_what_it_does(action: Action):
    assert action.name.partition(".")[0] in SETTINGS
    assert action.summary[0].isupper()
    assert action.summary.endswith(".")
    assert action.timeout.total_seconds() > 0


@pytest.mark.parametrize("kind", [load() for load in offers().values()])
def test_every_setting_is_described(kind):
    for name, field in kind.Settings.model_fields.items():
        assert field.description, name
