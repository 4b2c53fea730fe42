"""Rounds in turn, values before times, resumption, and ratios of the rows."""

from __future__ import annotations

import importlib
import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    names = ("compare", "fresh", "losses", "readme", "retrieval", "rows", "workload")
    return SimpleNamespace(**{name: importlib.import_module(name) for name in names})


def workload_of(bench, **changes):
    settings = {
        "name": "work B=8",
        "shape": {"B": 8},
        "candidates": ("simlearn", "pml", "other"),
        "tolerances": {"loss": bench.workload.Tolerance(relative=0.01)},
        **changes,
    }
    return bench.workload.Workload(**settings)


def entry(seconds=(1.0,), peak=2**20, loss=1.0):
    return {
        "outcome": "measured",
        "seconds": list(seconds),
        "first_seconds": 1.0,
        "warm": True,
        "peak_bytes": peak,
        "before_bytes": 0,
        "peak_source": "VmHWM",
        "values": {"loss": loss},
        "wall_seconds": 2.0,
    }


def run(bench, tmp_path, workload, answers, rounds=3):
    """Run a workload, ``answers(candidate)`` its entries: who was started, what went wrong."""
    partial = bench.compare.Partial(tmp_path / "x.json.partial", "mark")
    started = []

    def start(chosen, candidate):
        started.append(candidate)
        return answers(candidate)

    problems = bench.compare.run_workload(workload, partial, rounds, start, lambda *told: None)
    return started, problems, partial


def test_tolerance_never_accepts_what_is_not_finite(bench):
    tolerance = bench.workload.Tolerance(relative=0.1, absolute=0.5)
    assert tolerance.holds(10.0, 11.5) and tolerance.holds(-10.0, -11.5)
    assert not tolerance.holds(10.0, 11.6)
    for bad in (math.nan, math.inf):
        assert not tolerance.holds(bad, 1.0) and not tolerance.holds(1.0, bad)
        assert not tolerance.holds(bad, bad)


def test_choosing(bench):
    one, two = workload_of(bench, name="a B=64", tiny=True), workload_of(bench, name="a B=256")
    choose = bench.workload.choose
    assert choose([one, two], None) == [two]
    assert choose([one, two], "a") == [two]
    assert choose([one, two], "B=64") == [one]
    with pytest.raises(ValueError, match="--only 'c' is in no workload; there are: a B=64, a B=2"):
        choose([one, two], "c")


def test_names_of_the_studies_are_unique_and_tiny_ones_separate(bench):
    for study, tiny in ((bench.losses.STUDY, "B=64"), (bench.retrieval.STUDY, "N=64")):
        names = [w.name for w in study.workloads]
        assert len(set(names)) == len(names) >= 7
        assert all(w.tiny for w in bench.workload.choose(study.workloads, tiny))
        assert not any(w.tiny for w in bench.workload.choose(study.workloads, None))


def test_candidates_take_turns_forwards_and_backwards(bench, tmp_path):
    started, problems, _ = run(bench, tmp_path, workload_of(bench), lambda c: entry())
    turn = ["simlearn", "pml", "other"]
    assert started == turn + turn[::-1] + turn
    assert problems == []


def test_a_candidate_over_a_limit_is_not_started_again(bench, tmp_path):
    over = {"outcome": "over 60 s", "wall_seconds": 65.0}
    started, problems, _ = run(
        bench, tmp_path, workload_of(bench), lambda c: over if c == "pml" else entry()
    )
    assert started.count("pml") == 1 and started.count("other") == 3
    assert problems == []


def test_values_that_disagree_end_the_workload_after_its_round(bench, tmp_path):
    started, problems, _ = run(
        bench, tmp_path, workload_of(bench), lambda c: entry(loss=1.02 if c == "other" else 1.0)
    )
    assert started == ["simlearn", "pml", "other"]
    assert problems == [
        "work B=8: loss is 1 by simlearn and 1.02 by other, tolerance 0.01 relative + 0"
    ]


def test_another_definition_is_not_compared(bench, tmp_path):
    workload = workload_of(bench, differs={"other": "not squared"})
    answers = lambda c: entry(loss=5.0 if c == "other" else 1.0)  # noqa: E731
    assert run(bench, tmp_path, workload, answers)[1] == []


def test_peers_are_compared_where_ours_passed_a_limit(bench):
    over = [{"outcome": "over 8 GB", "wall_seconds": 1.0}]
    found = {"simlearn": over, "pml": [entry(loss=1.0)], "other": [entry(loss=2.0)]}
    (problem,) = bench.workload.disagreements(workload_of(bench), found)
    assert "1 by pml and 2 by other" in problem
    missing = {"simlearn": [entry()], "pml": [{**entry(), "values": {}}]}
    assert "nan by pml" in bench.workload.disagreements(workload_of(bench), missing)[0]


def test_a_failed_process_is_an_error(bench, tmp_path):
    def answers(candidate):
        if candidate == "pml":
            raise bench.fresh.FreshError("exit status 1: out of luck")
        return entry()

    started, problems, partial = run(bench, tmp_path, workload_of(bench), answers)
    assert started == ["simlearn", "pml"]
    assert problems == ["work B=8, pml: exit status 1: out of luck"]
    assert len(partial.entries) == 1


def test_what_was_measured_is_not_measured_again(bench, tmp_path):
    workload = workload_of(bench)
    run(bench, tmp_path, workload, lambda c: entry(), rounds=1)
    assert run(bench, tmp_path, workload, lambda c: entry(), rounds=1)[0] == []
    assert run(bench, tmp_path, workload, lambda c: entry(), rounds=2)[0] == [
        "other",
        "pml",
        "simlearn",
    ]
    other = bench.compare.Partial(tmp_path / "x.json.partial", "another mark")
    assert other.entries == {}
    (tmp_path / "x.json.partial").write_text("{")
    with pytest.raises(ValueError, match=r"x\.json\.partial is no JSON \(.*\): delete it"):
        bench.compare.Partial(tmp_path / "x.json.partial", "mark")


def test_time_left(bench, tmp_path):
    workload = workload_of(bench, candidates=("simlearn", "pml"))
    partial = bench.compare.Partial(tmp_path / "p", "mark")
    forecast = bench.compare.Forecast([(workload, c) for c in workload.candidates], partial, 3)
    assert forecast.left() == (6, None)
    partial.add(workload, "simlearn", {**entry(), "wall_seconds": 2.0})
    assert forecast.left() == (5, 2 * 2.0 + 3 * 2.0)
    partial.add(workload, "pml", {**entry(), "wall_seconds": 10.0})
    assert forecast.left() == (4, 2 * 2.0 + 2 * 10.0)
    partial.add(workload, "pml", {"outcome": "over 60 s", "wall_seconds": 61.0})
    assert forecast.left() == (2, 4.0)


def test_row_with_ratios_and_target(bench):
    ours = [entry([1.0, 3.0, 2.0], 2 << 30), entry([4.0], 1 << 30)]
    slower = [entry([20.0], 8 << 30), entry([12.0], 8 << 30)]
    found = {"simlearn": ours, "pml": slower, "other": [{"outcome": "over 60 s"}]}
    limits = bench.fresh.Limits()
    made = bench.rows.row(workload_of(bench, below_gib=2.5), found, limits)
    pml, other = made["against_simlearn"]["pml"], made["against_simlearn"]["other"]
    assert pml["ratios"] == [10.0, 3.0] and pml["median_ratio"] == 6.5
    assert pml["memory_ratio"] == pytest.approx(8 / 1.5, rel=1e-3)
    assert other == {"outcome": "over 60 s", "at_least": 20.0}
    assert made["candidates"]["simlearn"]["seconds"] == [[1.0, 3.0, 2.0], [4.0]]
    assert made["target"] == {"below_gib": 2.5, "gib": 2.0, "pass": True}
    missed = bench.rows.row(workload_of(bench, below_gib=2.0), found, limits)
    assert missed["target"]["pass"] is False
    assert "pml 16 s, 8192 MiB (6.5x); other over 60 s; below 2.5 GiB: pass" in bench.rows.line(
        made
    )


def test_ours_over_a_limit_misses_its_target(bench):
    found = {"simlearn": [{"outcome": "over 8 GB"}], "pml": [entry()], "other": [entry()]}
    made = bench.rows.row(workload_of(bench, below_gib=2.0), found, bench.fresh.Limits())
    assert made["target"] == {"below_gib": 2.0, "gib": None, "pass": False}
    assert made["against_simlearn"]["pml"] == {"outcome": "simlearn is over 8 GB"}


def test_memory_below_a_mebibyte_counts_as_one(bench):
    ours, peer = bench.rows.describe([entry(peak=0)]), bench.rows.describe([entry(peak=3 << 20)])
    assert bench.rows.against(ours, peer, bench.fresh.Limits())["memory_ratio"] == 3.0


@pytest.fixture
def study(bench, monkeypatch):
    """A study whose processes answer at once."""
    made = bench.compare.Study(
        name="tried",
        what="a try",
        script=BENCHMARKS / "losses.py",
        workloads=(workload_of(bench), workload_of(bench, name="work B=64", tiny=True)),
        prepare=lambda workload, candidate: None,
        peers=("torch", "no-such-distribution"),
    )
    commands = []

    def answer(command, limits, *, environment):
        commands.append((command, limits, environment))
        return entry()

    monkeypatch.setattr(bench.compare, "run_fresh", answer)
    return SimpleNamespace(study=made, commands=commands)


def main(bench, monkeypatch, study, *words):
    monkeypatch.setattr(sys, "argv", ["benchmarks/tried.py", *map(str, words)])
    bench.compare.main(study)


def test_result_file(bench, monkeypatch, study, tmp_path):
    out = tmp_path / "tried.json"
    main(bench, monkeypatch, study.study, "--out", out, "--rounds", 2, "--threads", 1)
    content = json.loads(out.read_text())
    assert content["command"].startswith("python benchmarks/tried.py")
    assert content["rounds"] == 2 and content["settings"]["threads"] == 1
    assert content["settings"]["limits"]["memory_bytes"] == 8e9
    assert content["peers"]["torch"] and content["peers"]["no-such-distribution"] is None
    assert content["environment"]["code"] and content["environment"]["packages"]["torch"]
    assert [made["workload"] for made in content["rows"]] == ["work B=8"]
    assert not (tmp_path / "tried.json.partial").exists()
    command, limits, environment = study.commands[0]
    assert command[-3:] == ["--child", "work B=8", "simlearn"] and limits.call_seconds == 60
    assert environment["OMP_NUM_THREADS"] == "1"
    assert len(study.commands) == 6


def test_values_that_disagree_write_no_result(bench, monkeypatch, study, tmp_path):
    answer = bench.compare.run_fresh

    def wrong(command, limits, *, environment):
        found = answer(command, limits, environment=environment)
        return {**found, "values": {"loss": 1.0 if command[-1] == "simlearn" else 2.0}}

    monkeypatch.setattr(bench.compare, "run_fresh", wrong)
    out = tmp_path / "tried.json"
    with pytest.raises(SystemExit, match="no result file is written:\nwork B=8: loss is 1 by sim"):
        main(bench, monkeypatch, study.study, "--out", out)
    assert not out.exists()
    assert (tmp_path / "tried.json.partial").exists()


def test_a_part_without_out_only_fills_the_partial_file(
    bench, monkeypatch, study, tmp_path, capsys
):
    monkeypatch.setattr(bench.compare, "FOLDER", tmp_path)
    main(bench, monkeypatch, study.study, "--only", "B=64", "--rounds", 1)
    assert [p.name for p in tmp_path.iterdir()] == ["tried.json.partial"]
    assert "keeps this for the full run" in capsys.readouterr().out


def test_code_that_changes_meanwhile_is_refused(bench, monkeypatch, study, tmp_path):
    marks = iter("aab")  # of the partial file, before the first process, after it
    monkeypatch.setattr(bench.compare, "fingerprint", lambda *both: next(marks))
    with pytest.raises(SystemExit, match="the measured code changed during the run"):
        main(bench, monkeypatch, study.study, "--out", tmp_path / "tried.json")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--rounds", "0"], "--rounds is 0, must be at least 1"),
        (["--out", "x.txt"], "--out is x.txt, must end in .json"),
        (["--only", "nothing"], "--only 'nothing' is in no workload"),
    ],
)
def test_wrong_options(bench, monkeypatch, study, words, text):
    with pytest.raises(SystemExit, match=text):
        main(bench, monkeypatch, study.study, *words)
    assert study.commands == []


def test_fingerprint_follows_settings_and_code(bench, study, tmp_path):
    limits = bench.fresh.Limits()
    one = bench.compare.Settings(2, 5, 10.0, limits)
    mark = bench.compare.fingerprint(study.study, one)
    assert mark == bench.compare.fingerprint(study.study, one)
    assert mark != bench.compare.fingerprint(
        study.study, bench.compare.Settings(1, 5, 10.0, limits)
    )
    script = tmp_path / "losses.py"
    script.write_bytes(study.study.script.read_bytes() + b"#")
    changed = bench.compare.Study(**{**vars(study.study), "script": script})
    assert mark != bench.compare.fingerprint(changed, one)


def test_readme_tables(bench, monkeypatch):
    differs = {"other": "not squared"}
    large = workload_of(bench, name="large", candidates=("simlearn",), below_gib=3.0)
    found = {"simlearn": [entry([0.5], 4 << 30)], "pml": [entry([2.0], 8 << 30)]}
    found["other"] = [entry([0.1])]
    limits = bench.fresh.Limits()
    made = [bench.rows.row(w, found, limits) for w in (workload_of(bench, differs=differs), large)]
    result = {"rounds": 3, "settings": {"threads": 2}, "rows": made}
    monkeypatch.setattr(bench.readme, "read_result", lambda name: result)
    text = bench.readme.loss_benchmarks()
    assert "| work B=8 | 500 ms, 4.0 GiB | 4x, memory 2x | `pml` 4x, memory 2x |" in text
    assert "| large | 500 ms, 4.0 GiB | below 3 GiB: missed |" in text
    searched = workload_of(bench, candidates=("simlearn", "pml", "pml_max_bin_count"))
    found["pml_max_bin_count"] = [{"outcome": "over 8 GB"}]
    result["rows"] = [bench.rows.row(searched, found, limits)]
    text = bench.readme.retrieval_benchmarks()
    assert "| work B=8 | 500 ms, 4.0 GiB | 4x, memory 2x | over 8 GB |  |  |" in text


def test_readme_without_its_markers_is_named(bench, monkeypatch):
    monkeypatch.setattr(bench.readme, "sections", lambda page: {"loss benchmarks": "text"})
    with pytest.raises(ValueError, match=r"has <!-- loss benchmarks: begin --> 0 times, needs one"):
        bench.readme.fill("nothing")
    marked = "a\n<!-- loss benchmarks: begin -->\nold\n<!-- loss benchmarks: end -->\nb"
    assert bench.readme.fill(marked).splitlines()[2] == "text"
