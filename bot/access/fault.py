"""What is wrong with the config folder."""

from collections.abc import Iterable

from workflows.yaml_source import Fault


class ConfigFaults(Exception):
    """The config folder does not validate; nothing of it may be used."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(sorted(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))
