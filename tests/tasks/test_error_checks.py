"""What is refused before and after the asking."""

from __future__ import annotations

import pytest

from simlearn.analysis.errorradar.endpoint import Failure
from simlearn.analysis.errors import AnalysisError
from simlearn.data.errors import DataError
from simlearn.tasks.error_scoring import Usage
from simlearn.tasks.error_steps import check_holes, check_missing, check_types
from simlearn.tasks.run_context import RunContext
from tests.tasks.wrong_steps import Kept, data_of, record, records, reply_to, results_of


def failure(number):
    return Failure(f"{number:064x}", f"p{number}", "joint", "", "timed out.")


def test_too_many_types_are_told_before_anything_is_asked():
    some = [record(i, problem_type=f"type {i}") for i in range(64)]
    check_types(data_of([*some, record(64, problem_type="")]))
    with pytest.raises(DataError, match="65 different values of problem_type .such as 'one more'"):
        check_types(data_of([*some, record(64, problem_type="one more")]))


def test_missing_replies(tmp_path):
    run = RunContext(recipe="r", card={}, config="", run_dir=tmp_path, seed=0)
    check_missing([], 10, 0.0, run)
    assert (tmp_path / "failures.jsonl").read_text() == ""
    check_missing([failure(1)], 10, 0.1, run)
    with pytest.raises(AnalysisError) as caught:
        check_missing([failure(1), failure(2)], 10, 0.1, run)
    told = str(caught.value)
    assert told.startswith(
        "2 of 10 requests got no reply; the first, about 'p1': timed out. All are listed in "
    )
    assert f"resume={tmp_path}" in told
    assert len((tmp_path / "failures.jsonl").read_text().splitlines()) == 2


def kept_for(n):
    """A store with so many replies."""
    store = Kept()
    for number in range(n):
        store.append(reply_to(failure(number), "Step 1"))
    return store


def test_replies_that_fit_no_prompt():
    results = results_of(records(4), [])
    results.usage = Usage(replies=3, missing=1)
    check_holes(results, kept_for(3), [failure(1)])
    assert results.notes == []
    check_holes(results, kept_for(5), [failure(1)])  # of other prompts, before a change
    assert results.notes[0].startswith("2 kept replies belong to prompts that are no longer made")
    with pytest.raises(AnalysisError, match="1 replies fit no prompt any more"):
        check_holes(results, kept_for(3), [])


def test_masked_replies_count_too():
    results = results_of(records(4), [])
    results.usage, results.masked_usage = Usage(replies=3), Usage(replies=6, missing=1)
    check_holes(results, kept_for(9), [failure(1)])
    assert results.notes == []
