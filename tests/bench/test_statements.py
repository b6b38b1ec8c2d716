"""What a run asks of the database; each statement is paid for with every step of every run."""

from bench.statements import main


def test_a_step_takes_one_commit_and_seven_statements():
    a_step, commits, *_ = main()

    assert (a_step.value, commits.value) == (7, 1)
