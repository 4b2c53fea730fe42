import json
import subprocess
import sys
import textwrap

import pytest
import torch

from simlearn.analysis import shards as module
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.layer_sums import layer_sums
from simlearn.analysis.sample_record import SampleRecord
from simlearn.analysis.sample_scores import SampleScores
from simlearn.analysis.shards import StatisticsStore
from simlearn.analysis.stats import ActivationStats

NAMES = ("text", "image")
FACTS = {"model": "abc"}


def empty():
    return {
        "stats": ActivationStats.zeros(NAMES, 2, 5),
        "scores": SampleScores(["vqa"], NAMES, 2, 5),
    }


def take_in(accumulators, number):
    """One batch of two samples, a function of its number."""
    g = torch.Generator().manual_seed(number)
    x = torch.randn(2, 6, 5, generator=g, dtype=torch.float64)
    onehot = torch.rand(2, 2, 6, generator=g) > 0.5
    for layer in range(2):
        sums = layer_sums(x + layer, onehot, onehot.double(), onehot.double())
        for accumulator in accumulators.values():
            accumulator.add(layer, sums)


def samples(number):
    return [SampleRecord(f"{number}-{i}", "vqa", {"text": number}) for i in range(2)]


def run(folder, numbers, **how):
    accumulators = empty()
    store = StatisticsStore(folder, accumulators, facts=FACTS, **{"every": 2, **how})
    for number in numbers:
        if samples(number)[0].key in store.done:
            continue
        take_in(accumulators, number)
        store.record(samples(number))
    return store


def straight(numbers):
    accumulators = empty()
    for number in numbers:
        take_in(accumulators, number)
    return accumulators


def same(found, expected):
    one, two = found["stats"], expected["stats"]
    for name in ("count", "pos", "max"):
        assert torch.equal(getattr(one, name), getattr(two, name)), name
    for name in ("sum", "wsum"):
        assert torch.allclose(getattr(one, name), getattr(two, name), 0, 1e-12)
    assert torch.equal(found["scores"].samples, expected["scores"].samples)
    assert torch.allclose(found["scores"].total, expected["scores"].total, 0, 1e-12)
    return True


def lines(folder):
    return [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]


def test_a_run_equals_plain_accumulators_and_leaves_whole_shards(tmp_path):
    store = run(tmp_path, range(5))
    assert len(lines(tmp_path)) == 8
    assert same(store.finish(), straight(range(5)))
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["samples.jsonl", *(f"shard-0-{i:06d}.safetensors" for i in range(3))]
    assert lines(tmp_path)[3] == {"id": "1-1", "dataset": "vqa", "tokens": {"text": 1}}
    assert same(run(tmp_path, range(5)).finish(), straight(range(5)))
    assert len(list(tmp_path.iterdir())) == 4
    assert same(run(tmp_path, range(7), every=1).finish(), straight(range(7)))
    assert len(lines(tmp_path)) == 14


def test_shards_of_several_processes_and_another_number_of_them_later(tmp_path):
    first, second = run(tmp_path, (0, 1, 2), rank=0), run(tmp_path, (3, 4, 5), rank=1)
    first.flush()
    second.flush()
    again = run(tmp_path, range(8))
    assert len(again.done) == 12
    assert same(again.finish(), straight(range(8)))


def test_under_inference_mode_as_in_predict(tmp_path):
    with torch.inference_mode():
        store = run(tmp_path, range(3), every=1)
    assert same(store.finish(), straight(range(3)))
    take_in(store.accumulators, 3)
    assert same(store.accumulators, straight(range(4)))


KILL = """
    import os, sys
    from pathlib import Path
    from simlearn.analysis import shards
    from tests.analysis.test_shards import run

    where = sys.argv[2]
    real = shards.write_tensors
    written = []

    def write(path, *args, **more):
        written.append(path)
        if where == "before" and len(written) == 2:
            Path(path).with_name(f".{Path(path).name}.12.tmp").write_bytes(b"half")
            os._exit(9)
        real(path, *args, **more)

    shards.write_tensors = write
    append = shards.StatisticsStore._append

    def say(self, records):
        if where == "after" and len(written) == 2:
            os._exit(9)
        append(self, records)

    shards.StatisticsStore._append = say
    run(Path(sys.argv[1]), range(9))
"""


def test_killed_and_resumed_equals_uninterrupted(tmp_path):
    code = textwrap.dedent(KILL)
    folders = {tmp_path / "before": 4, tmp_path / "after": 8}
    runs = [subprocess.Popen([sys.executable, "-c", code, str(f), f.name]) for f in folders]
    assert [process.wait(timeout=110) for process in runs] == [9, 9]
    for folder, done in folders.items():
        assert len(lines(folder)) == 4  # of the first shard; the second is there or not
        store = run(folder, ())
        assert len(store.done) == done == len(lines(folder))
        assert not list(folder.glob(".*"))
        assert same(run(folder, range(9)).finish(), straight(range(9)))
        assert sorted(line["id"] for line in lines(folder)) == sorted(
            f"{n}-{i}" for n in range(9) for i in range(2)
        )


def test_a_failed_write_keeps_what_was_taken_in(tmp_path, monkeypatch):
    store = run(tmp_path, range(3))

    def full(*args, **more):
        raise AnalysisError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_tensors", full)
        with pytest.raises(AnalysisError, match="disk full"):
            store.flush()
    assert same(store.finish(), straight(range(3)))


def test_no_line_for_people_costs_no_sample(tmp_path, monkeypatch):
    store = run(tmp_path, range(3))

    def full(self, records):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(StatisticsStore, "_append", full)
        with pytest.raises(OSError, match="disk full"):
            store.flush()
    assert same(store.finish(), straight(range(3)))
    assert len(lines(tmp_path)) == 6


def test_a_sample_is_counted_once(tmp_path):
    store = run(tmp_path, range(2))
    with pytest.raises(AnalysisError, match="'1-0' of 'vqa' would be counted twice"):
        store.record(samples(1))
    twin = tmp_path / "shard-1-000000.safetensors"
    twin.write_bytes((tmp_path / "shard-0-000000.safetensors").read_bytes())
    with pytest.raises(AnalysisError, match="is in shard-0-000000.* and in shard-1-000000"):
        run(tmp_path, ())


def test_shards_of_something_else_and_damaged_ones_are_refused(tmp_path):
    run(tmp_path, range(2))
    with pytest.raises(
        AnalysisError, match=r"made with .*'abc'.* this run has .*'other'.* another"
    ):
        StatisticsStore(tmp_path, empty(), facts={"model": "other"})
    with pytest.raises(
        AnalysisError, match=r"holds \['scores', 'stats'\], this run has \['stats'\]"
    ):
        StatisticsStore(tmp_path, {"stats": empty()["stats"]}, facts=FACTS)
    with pytest.raises(ValueError, match="every is 0"):
        StatisticsStore(tmp_path, empty(), facts=FACTS, every=0)
    path = tmp_path / "shard-0-000000.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(AnalysisError, match="shard-0-000000"):
        run(tmp_path, ())
    (tmp_path / "file").write_text("")
    with pytest.raises(AnalysisError, match="file: cannot be made"):
        StatisticsStore(tmp_path / "file", empty())


def test_nothing_recorded_writes_nothing(tmp_path):
    assert same(run(tmp_path / "new", ()).finish(), empty())
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["samples.jsonl"]
