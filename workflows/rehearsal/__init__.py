"""Rehearsals: a workflow's tests, performed by the real engine in virtual time.

clock.py       time that leaps to when something is due next, and a loop that lives by it
queue.py       the work to be done, in the place of the durable queue
case.py        what a test file says, as values
case_file.py   from a test's YAML file to its cases, or to all that is wrong with it
asked.py       what is asked for, by whom, and under which gate, read from a file
answers.py     what actions answer, read from a file
expected.py    what is expected, read from a file
script.py      a connector that answers as a case says
people.py      who acts, and when
store.py       the real store, with somebody who watches what commits
stage.py       the engine with everything around it, and one case performed on it
played.py      what came of a case
verdict.py     whether what happened is what was expected
coverage.py    what of a workflow the cases have reached
rehearse.py    all tests of some files, one after the other
report.py      how they are told in a terminal
"""
