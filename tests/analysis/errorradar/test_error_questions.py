"""Worked solutions as questions: answers, splits, figures, and what a tiny model learns from."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from simlearn.analysis.answer_tensors import answer_tensors
from simlearn.analysis.errorradar import error_questions
from simlearn.analysis.errorradar.error_questions import ErrorQuestions
from simlearn.analysis.errorradar.prompt_style import load_style
from simlearn.analysis.errorradar.prompts import build_prompt
from simlearn.analysis.errorradar.record import Record
from simlearn.analysis.errorradar.records import read_records
from simlearn.analysis.errorradar.taxonomy import CATEGORIES
from simlearn.analysis.tiny_models import TinyLlava
from simlearn.analysis.word_tokenizer import words_of
from simlearn.data.errors import DataError
from simlearn.data.media import load_image
from tests.analysis.small_llava import SIZES


def row(number, **changed):
    """A record of a file; every three share a figure."""
    return {
        "id": f"r{number}",
        "question": f"What is {number} + 1?",
        "steps": ["I add.", f"{number} + 1 = {number + 2}", "Done."],
        "error_step": 1 + number % 3,
        "error_category": CATEGORIES[number % 5],
        "problem_type": "algebra",
        "image": f"f{number // 3}.png",
        **changed,
    }


def write(folder, rows):
    folder.mkdir(exist_ok=True)
    path = folder / "problems.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    for name in {one["image"] for one in rows if one.get("image")}:
        pixels = np.full((6, 8, 3), len(name), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return path


def opened(path, **more):
    return ErrorQuestions(path=path, cache=path.parent / "cache", **more).open()


def test_two_questions_about_every_solution(tmp_path):
    path = write(tmp_path, [row(n) for n in range(12)])
    data = opened(path)
    records, style = {r.id: r for r in read_records(path)}, load_style("bare")
    every = [q for questions in data.splits.values() for q in questions]
    assert Counter(q.dataset for q in every) == {"error_step": 12, "error_category": 12}
    for q in every:
        record = records[q.id]
        task = q.dataset.removeprefix("error_")
        assert q.text == build_prompt(record, task, style).text
        assert q.answers == (str(record.error_step) if task == "step" else record.error_category,)
        assert (q.kind, q.metric, q.image) == (record.error_category, "exact", record.image)
    assert load_image(every[0]).size == (8, 6)
    for own in data.splits.values():
        pairs = list(zip(own[::2], own[1::2], strict=True))
        assert all(a.id == b.id and a.dataset == "error_step" for a, b in pairs)


def test_a_role_stands_before_the_text(tmp_path):
    path = write(tmp_path, [row(n) for n in range(6)])
    records = {r.id: r for r in read_records(path)}
    first = opened(path, style="plain").splits["train"][0]
    prompt = build_prompt(records[first.id], "step", load_style("plain"))
    assert prompt.system and first.text == f"{prompt.system}\n\n{prompt.text}"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("images", [True, False])
def test_no_record_and_no_figure_is_in_both_parts(tmp_path, share, images):
    path = write(tmp_path, [row(n) for n in range(60)])
    splits = opened(path, test_share=share, images=images).splits
    figures = {r.id: r.image for r in read_records(path)}
    parts = [{q.id for q in splits[name]} for name in ("train", "test")]
    assert not parts[0] & parts[1] and len(parts[0] | parts[1]) == 60
    assert not {figures[i] for i in parts[0]} & {figures[i] for i in parts[1]}
    assert abs(len(parts[1]) / 60 - share) <= 0.05
    assert not splits["val"]
    assert all((q.image is not None) == images for q in splits["test"])


def test_the_draw_seed_shares_out_and_counts_are_per_data_set(tmp_path):
    path = write(tmp_path, [row(n, image=None) for n in range(40)])
    one, again, other = (opened(path, draw_seed=s) for s in (0, 0, 1))
    assert one.fingerprint == again.fingerprint != other.fingerprint
    few = opened(path, train=3, test=2)
    counts = Counter((s, q.dataset) for s, own in few.splits.items() for q in own)
    assert counts == {
        ("train", "error_step"): 3,
        ("train", "error_category"): 3,
        ("test", "error_step"): 2,
        ("test", "error_category"): 2,
    }


def test_solutions_without_fault_or_category(tmp_path):
    rows = [row(n, image=None) for n in range(8)]
    rows += [row(8, error_step=0, error_category=None, image=None)]
    rows += [row(9, error_category=None, image=None)]
    every = [q for own in opened(write(tmp_path, rows)).splits.values() for q in own]
    assert "r8" not in {q.id for q in every}
    (alone,) = [q for q in every if q.id == "r9"]
    assert (alone.dataset, alone.kind) == ("error_step", "unknown")


def test_figures_that_come_as_bytes_are_kept_as_files(tmp_path, monkeypatch):
    path = write(tmp_path, [row(n) for n in range(4)])
    content = (tmp_path / "f0.png").read_bytes()

    def records(*_, **__):
        return iter(
            Record(f"{n}", "q", ("a", "b"), 1, "CAL", image=content + bytes([n // 2]))
            for n in range(8)
        )

    monkeypatch.setattr(error_questions, "read_records", records)
    splits = opened(path).splits
    images = {q.image for own in splits.values() for q in own}
    assert len(images) == 4 and {p.parent for p in images} == {tmp_path / "cache/error_pictures"}
    assert load_image(splits["test"][0]).size == (8, 6)
    assert not {q.image for q in splits["train"]} & {q.image for q in splits["test"]}


def test_facts_of_a_file_do_not_name_its_folder(tmp_path):
    path = write(tmp_path, [row(n) for n in range(6)])
    facts = opened(path).facts
    assert facts["file"] == "problems.jsonl" and facts["test_share"] == 0.5
    assert str(tmp_path) not in json.dumps(facts)
    assert facts["data"] == "ErrorQuestions" and facts["style"] == "bare"


def test_figures_below_another_root(tmp_path):
    path = write(tmp_path / "a", [row(n) for n in range(6)])
    (tmp_path / "b").mkdir()
    for figure in (tmp_path / "a").glob("*.png"):
        figure.rename(tmp_path / "b" / figure.name)
    with pytest.raises(DataError, match="line 1"):
        opened(path)
    splits = opened(path, root=tmp_path / "b").splits
    assert {q.image.parent for q in splits["test"]} == {tmp_path / "b"}


DRAWN = {"n_train": 25, "n_test": 10, "n_val": 5, "shares": "uniform"}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Drawn problems, and the folder that they are in."""
    folder = tmp_path_factory.mktemp("drawn")
    return ErrorQuestions(cache=folder, **DRAWN).open(), folder


def test_drawn_problems_have_splits_of_their_own(drawn):
    data, folder = drawn
    sizes = {split: len(own) for split, own in data.splits.items()}
    assert sizes == {"train": 50, "val": 10, "test": 20}
    texts = [{q.text for q in own} for own in data.splits.values()]
    assert not texts[0] & texts[1] and not texts[0] & texts[2] and not texts[1] & texts[2]
    kinds = Counter(q.kind for q in data.splits["train"])
    assert kinds == dict.fromkeys(CATEGORIES, 10)
    assert all(folder in q.image.parents for own in data.splits.values() for q in own)
    assert data.facts["problems"] == {"train": 25, "val": 5, "test": 10}
    assert data.facts["shares"] == "uniform" and data.facts["generator_version"] >= 1


def test_they_are_drawn_once(drawn):
    data, folder = drawn
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*.png")}
    again = ErrorQuestions(cache=folder, **DRAWN).open()
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*.png")} == before
    assert again.fingerprint == data.fingerprint


def test_another_seed_and_root_give_other_problems_elsewhere(drawn, tmp_path):
    data, _ = drawn
    said = []
    more = {**DRAWN, "n_train": 5, "n_test": 5, "n_val": 0}
    other = ErrorQuestions(seed=1, root=tmp_path / "mine", cache=tmp_path / "no", **more).open(
        report=lambda *told: said.append(told)
    )
    assert not other.splits["val"] and not (tmp_path / "no").exists()
    assert {p.name for p in (tmp_path / "mine").iterdir()} == {
        "train-5-1-uniform",
        "test-5-1-uniform",
    }
    mine = {q.text for own in other.splits.values() for q in own}
    assert not mine & {q.text for own in data.splits.values() for q in own}
    assert said[-1] == ("questions", 10, 10)
    assert ("drawing problems", 5, 5) in said


def test_no_more_is_drawn_than_is_used(tmp_path):
    source = ErrorQuestions(cache=tmp_path, train=4, test=2, n_val=1)
    data = source.open()
    assert data.facts["problems"] == {"train": 4, "val": 1, "test": 2}
    assert {split: len(own) for split, own in data.splits.items()} == {
        "train": 8,
        "val": 2,
        "test": 4,
    }
    assert len(list(tmp_path.rglob("*.png"))) == 7


def test_a_word_tokenizer_knows_every_answer(drawn):
    """Answers are learnt as single words; step numbers to 20 and codes are all such."""
    train = drawn[0].splits["train"]
    answers = [*(str(n) for n in range(1, 21)), *CATEGORIES]
    words = words_of([*(q.text for q in train), *answers])
    model, processor = TinyLlava(**{**SIZES, "side": 16, "patch": 8}).build(words, seed=0)
    tensors = answer_tensors(processor, train, place="<image>", tokens=4)
    said = [processor.tokenizer.decode([i]) for i in tensors.targets[:, 0].tolist()]
    assert said == [q.answers[0] for q in train]
    for answer in answers:
        assert len(processor.tokenizer(answer, add_special_tokens=False)["input_ids"]) == 1
    longest = int(tensors.mask.sum(dim=1).max())
    rows = torch.arange(2)
    ids, mask, _ = tensors.batch(rows)
    with torch.no_grad():  # prompts longer than the tiny models' nominal length run as well
        out = model(
            input_ids=ids, attention_mask=mask, pixel_values=torch.zeros(2, 3, 16, 16)
        ).logits
    assert torch.isfinite(out).all() and longest > 50


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"test_share": 1.0}, "data.test_share is 1.0"),
        ({"n_train": 0}, "data.n_train is 0, must be at least 1"),
        ({"n_test": 0}, "data.n_test is 0"),
        ({"n_val": -1}, "data.n_val is -1, must be at least 0"),
        ({"shares": "papers"}, "Did you mean 'paper'"),
        ({"train": 0}, "data.train is 0"),
    ],
)
def test_arguments_out_of_range(wrong, text):
    with pytest.raises(ValueError, match=text):
        ErrorQuestions(**wrong)


def test_data_that_cannot_be_used_are_named(tmp_path):
    with pytest.raises(DataError, match=r"holds 1 solution\(s\) with a wrong step"):
        opened(write(tmp_path, [row(0)]))
    with pytest.raises(DataError, match="cannot be shared out"):
        opened(write(tmp_path, [row(0), row(1)]))  # about one figure
    with pytest.raises(DataError, match="there is no such file"):
        opened(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match="bare"):
        opened(write(tmp_path, [row(0), row(4)]), style="baer")
    assert Path("outputs/cache") == ErrorQuestions().cache
