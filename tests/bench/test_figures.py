"""Figures of the benchmarks: how they are computed, shown and written."""

import json

from hypothesis import given
from hypothesis import strategies as st
import pytest

from bench.figures import Figure, percentile, table, write

OURS = Figure("whoami CPU", 2.0, "ms", "stock", 8.0)
ALONE = Figure("audit entry", 451.23456, "µs")


@pytest.mark.parametrize(
    ("percent", "expected"),
    [(0, 1.0), (1, 1.0), (50, 50.0), (51, 51.0), (99, 99.0), (100, 100.0)],
)
def test_a_percentile_is_one_of_the_values(percent, expected):
    assert percentile([float(number) for number in range(100, 0, -1)], percent) == expected


def test_of_few_values_a_high_percentile_is_the_largest():
    assert percentile([3.0, 1.0, 2.0], 99) == 3.0
    assert percentile([7.0], 50) == 7.0


@given(values=st.lists(st.floats(0, 1e6), min_size=1, max_size=50), percent=st.integers(1, 100))
def test_a_percentile_leaves_no_more_than_its_share_above_it(values, percent):
    found = percentile(values, percent)

    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)


def test_the_ratio_is_the_value_as_a_part_of_the_baseline():
    assert OURS.ratio == 0.25
    assert ALONE.ratio is None


def test_the_table_has_a_line_for_each_figure():
    assert table([OURS, ALONE]).splitlines() == [
        "             value   unit  baseline  its value  ratio",
        "whoami CPU   2.00    ms    stock     8.00       0.25",
        "audit entry  451.23  µs",
    ]


def test_a_table_without_baselines_has_no_columns_for_them():
    assert table([ALONE]).splitlines() == [
        "             value   unit",
        "audit entry  451.23  µs",
    ]


def test_the_results_are_written_as_json(tmp_path):
    write([OURS, ALONE], tmp_path / "results.json")

    assert json.loads((tmp_path / "results.json").read_text()) == [
        {
            "name": "whoami CPU",
            "value": 2.0,
            "unit": "ms",
            "baseline": "stock",
            "baseline_value": 8.0,
            "ratio": 0.25,
        },
        {
            "name": "audit entry",
            "value": 451.2346,
            "unit": "µs",
            "baseline": "",
            "baseline_value": None,
            "ratio": None,
        },
    ]
