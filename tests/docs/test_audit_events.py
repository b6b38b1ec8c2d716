"""The event that the reference shows is one, and is read as the page says."""

import json
from pathlib import Path
import re

from domain.audit import Entry
from workflows.replay import replay

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "audit-events.md"


def test_the_event_that_is_shown_can_be_replayed():
    [shown] = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    before = json.loads(shown)
    del before["data"]["became"]
    entries = [
        Entry(seq=seq, text=text, prev_hash="", hash="", mac="")
        for seq, text in enumerate((json.dumps(before), shown), start=12)
    ]

    [moment] = replay(entries)

    assert [each.seq for each in moment.events] == [12, 13]
    assert moment.changes == ("previous succeeded", "switch running")
    assert moment.steps["previous"]["output"] == {"version": "v1.0.0"}
