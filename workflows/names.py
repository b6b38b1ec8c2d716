"""What workflows are called: a word calls one command, whichever file it stands in."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from workflows.definition import Workflow
from workflows.definition_fit import Misfit
from workflows.yaml_source import Place


@dataclass(slots=True)
class Names:
    """The words that are given away, file after file."""

    taken: Collection[str]  #: what calls a command that is no workflow
    _owners: dict[str, tuple[Workflow, Path]] = field(default_factory=dict)

    def claim(self, workflow: Workflow, home: Path) -> Iterator[Misfit]:
        """The words that *workflow* (of the file *home*) cannot have; the others are its own now.

        A word that it says twice is one of them.
        """
        places: list[tuple[Place, str]] = [
            (("name",), workflow.name),
            *((("aliases", index), alias) for index, alias in enumerate(workflow.aliases)),
        ]
        for place, word in places:
            if sentence := self._objection(workflow, word):
                yield Misfit(place=place, sentence=sentence)
            elif word:  # what is no word at all was told when the file was read
                self._owners[word] = (workflow, home)

    def _objection(self, workflow: Workflow, word: str) -> str:
        """Why *workflow* cannot be called *word*; empty where it can."""
        if word in self.taken:
            return f"There is a command `{word}` already."
        if word not in self._owners:
            return ""
        owner, home = self._owners[word]
        if owner is workflow:
            return f"It is called `{word}` already."
        if word == owner.name == workflow.name:
            return f"The workflow `{word}` is defined in {home}, too."
        if word == owner.name:
            return f"There is a workflow `{word}` already, in {home}."
        return f"`{word}` is an alias of the workflow `{owner.name}` in {home}."
