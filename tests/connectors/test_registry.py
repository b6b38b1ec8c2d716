import sys

from pydantic import BaseModel
import pytest

from bot.config import Connection
from connectors.connector import Actions
from connectors.registry import connect, offers
from domain.errors import Refused
from tests.connectors.world import entry


class Quiet:
    """A connector that somebody else made."""

    class Settings(BaseModel):
        volume: int

    def __init__(self, settings: Settings) -> None:
        self.volume = settings.volume

    def actions(self):
        return ()

    async def close(self) -> None:
        return None


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Install a package with these entry points."""

    def install(**connectors: str) -> None:
        info = tmp_path / "quiet-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: quiet\nVersion: 1.0\n")
        lines = "\n".join(f"{name} = {value}" for name, value in connectors.items())
        (info / "entry_points.txt").write_text(f"[signalbox.connectors]\n{lines}\n")
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    return install


def test_connections_of_the_config_become_connectors(tmp_path):
    connections = {
        "s": Connection(connector="supervisor", settings={"socket": "file://supervisor.path"}),
        "r": Connection(connector="releases", settings={"program": "file://release.program"}),
    }

    actions = Actions(connect(connections, tmp_path, offers()))

    assert {each.reference for each in actions} == {
        "supervisor.status@1",
        "supervisor.logs@1",
        "supervisor.restart@1",
        "releases.current@1",
        "releases.probe@1",
        "releases.previous@1",
        "releases.tags@1",
        "releases.switch@1",
        "releases.health@1",
    }


def test_an_unknown_connector_is_refused_by_the_name_of_its_connection(tmp_path):
    with pytest.raises(Refused) as refused:
        connect({"cloud": entry("azure")}, tmp_path, offers())

    assert refused.value.words == (
        "The connection cloud asks for the connector azure, which is not installed. "
        "There are releases, supervisor."
    )


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({}, "socket: Field required"),
        ({"socket": "s3cret", "sokcet": "x"}, "sokcet: Extra inputs are not permitted"),
        ({"socket": "file://../s3cret"}, "socket: leads out of the state folder"),
        ({"socket": ["s3cret"]}, "socket: Input should be a valid string"),
        ({"socket": "x", "process": "{s3cret}"}, "process: String should match pattern"),
    ],
)
def test_wrong_settings_are_refused_by_name_without_their_values(tmp_path, settings, fault):
    with pytest.raises(Refused) as refused:
        connect({"here": entry("supervisor", **settings)}, tmp_path, offers())

    assert str(refused.value).startswith(f"The connection here is not set up right: {fault}")
    assert "s3cret" not in refused.value.words


def test_a_package_brings_a_connector(tmp_path, package):
    package(quiet=f"{__name__}:Quiet")
    sys.modules.setdefault(__name__, sys.modules[Quiet.__module__])

    (connector,) = connect({"q": entry("quiet", volume=3)}, tmp_path, offers())

    assert isinstance(connector, Quiet)
    assert connector.volume == 3


def test_a_package_that_does_not_load_is_refused_only_where_it_is_used(tmp_path, package):
    package(broken="no.such.module:Thing")

    assert connect({}, tmp_path, offers()) == ()
    with pytest.raises(Refused, match="connector broken, which does not load"):
        connect({"b": entry("broken")}, tmp_path, offers())


def test_two_connectors_of_one_name_are_refused(package):
    package(supervisor="quiet:Quiet")

    with pytest.raises(Refused, match="Two packages bring a connector supervisor"):
        offers()
