"""How the documentation is written: links lead somewhere, and a line holds one sentence."""

from collections.abc import Iterator
from pathlib import Path
import re

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"],
    key=lambda page: page.relative_to(ROOT).as_posix(),
)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s#]+)(?:#[^)]*)?\)")
_TWO_SENTENCES = re.compile(r"[a-z`)*][.!?] +[A-Z]")
_ABBREVIATIONS = re.compile(r"e\.g\.|i\.e\.|vs\.")


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """The numbered lines of *page* that are no code, no table and no heading."""
    is_code = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code and not line.startswith(("|", "#", "<!--")):
            yield number, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_line_holds_one_sentence(page):
    crowded = [
        f"{page.name}:{number}: {line}"
        for number, line in prose(page)
        if _TWO_SENTENCES.search(_ABBREVIATIONS.sub("", line))
    ]

    assert crowded == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    targets = [
        match["target"]
        for _, line in prose(page)
        for match in _LINK.finditer(line)
        if not match["target"].startswith(("https://", "http://"))
    ]

    assert [target for target in targets if not (page.parent / target).exists()] == []
