"""From symptoms to looks, and from answers to findings."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cards.diagnosis import Verdict
from dialogs.diagnose import LOOKS, SYMPTOMS, complaint, findings, looks, remedies

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
LONG_AGO = (NOW - timedelta(hours=3)).isoformat().replace("+00:00", "Z")
WELL: dict[str, Any] = {
    "supervisor.status@1": {"state": "running", "since": LONG_AGO, "description": "pid 7"},
    "releases.probe@1": {
        "is_good": True,
        "http_status": 200,
        "status": "ok",
        "version": "v1.1.0",
        "milliseconds": 12,
    },
    "releases.current@1": {"version": "v1.1.0", "commit": "0123456789abcdef"},
    "supervisor.logs@1": {"lines": ["all is well", "still well"]},
}


def verdicts(**changes: Any) -> dict[str, tuple[Verdict, tuple[str, ...]]]:
    answers = {**WELL, **{name.replace("__", ".") + "@1": v for name, v in changes.items()}}
    return {each.title: (each.verdict, each.remedies) for each in findings(LOOKS, answers, NOW)}


def test_of_what_is_well_there_is_nothing_to_remedy():
    found = findings(LOOKS, WELL, NOW)

    assert {each.verdict for each in found} == {Verdict.WELL}
    assert remedies(found) == ()


@pytest.mark.parametrize(
    ("changes", "title", "verdict", "first"),
    [
        ({"supervisor__status": {"state": "fatal"}}, "Process", Verdict.ILL, "restart"),
        (
            {"supervisor__status": {"state": "running", "since": NOW.isoformat()}},
            "Process",
            Verdict.DOUBTFUL,
            "logs",
        ),
        (
            {"releases__probe": {"fault": "does not answer"}},
            "Health check",
            Verdict.ILL,
            "restart",
        ),
        (
            {"releases__probe": {"http_status": 503, "status": "failing", "version": "v1.2.0"}},
            "Health check",
            Verdict.ILL,
            "rollback",
        ),
        (
            {"releases__probe": {**WELL["releases.probe@1"], "milliseconds": 900}},
            "Health check",
            Verdict.DOUBTFUL,
            "restart",
        ),
        (
            {"releases__probe": {**WELL["releases.probe@1"], "version": "v1.0.0"}},
            "Version",
            Verdict.ILL,
            "restart",
        ),
        (
            {"supervisor__logs": {"lines": ["Traceback (most recent call last):"]}},
            "Log",
            Verdict.DOUBTFUL,
            "logs",
        ),
    ],
)
def test_what_is_not_well_is_found_and_names_what_may_help(changes, title, verdict, first):
    found = verdicts(**changes)[title]

    assert found[0] is verdict
    assert found[1][0] == first


def test_words_in_a_log_that_only_look_like_trouble_are_none():
    assert verdicts(supervisor__logs={"lines": ["terrors of the deep", "0 errored"]})["Log"] == (
        Verdict.WELL,
        (),
    )


def test_what_was_not_answered_is_not_known():
    found = findings(LOOKS, {"supervisor.status@1": "supervisord did not answer."}, NOW)

    assert {each.verdict for each in found} == {Verdict.UNKNOWN}
    assert found[0].sentence == "supervisord did not answer."


def test_every_symptom_calls_for_a_look_and_none_for_all():
    assert looks([]) == LOOKS
    for each in SYMPTOMS:
        assert looks([each])
        assert complaint([each]).startswith("Somebody says that it ")
    assert {each for look in LOOKS for each in look.symptoms} <= SYMPTOMS.keys()
