from pathlib import Path

from pydantic import BaseModel, ValidationError
import pytest

from connectors.reference import Reference, Setting, Surroundings
from domain.errors import Refused


class Settings(BaseModel):
    token: Setting


def setting(text: str, state: Path, **environment: str) -> Reference:
    surroundings = Surroundings(state=state, environment=environment)
    return Settings.model_validate({"token": text}, context=surroundings).token


def test_plain_text_stands_for_itself(tmp_path):
    assert setting(" /run/s.sock ", tmp_path).value() == "/run/s.sock"


def test_a_file_of_the_state_folder_is_read_when_the_value_is_needed(tmp_path):
    reference = setting("file://token.txt", tmp_path)
    with pytest.raises(Refused, match=r"file://token\.txt is needed by a connection"):
        reference.value()

    (tmp_path / "token.txt").write_text("  first\n")
    assert reference.value() == "first"

    (tmp_path / "token.txt").write_text("second")
    assert reference.value() == "second"


def test_an_absolute_path_is_taken_as_it_is(tmp_path):
    (tmp_path / "token").write_text("deep")

    assert setting(f"file://{tmp_path}/token", tmp_path / "elsewhere").value() == "deep"


def test_an_environment_variable_is_looked_up(tmp_path):
    assert setting("env://TOKEN", tmp_path, TOKEN="t").value() == "t"
    with pytest.raises(Refused, match="env://TOKEN is needed"):
        setting("env://TOKEN", tmp_path).value()


def test_what_is_no_text_is_refused_without_being_shown(tmp_path):
    (tmp_path / "token").write_bytes(b"\xff\xfesecret")

    with pytest.raises(Refused, match="cannot be read") as refused:
        setting("file://token", tmp_path).value()
    assert "secret" not in refused.value.words


@pytest.mark.parametrize(
    "text", ["", "  ", "file://", "env://", "file://../x", "file://a/../../x"]
)
def test_a_reference_that_leads_nowhere_or_astray_is_refused(tmp_path, text):
    with pytest.raises(ValidationError):
        setting(text, tmp_path)


def test_a_value_is_never_shown(tmp_path):
    (tmp_path / "token").write_text("secret")
    shown = [setting(text, tmp_path) for text in ("secret", "file://token", "env://HOME")]

    assert [repr(each) for each in shown] == [
        "Reference(…)",
        "Reference(file://token)",
        "Reference(env://HOME)",
    ]
