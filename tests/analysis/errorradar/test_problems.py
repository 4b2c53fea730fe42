"""Drawn problems: every label derived again from the text; shares, bytes, files, figures."""

from __future__ import annotations

import json
import re
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from simlearn.analysis.errorradar.drawn_problem import draw_problem
from simlearn.analysis.errorradar.problem_shares import problem_plan
from simlearn.analysis.errorradar.problems import generate_problems
from simlearn.analysis.errorradar.taxonomy import CATEGORIES, PROBLEM_TYPES
from simlearn.data.errors import DataError
from tests.analysis.errorradar.rederive import NUMBER, Judge
from tests.analysis.errorradar.right_programs import PROGRAMS

N = 400


def drawn(n, shares):
    """The rows without their figures, which take longer to draw."""
    plan = problem_plan(n, 3, shares)
    return [draw_problem(3, k, *wanted).row for k, wanted in enumerate(plan)]


@pytest.fixture(scope="module", params=["paper", "uniform"])
def rows(request):
    return drawn(N, request.param)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    path = generate_problems(folder, n=60, seed=3, shares="uniform")
    assert path == folder / "problems.jsonl"
    return folder, [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_label_is_derived_again(rows):
    for row in rows:
        judge = Judge(row)
        verdicts = [judge.step(text) for text in row["steps"]]
        wrong = [(k, v) for k, (_, _, v) in enumerate(verdicts, 1) if v]
        # the first wrong step and its kind, and nothing else is wrong
        assert wrong == [(row["error_step"], row["error_category"])], (row, verdicts)
        told = [(d["kind"], d["name"]) for d in row["derivation"]]
        assert told == [(kind, label) for kind, label, _ in verdicts]


def test_answers(rows):
    for row in rows:
        judge = Judge(row)
        verdicts = [judge.step(text) for text in row["steps"]]
        kind, label, _ = verdicts[-1]
        goals = [name for what, name, _ in verdicts if what == "goal"]
        assert kind == "compute"
        assert label == (goals[0] if row["error_category"] == "MIS" else row["asked"])
        student, correct = (re.match(NUMBER, row[f"{who}_answer"])[0] for who in PEOPLE)
        assert judge.known[label] == student
        assert Fraction(judge.right_answer(row["asked"])) == Fraction(correct)
        assert Fraction(student) != Fraction(correct)
        assert f"the {row['asked']}" in row["question"]


PEOPLE = ("student", "correct")


def test_what_is_in_the_figure_only_is_not_in_the_text(rows):
    for row in rows:
        said = set(re.findall(NUMBER, row["question"]))
        assert said.isdisjoint(row["figure"].values())
        free = {"3.14", "1", *row["given"].values()}
        pieces = {str(len(v.split(", "))) for k, v in row["figure"].items() if k == "parts"}
        assert said <= free | pieces, row["question"]


def test_shares_types_and_lengths(rows):
    kinds = Counter(row["error_category"] for row in rows)
    types = Counter(row["problem_type"] for row in rows)
    if kinds["MIS"] == 80:
        assert set(kinds.values()) == {80} and set(types.values()) == {80}
    else:
        assert [kinds[k] for k in CATEGORIES] == [63, 146, 152, 19, 20]
        assert [types[k] for k in PROBLEM_TYPES] == [250, 30, 37, 46, 37]
    lengths = [len(row["steps"]) for row in rows]
    assert 6.8 <= np.mean(lengths) <= 8.4
    assert min(lengths) == 3 and max(lengths) <= 20
    templates = {t: {r["template"] for r in rows if r["problem_type"] == t} for t in PROBLEM_TYPES}
    assert all(len(found) >= 3 for found in templates.values())
    assert set().union(*templates.values()) == set(PROGRAMS)
    for category in CATEGORIES:
        own = [row for row in rows if row["error_category"] == category]
        assert len({row["error_step"] for row in own}) >= 4


def test_every_length_occurs():
    found = Counter(len(row["steps"]) for row in drawn(1200, "paper"))
    assert set(found) == set(range(3, 21))


def test_each_kind_of_step_has_three_wordings(rows):
    frames: dict[str, set[str]] = {}
    for row in rows:
        for text, step in zip(row["steps"], row["derivation"], strict=True):
            start = re.sub(r"\d.*", "#", text.split(" the ")[0])
            frames.setdefault(step["kind"], set()).add(start)
    assert all(len(found) >= 3 for found in frames.values())


def test_figures_open_and_are_not_blank(made):
    folder, rows = made
    assert len({row["id"] for row in rows}) == 60
    for row in rows:
        with Image.open(folder / row["image"]) as picture:
            picture.load()
            assert picture.size == (480, 340) and picture.mode == "RGB"
            ink = np.asarray(picture.convert("L")) < 128
        assert 0.002 < ink.mean() < 0.3
        border = np.concatenate([ink[:2].ravel(), ink[-2:].ravel(), ink[:, :2].ravel()])
        assert not border.any()


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    def content(name, **arguments):
        generate_problems(tmp_path / name, **arguments)
        files = sorted(p for p in (tmp_path / name).rglob("*") if p.name != ".lock")
        return {str(p.relative_to(tmp_path / name)): p.read_bytes() for p in files if p.is_file()}

    first = content("a", n=6, seed=4)
    assert first == content("b", n=6, seed=4)
    assert set(first) == {"problems.jsonl", "made.json"} | {f"images/{k:06d}.png" for k in range(6)}
    assert first["problems.jsonl"] != content("c", n=6, seed=5)["problems.jsonl"]
    assert first["problems.jsonl"] != content("d", n=6, seed=4, shares="uniform")["problems.jsonl"]


def test_what_is_there_is_used_again_and_other_settings_are_refused(tmp_path):
    path = generate_problems(tmp_path, n=2, seed=0)
    before = path.stat().st_mtime_ns
    calls = []
    generate_problems(tmp_path, n=2, seed=0, progress=lambda *done: calls.append(done))
    assert path.stat().st_mtime_ns == before and calls == []
    with pytest.raises(DataError) as caught:
        generate_problems(tmp_path, n=3, seed=1)
    assert "n 2, seed 0" in str(caught.value) and "n 3, seed 1" in str(caught.value)
    for damage in (b"\xff\x00", b"[" * 100_000, b"[1]"):
        (tmp_path / "made.json").write_bytes(damage)
        with pytest.raises(DataError, match=r"no readable made\.json"):
            generate_problems(tmp_path, n=2, seed=0)


def test_a_broken_off_drawing_is_done_again(tmp_path):
    def stop(done, n):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_problems(tmp_path, n=3, seed=0, progress=stop)
    assert not (tmp_path / "problems.jsonl").exists()
    calls = []
    path = generate_problems(tmp_path, n=3, seed=0, progress=lambda *done: calls.append(done))
    assert len(path.read_text().splitlines()) == 3 and calls == [(1, 3), (2, 3), (3, 3)]


def test_wrong_arguments(tmp_path):
    with pytest.raises(ValueError, match=r"^n is 0"):
        generate_problems(tmp_path / "x", n=0, seed=0)
    with pytest.raises(ValueError, match=r"^shares is 'papers'"):
        generate_problems(tmp_path / "x", n=1, seed=0, shares="papers")
    assert not (tmp_path / "x").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        generate_problems(tmp_path / "file", n=1, seed=0)
