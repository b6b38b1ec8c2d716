"""Writes the approved files anew: `python -m tests.cards.approve`. Read the diff afterwards."""

import json
from pathlib import Path
from typing import Any

from tests.cards.states import CARDS

APPROVED = Path(__file__).parent / "approved"


def text(card: dict[str, Any]) -> str:
    """*card* as it stands in its file."""
    return json.dumps(card, ensure_ascii=False, indent=2) + "\n"


def main() -> None:
    """Write every card, and remove what is no card any more."""
    APPROVED.mkdir(exist_ok=True)
    for file in APPROVED.glob("*.json"):
        if file.stem not in CARDS:
            file.unlink()
    for name, card in CARDS.items():
        (APPROVED / f"{name}.json").write_text(text(card()))


if __name__ == "__main__":
    main()
