"""Which files of a folder are definitions, and where the tests of one are.

A workflow's tests lie beside it, `deploy.test.yaml` beside `deploy.yaml`, or in a folder `tests`
beside it: `tests/deploy.test.yaml`.
"""

from pathlib import Path

TEST = ".test.yaml"
"""What the name of a file with tests ends with."""

_FOLDER = "tests"


def is_test(file: Path) -> bool:
    """Whether *file* holds tests, and no workflow."""
    return file.name.endswith(TEST)


def definitions_in(folder: Path) -> list[Path]:
    """The workflow files of *folder*, by name."""
    return sorted(file for file in folder.glob("*.yaml") if not is_test(file))


def case_files_in(folder: Path) -> list[Path]:
    """The files with tests of *folder*, and of the folder `tests` in it."""
    return [*sorted(folder.glob(f"*{TEST}")), *sorted((folder / _FOLDER).glob(f"*{TEST}"))]


def case_files_of(definition: Path) -> list[Path]:
    """The files with tests of *definition* that there are."""
    name = f"{definition.stem}{TEST}"
    places = (definition.with_name(name), definition.parent / _FOLDER / name)
    return [each for each in places if each.is_file()]


def definition_of(test: Path) -> Path:
    """The workflow file that *test* is about, whether or not it is there."""
    folder = test.absolute().parent
    name = test.name.removesuffix(TEST) + ".yaml"
    beside = test.with_name(name)
    return beside if beside.is_file() or folder.name != _FOLDER else test.parent.parent / name
