"""easy-vqa as it is installed, and the messages of folders that are not easy-vqa."""

from __future__ import annotations

import importlib.util
import json
import re
from collections import Counter, defaultdict

import easy_vqa
import numpy as np
import pytest

from simlearn.data.easy_vqa import EasyVQA, kind_of_answer, read_easy_vqa
from simlearn.data.errors import DataError
from simlearn.data.media import load_image
from simlearn.data.text_questions import COLOURS, SHAPES, answer_about
from tests.data.easy_vqa_files import drawing, write_easy_vqa


@pytest.fixture(scope="module")
def installed():
    """Questions of the installed package by split."""
    root = EasyVQA()._root()
    return {split: read_easy_vqa(root / split) for split in ("train", "test")}


@pytest.fixture
def tree(tmp_path):
    return write_easy_vqa(tmp_path)


def test_the_package_gives_the_same_questions(installed):
    for split, read in (
        ("train", easy_vqa.get_train_questions),
        ("test", easy_vqa.get_test_questions),
    ):
        texts, answers, images = read()
        found = installed[split]
        assert [q.text for q in found] == texts
        assert [q.answers for q in found] == [(a,) for a in answers]
        assert [int(q.image.stem) for q in found] == images
        assert [q.id for q in found[:3]] == ["0", "1", "2"]
    assert [len(installed[s]) for s in ("train", "test")] == [38575, 9673]
    names = {a for split in installed.values() for q in split for a in q.answers}
    assert names == set(easy_vqa.get_answers()) == {*COLOURS, *SHAPES, "yes", "no"}
    assert load_image(installed["test"][0]).size == (64, 64)


def test_our_own_answers_are_those_of_easy_vqa(installed):
    """All yes/no questions about images whose colour (or shape) another question asks for."""
    asked = differing = both = 0
    for questions in installed.values():
        known = defaultdict(dict)
        for q in questions:
            if q.kind != "yes_no":
                known[q.image].setdefault(q.kind, q.answers[0])
                assert known[q.image][q.kind] == q.answers[0]
        for q in questions:
            if q.kind != "yes_no":
                continue
            (thing,) = set(q.text.rstrip("?").split()) & {*COLOURS, *SHAPES}
            facts = known[q.image]
            if ("colour" if thing in COLOURS else "shape") in facts:
                said = answer_about(q.text, facts.get("colour", "-"), facts.get("shape", "-"))
                asked += 1
                both += len(facts) == 2
                differing += said != q.answers[0]
    assert (asked, both, differing) == (27814, 21497, 0)


def test_splits_of_the_data_set(installed):
    data = EasyVQA(train=300, test=50, val_images=40, text_train=30, text_test=9).open()
    counts = {s: Counter(q.dataset for q in found) for s, found in data.splits.items()}
    assert counts == {
        "train": {"easy_vqa": 300, "text": 30},
        "val": {"easy_vqa": 50, "text": 9},
        "test": {"easy_vqa": 50, "text": 9},
    }
    images = {s: {q.image for q in found} - {None} for s, found in data.splits.items()}
    assert not images["train"] & images["val"]
    assert all(
        p.parts[-3] == ("test" if s == "test" else "train") for s in images for p in images[s]
    )
    for found in data.splits.values():
        order = [int(q.id) for q in found if q.dataset == "easy_vqa"]
        assert order == sorted(order)


def test_validation_images_are_a_draw_of_the_training_images(tree):
    found = {}
    for seed in (0, 1, 2):
        for number in (0, 2, 6):
            data = EasyVQA(root=tree, val_images=number, draw_seed=seed, text_train=0, text_test=0)
            splits = data.read()
            held = {q.image for q in splits["val"]}
            assert len(held) == number and not held & {q.image for q in splits["train"]}
            assert len(splits["val"]) == 6 * number and len(splits["test"]) == 18
            assert len(splits["train"]) == 36 - 6 * number
            found[seed, number] = {p.name for p in held}
    assert len({frozenset(found[s, 2]) for s in (0, 1, 2)}) > 1
    again = EasyVQA(root=tree, val_images=2, text_train=0, text_test=0).read()
    assert {q.image.name for q in again["val"]} == found[0, 2]


def test_texts_are_few_of_many_and_none_where_none_are_asked_for(tree):
    def texts(**numbers):
        data = EasyVQA(root=tree, val_images=1, **numbers).read()
        return {s: [q.text for q in found if q.dataset == "text"] for s, found in data.items()}

    few, more = texts(text_train=3, text_test=2), texts(text_train=9, text_test=20)
    assert [len(few[s]) for s in ("train", "val", "test")] == [3, 2, 2]
    assert [len(more[s]) for s in ("train", "val", "test")] == [9, 9, 20]
    assert all(more[s][: len(few[s])] == few[s] for s in few)
    assert texts(text_train=0, text_test=0) == {"train": [], "val": [], "test": []}


def test_kinds():
    kinds = [kind_of_answer(a) for a in ("teal", "circle", "yes", "no")]
    assert kinds == ["colour", "shape", "yes_no", "yes_no"]


def test_pictures_are_read_as_they_are(tree):
    q = read_easy_vqa(tree / "train")[0]
    assert np.array_equal(np.asarray(load_image(q)), drawing("red", "circle"))


def test_a_folder_below_the_home_folder(tree, monkeypatch):
    monkeypatch.setenv("HOME", str(tree.parent))
    assert EasyVQA(root=f"~/{tree.name}", val_images=0).open().splits["test"]


def test_a_missing_folder(tmp_path):
    with pytest.raises(DataError, match=r"train.questions\.json: not there.*data\.root is the"):
        EasyVQA(root=tmp_path).open()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"{", "no JSON"),
        (b"\xff\xfe[", "no JSON"),
        (b'{"a": 1}', "must hold a list of rows, found a dict"),
        (b"3", "must hold a list of rows, found a int"),
        (b'[["a?", "yes", 0], ["b?", "no"]]', r"row 1: must be \[question, answer, image number\]"),
        (b'[["a?", "yes", "0"]]', r"row 0: must be .* found \['a\?', 'yes', '0'\]"),
        (b'[["a?", 1, 0]]', "row 0: must be"),
        (b"[null]", "row 0: must be .* found None"),
        (b'[["a?", "yes", 0], ["a?", "yes", 77]]', r"row 1: .*images has no 77\.png"),
    ],
)
def test_damaged_files(tree, content, text):
    (tree / "train" / "questions.json").write_bytes(content)
    with pytest.raises(DataError, match=text) as caught:
        EasyVQA(root=tree).open()
    assert str(tree / "train" / "questions.json") in str(caught.value)


def test_a_missing_image(tree):
    (tree / "test" / "images" / "2.png").unlink()
    row = next(
        n
        for n, r in enumerate(json.loads((tree / "test" / "questions.json").read_text()))
        if r[2] == 2
    )
    with pytest.raises(DataError, match=re.escape(f"row {row}: ")) as caught:
        EasyVQA(root=tree).open()
    assert str(caught.value).endswith("images has no 2.png")


def test_no_question_at_all(tree):
    for split in ("train", "test"):
        (tree / split / "questions.json").write_text("[]")
    with pytest.raises(DataError, match="EasyVQA: no question was found"):
        EasyVQA(root=tree, text_train=0, text_test=0).open()


def test_the_package_is_not_installed(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "simlearn.data.easy_vqa.find_spec", lambda name: None if name == "easy_vqa" else real(name)
    )
    with pytest.raises(DataError, match=r"pip install 'simlearn\[analysis\]', or give data\.root"):
        EasyVQA().open()


@pytest.mark.parametrize("name", ["val_images", "text_train", "text_test"])
def test_negative_numbers(name):
    with pytest.raises(ValueError, match=rf"data\.{name} is -1, must not be negative"):
        EasyVQA(**{name: -1})
