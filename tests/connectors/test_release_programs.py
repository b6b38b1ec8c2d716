"""Release programs that do not behave."""

from pathlib import Path

import pytest

from connectors.registry import connect, offers
from domain.errors import Ambiguous, Refused, Unavailable
from tests.connectors.world import World, entry

SHOP = {"service": "shop", "environment": "prod"}


@pytest.fixture
def program(tmp_path: Path):
    """A connection to a program that is this shell script."""

    def written(script: str) -> World:
        path = tmp_path / "program"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        connections = {"r": entry("releases", program=str(path))}
        return World(tmp_path, connect(connections, tmp_path, offers()))

    return written


async def test_a_refusal_is_passed_on_in_its_own_words(program):
    world = program("""echo '{"refused": "Not on a Friday.", "hint": "Come back."}'; exit 3""")

    with pytest.raises(Refused) as refused:
        await world.apply("releases.switch@1", "k", **SHOP, version="v1")

    assert refused.value.words == "Not on a Friday. Come back."


async def test_unavailable_is_safe_to_ask_again(program):
    world = program("""echo '{"unavailable": "The registry is down."}'; exit 4""")

    with pytest.raises(Unavailable, match=r"The registry is down\.") as unavailable:
        await world.apply("releases.switch@1", "k", **SHOP, version="v1")

    assert not isinstance(unavailable.value, Ambiguous)


@pytest.mark.parametrize(
    "script",
    [
        "exit 1",
        "echo oops >&2; exit 1",
        "exit 0",
        "echo no json",
        "echo '[]'",
        "exit 3",
        """echo '{"refused": 7}'; exit 3""",
        """echo '{"version": "v1", "at": "now"}'; exit 1""",
        "kill -9 $$",
        "head -c 1100000 /dev/zero | tr '\\0' ' '; echo '{}'",
    ],
)
async def test_no_answer_to_a_switch_is_ambiguous_and_to_a_question_is_not(program, script):
    world = program(script)

    with pytest.raises(Ambiguous):
        await world.apply("releases.switch@1", "k", **SHOP, version="v1")
    with pytest.raises(Unavailable) as unavailable:
        await world.apply("releases.tags@1", service="shop")

    assert not isinstance(unavailable.value, Ambiguous)


async def test_a_program_that_is_not_there_is_unavailable(program, tmp_path):
    world = program("")
    (tmp_path / "program").unlink()

    with pytest.raises(Unavailable, match="cannot be started") as unavailable:
        await world.apply("releases.switch@1", "k", **SHOP, version="v1")

    assert not isinstance(unavailable.value, Ambiguous)


async def test_our_secrets_are_not_passed_on(program, monkeypatch):
    monkeypatch.setenv("SIGNALBOX_AUDIT_KEY", "s3cret")
    world = program(
        """printf '{"version": "[%s]", "commit": "c", "url": "u"}' "$SIGNALBOX_AUDIT_KEY" """
    )

    assert (await world.apply("releases.current@1", **SHOP))["version"] == "[]"


async def test_arguments_reach_the_program_as_they_are(program, tmp_path):
    world = program(
        f"""printf '%s|' "$@" > {tmp_path}/got; echo '{{"version": "1", "at": "t"}}'"""
    )

    await world.apply("releases.switch@1", "k;1", **SHOP, version="v1")

    assert (tmp_path / "got").read_text() == "switch|shop|prod|v1|--key|k;1|"
