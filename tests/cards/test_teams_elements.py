"""The element layer is strict where the library is silent."""

from pydantic import ValidationError
import pytest

from cards import teams


def test_an_unknown_field_is_refused():
    with pytest.raises(ValidationError, match="wrapp"):
        teams.TextBlock(text="x", wrapp=True)


def test_an_assignment_is_checked():
    block = teams.TextBlock(text="x")

    with pytest.raises(ValidationError):
        block.max_lines = "many"


def test_an_element_of_teams_own_must_say_what_old_clients_show():
    with pytest.raises(ValidationError, match="fallback"):
        teams.Badge(text="prod", style="Attention")


def test_fields_of_our_own_survive_inside_containers():
    badge = teams.Badge(text="prod", style="Attention", fallback=teams.TextBlock(text="prod"))
    card = teams.Card(body=[teams.Container(items=[badge], rounded_corners=True)]).content()

    assert card["body"][0]["roundedCorners"] is True
    assert card["body"][0]["items"][0]["appearance"] == "Filled"
    assert card["body"][0]["items"][0]["fallback"]["wrap"] is True


def test_a_mention_names_a_person():
    person = teams.Mentioned(id="29:dev-1", name="dev-1")
    mention = teams.Mention(text="<at>dev-1</at>", mentioned=person)
    card = teams.Card(
        body=[teams.TextBlock(text="<at>dev-1</at>")],
        msteams=teams.MSTeams(width="Full", entities=[mention]),
    ).content()

    assert card["msteams"] == {
        "width": "Full",
        "entities": [
            {
                "type": "mention",
                "text": "<at>dev-1</at>",
                "mentioned": {"id": "29:dev-1", "name": "dev-1"},
            }
        ],
    }


def test_inputs_are_strict_too():
    field = teams.ChoiceInput(id="in.service", label="Service", choices=[])

    assert field.model_dump(exclude_none=True)["type"] == "Input.ChoiceSet"
    with pytest.raises(ValidationError, match="min"):
        teams.ToggleInput(id="in.x", title="x", min=1)


def test_the_type_comes_first_and_no_mode_is_written():
    press = teams.Execute(title="Go", verb="go", data={"t": "tok"})
    card = teams.Card(body=[], actions=[press]).content()

    assert list(card["actions"][0]) == ["type", "title", "verb", "data"]
