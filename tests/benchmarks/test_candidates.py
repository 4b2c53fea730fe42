"""The candidates of a workload do the same: equal values on the tiny inputs."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    names = ("compare", "fresh", "losses", "retrieval", "workload")
    return SimpleNamespace(**{name: importlib.import_module(name) for name in names})


@pytest.mark.parametrize("name", ["losses", "retrieval"])
def test_all_candidates_of_the_tiny_workloads_agree(bench, name):
    study = getattr(bench, name).STUDY
    tiny = [w for w in study.workloads if w.tiny]
    assert len(tiny) == {"losses": 8, "retrieval": 1}[name]
    for workload in tiny:
        found = {}
        for candidate in workload.candidates:
            job = study.prepare(workload, candidate)
            job.warm_up()
            found[candidate] = [{"values": job.values(job.call())}]
            job.call()  # a second call starts from no gradient
        assert bench.workload.disagreements(workload, found) == []
        assert set(workload.tolerances) <= set(found["simlearn"][0]["values"])
        if workload.differs:
            alike = bench.workload.Workload(**{**vars(workload), "differs": {}})
            assert bench.workload.disagreements(alike, found) != []


def test_inputs_are_unit_vectors_from_the_seed(bench):
    z, y = bench.losses.clustered(32, 4)
    again, _ = bench.losses.clustered(32, 4)
    assert z.shape == (32, 128) and z.norm(dim=1).sub(1).abs().max() < 1e-6
    assert y.bincount().tolist() == [4] * 8
    assert z.equal(again)
    z, y = bench.retrieval.clustered(30, 4, 1.0)
    assert z.norm(dim=1).sub(1).abs().max() < 1e-6 and y.bincount().tolist() == [8, 8, 7, 7]


def test_unequal_classes_in_numpy_as_in_ours(bench):
    z, y = bench.retrieval.clustered(50, 3, 3.0)
    y[:9] = 0
    assert bench.retrieval.by_sklearn(z, y) == pytest.approx(bench.retrieval.by_simlearn(z, y))


def test_a_child_measures_for_its_parent(bench, tmp_path):
    start = bench.compare.starter(
        bench.losses.STUDY, bench.compare.Settings(1, 1, 10.0, bench.fresh.Limits())
    )
    (tiny,) = (w for w in bench.losses.STUDY.workloads if w.name == "contrastive B=64 K=4")
    found = start(tiny, "torch")
    assert found["outcome"] == "measured" and len(found["seconds"]) == 1
    assert found["values"]["loss"] > 0
