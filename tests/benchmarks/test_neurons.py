"""The benchmark of neuron statistics: all contenders give the same, other values are refused."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.analysis.naive_miner import raw_scores, squeeze

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    names = ("neurons", "neurons_setup", "neurons_statistics", "neurons_formulas", "neurons_memory")
    return SimpleNamespace(
        **{n.removeprefix("neurons_"): importlib.import_module(n) for n in names}
    )


def quick_batches(bench, dtype=torch.float32):
    size = bench.setup.SIZES["quick"]
    return bench.setup.build_adapter(size, dtype), bench.neurons.QUICK.batches(dtype)


def test_rows_are_padded_left_and_alone_without_padding(bench):
    size = bench.setup.SIZES["quick"]
    batch = bench.setup.draw_batch(size, [2, 5], seed=0)
    assert batch["attention_mask"].sum(1).tolist() == [1 + 4 + 2, 1 + 4 + 5]
    codes = bench.setup.codes_of(batch, size.vocab - 1).tolist()
    assert codes == [[0] * 3 + [2] + [3] * 4 + [1] * 2, [2] + [3] * 4 + [1] * 5]
    adapter = bench.setup.build_adapter(size)
    assert adapter.token_modality(batch).codes.tolist() == codes
    first, second = bench.setup.single_rows(batch)
    assert first["input_ids"].tolist() == [batch["input_ids"][0, 3:].tolist()]
    assert first["position_ids"].tolist() == [list(range(7))]
    assert second["pixel_values"].equal(batch["pixel_values"][1:])


def test_statistics_agree_and_others_are_refused(bench):
    adapter, batches = quick_batches(bench)
    ours = bench.statistics.simlearn(adapter, batches)
    theirs = bench.statistics.cached(adapter, batches)
    assert bench.statistics.largest_difference(ours, theirs) < 1e-6
    assert not any(layer.mlp.act_fn._forward_hooks for layer in adapter.decoder.layers)
    other = {k: v.clone() for k, v in theirs.items()}
    other["sum"][0, 1, 2] += 1e-4 * other["sum"][0, 1].abs().max()
    with pytest.raises(ValueError, match="sums or maxima differ by 0.0001, allowed 1e-06"):
        bench.statistics.largest_difference(other, theirs)
    other = {**theirs, "pos": theirs["pos"] + 1}
    with pytest.raises(ValueError, match="counts 'pos' differ"):
        bench.statistics.largest_difference(other, theirs)


def test_formulas_agree_at_both_batch_sizes_and_the_kernel_is_put_back(bench):
    worst = bench.neurons.compare_in_float64(bench.neurons.QUICK)
    assert set(worst) == {"formulas_batch_1", "formulas_our_batch"}
    assert all(value < 1e-6 for found in worst.values() for value in found.values())
    adapter, batches = quick_batches(bench)
    found = bench.formulas.formulas(adapter, batches)
    assert adapter.decoder.config._attn_implementation == "sdpa"
    ours = bench.formulas.simlearn(adapter, batches)
    assert bench.formulas.rounding(found, ours)["share_of_selected_neurons"] > 0.5
    with pytest.raises(ValueError, match="scores differ by 0.01"):
        bench.formulas.differences({**found, "scores": found["scores"] + 0.01}, found)
    with pytest.raises(ValueError, match="other neurons are selected"):
        bench.formulas.differences({**found, "chosen": ~found["chosen"]}, found)


def test_printed_formulas_are_those_of_the_plain_loops(bench):
    g = torch.Generator().manual_seed(0)
    x = torch.randn(6, 9, generator=g, dtype=torch.float64)
    a = torch.randn(6, 6, generator=g, dtype=torch.float64).softmax(1)
    inside = torch.tensor([0, 1, 1, 0, 1, 1], dtype=torch.bool)
    found = bench.formulas.scores_of_modality(x[inside], a[inside][:, inside])
    wanted = raw_scores(x.tolist(), inside.tolist(), a.tolist())
    for row, values in zip(found.tolist(), wanted, strict=True):
        assert row == pytest.approx(squeeze(values), abs=1e-12)


def test_calls_take_turns_and_ratios_are_of_the_same_repeat(bench):
    order = []
    calls = {name: lambda name=name: order.append(name) for name in "ab"}
    seconds = bench.neurons.interleaved(calls, 3)
    assert order == list("abbaab") and [len(s) for s in seconds.values()] == [3, 3]
    ratios = bench.neurons.ratios_of({"a": [2.0, 9.0], "b": [1.0, 3.0]}, {"a / b": ("a", "b")})
    assert ratios == {"a / b": [2.0, 3.0]}


def test_memory_and_what_was_promised(bench, monkeypatch):
    peaks = {
        ("quick", "bare", 4): 100.0,
        ("quick", "simlearn", 4): 104.0,
        ("quick", "cached", 4): 200.0,
        ("quick", "bare", 8): 50.0,
        ("quick", "bare", 32): 51.0,
        ("quick", "simlearn_scores", 8): 60.0,
        ("quick", "simlearn_scores", 32): 64.0,
        ("quick", "cached", 8): 90.0,
    }
    told = lambda script, load, name, samples, threads: peaks[load, name, samples]  # noqa: E731
    monkeypatch.setattr(bench.memory, "peak", told)
    memory = bench.memory.measure_memory(Path("unused"), 1, quick=True)
    assert memory["S1_simlearn_over_bare"] == 1.04
    assert memory["growth_mib"] == 3.0
    assert memory["extra_mib"] == {"cached": 40.0, "simlearn": 10.0}
    assert memory["cached_over_simlearn"] == 4.0
    s1 = {"median_ratio": {"simlearn / bare": 1.02, "simlearn / with_logits": 1.01}}
    formulas = {"small": {"median_ratio": {"formulas_batch_1 / simlearn": 3.0}}}
    rows = bench.neurons.targets_of(
        {"statistics": {"S1": s1}, "formulas": formulas, "memory": memory}
    )
    assert [row["pass"] for row in rows] == [True, False, True, False, True]
    assert rows[0]["at_most"] == 1.05 and rows[-1]["at_least"] == 3.0
