"""Split MNIST: equal trials, names of runs, packed results, omegas and verdicts."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from simlearn.config.compose import compose
from simlearn.runner import targets

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    names = ("incremental", "incremental_settings", "readme_incremental")
    return SimpleNamespace(**{name: importlib.import_module(name) for name in names})


def test_every_strategy_has_the_same_number_of_trials(bench):
    settings = bench.incremental_settings
    assert settings.TUNING_SEED not in settings.SEEDS
    for name in settings.STRATEGIES:
        assert len(set(settings.trials(name))) == len(settings.trials(name)) == 4


def test_every_trial_is_a_configuration_and_measures_validation_images(bench):
    settings, seen = bench.incremental_settings, set()
    for name in settings.STRATEGIES:
        for values, rate in settings.trials(name):
            job = bench.incremental.tuning_job(name, values, rate, Path("x"))
            config = compose(job.command, targets()).config
            assert config.evaluation.split == "val" and config.data.val_per_class > 0
            assert config.seed == settings.TUNING_SEED and config.optimizer.lr == rate
            seen.add(job.name)
    assert len(seen) == 4 * len(settings.STRATEGIES)


def test_reported_runs_differ_in_strategy_and_its_values_alone(bench):
    settings, base = bench.incremental_settings, None
    for name in settings.STRATEGIES:
        values, rate = settings.trials(name)[0]
        config = compose(
            bench.incremental.report_job(name, 0, values, rate, Path("x")).command, targets()
        ).config
        shared = {k: config[k] for k in ("data", "backbone", "head", "sampler", "optimizer")}
        assert config.evaluation.split == "test" and config.data.train_per_class == 2000
        base = base or shared
        assert shared == base


@pytest.mark.parametrize("right", [[True], [False, True, True, False, False], [False] * 9])
def test_results_are_packed_and_unpacked(bench, right):
    text = bench.incremental.packed(right)
    assert len(text) == -(-len(right) // 4)
    assert bench.incremental.unpacked(text, len(right)) == right


def test_the_best_trial_is_chosen_and_of_equal_ones_the_first(bench):
    rows = [
        {"strategy": s, "values": v, "rate": 1e-3, "test": {"ncm_all": a}}
        for s, v, a in (("a", "x", 0.5), ("a", "y", 0.7), ("a", "z", 0.7), ("b", "w", 0.1))
    ]
    assert bench.incremental.choose(rows) == {"a": ("y", 1e-3), "b": ("w", 1e-3)}


def test_omegas_and_verdicts(bench):
    def row(strategy, seed, right):
        return {
            "strategy": strategy,
            "seed": seed,
            "accuracy_matrix": [[0.8, None], [0.4 if strategy == "vae" else 0.8, 0.9]],
            "experiences": [{"counts": [5]}, {"counts": [5, 5]}],
            "test": {},
            "right": bench.incremental.packed(right),
            "images": len(right),
        }

    good, bad = [True] * 38 + [False] * 2, [False] * 30 + [True] * 10
    names = ("joint", "vae", "icarl", "ewc", "ebll")
    rows = [row(n, s, bad if n == "ewc" else good) for n in names for s in (0, 1, 2)]
    bench.incremental.add_omegas(rows)
    vae = next(r for r in rows if r["strategy"] == "vae")["test"]
    assert vae["omega_base_of_base"] == pytest.approx(0.4 / 0.8)
    assert vae["omega_all_per_experience"] == pytest.approx(0.65 / 0.85)
    found = {c["claim"].split()[-1]: c["verdict"] for c in bench.incremental.verdicts(rows)}
    assert found == {"icarl": "undecided", "ewc": "seen", "ebll": "undecided"}


def test_words_of_the_tables(bench):
    page = bench.readme_incremental
    assert page.share([0.9, 0.95, 0.94]) == "93.0 [90.0, 95.0]"
    assert [page.size([n, 1.0]) for n in (512, 2_560, 6_260_000)] == ["512 B", "2.56 kB", "6.26 MB"]
