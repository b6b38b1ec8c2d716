"""What is wrong with a file of the config folder, and where."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Fault:
    """One thing wrong in one place. It prints as `FILE:LINE:COLUMN: sentence`."""

    file: str
    line: int  #: from 1
    column: int  #: from 1
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.sentence}"


class ConfigFaults(Exception):
    """The config folder does not validate; nothing of it may be used."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))


def guess(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about a *word* nobody knows: what was probably meant, or nothing."""
    close = get_close_matches(word, sorted(known), n=1)
    return f" Did you mean `{close[0]}`?" if close else ""
