"""Drawn problems as a data option: facts, fingerprints, second openings, changed files."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from simlearn.analysis.errorradar.problems import GENERATOR_VERSION
from simlearn.analysis.errorradar.synthetic_problems import SyntheticProblems
from simlearn.data.errors import DataError


def test_problems_are_drawn_once_and_read(tmp_path):
    calls = []
    source = SyntheticProblems(n=10, seed=2, shares="uniform")
    data = source.open(tmp_path, report=lambda *told: calls.append(told))
    assert calls == [("drawing problems", k, 10) for k in range(1, 11)]
    records = list(data.records())
    assert data.n == len(records) == 10 and data.notes == ()
    assert dict(data.facts) == {
        "data": "error_problems",
        "generator_version": GENERATOR_VERSION,
        "n": 10,
        "seed": 2,
        "shares": "uniform",
    }
    assert set(Counter(r.error_category for r in records).values()) == {2}
    folder = tmp_path / "problems"
    rows = [json.loads(line) for line in (folder / "problems.jsonl").open(encoding="utf-8")]
    for record, row in zip(records, rows, strict=True):
        assert (record.id, list(record.steps)) == (row["id"], row["steps"])
        assert record.error_step == row["error_step"] > 0
        assert record.image == folder / row["image"] and record.image.is_file()
    again = source.open(tmp_path, report=lambda *told: calls.append(told))
    assert len(calls) == 10 and again.fingerprint == data.fingerprint
    assert len(data.fingerprint) == 16 and list(again.records()) == records


def test_root_and_other_settings(tmp_path):
    root = tmp_path / "mine"
    one = SyntheticProblems(n=2, root=root).open(tmp_path / "run")
    assert (root / "problems.jsonl").is_file() and not (tmp_path / "run").exists()
    with pytest.raises(DataError, match=r"n 2, seed 0.*n 2, seed 1"):
        SyntheticProblems(n=2, seed=1, root=root).open(tmp_path / "run")
    other = SyntheticProblems(n=2, seed=1).open(tmp_path / "run")
    assert one.fingerprint != other.fingerprint


def test_few(tmp_path):
    source = SyntheticProblems(n=6, root=tmp_path / "all")
    assert source.few(6) is source and source.few(100) is source
    few = source.few(2)
    assert (few.n, few.root, few.seed) == (2, None, 0)
    assert few.open(tmp_path).n == 2
    with pytest.raises(ValueError, match=r"data\.n is 0"):
        source.few(0)


def test_a_changed_file_is_refused(tmp_path):
    source = SyntheticProblems(n=2)
    source.open(tmp_path)
    path = tmp_path / "problems" / "problems.jsonl"
    path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    with pytest.raises(DataError, match="holds 1 problems and 2 were drawn"):
        source.open(tmp_path)


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"data\.n is -3"):
        SyntheticProblems(n=-3)
    with pytest.raises(ValueError, match=r"data\.shares is 'papers'"):
        SyntheticProblems(shares="papers")
