"""Question sets as a data option: what is mined, what is asked, and the draw between them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from simlearn.config.hints import convert, type_fault
from simlearn.config.targets import Target, arguments, plain_default
from simlearn.data.errors import DataError
from simlearn.data.question_sets import QuestionSets, share_out
from simlearn.data.questions import Question

CONFIG = Path(__file__).parents[2] / "configs" / "data" / "question_sets.yaml"


def textvqa(folder, images=6, per_image=2):
    rows = [
        {"question": f"q{n}?", "question_id": n, "image_id": f"i{n % images}", "answers": ["a"]}
        for n in range(images * per_image)
    ]
    (folder / "train_images").mkdir(parents=True)
    for n in range(images):
        Image.new("RGB", (2, 2)).save(folder / "train_images" / f"i{n}.jpg")
    (folder / "TextVQA_0.5.1_val.json").write_text(json.dumps({"data": rows}))
    return folder


def mmlu(folder):
    for split in ("dev", "test"):
        (folder / split).mkdir(parents=True)
        (folder / split / f"virology_{split}.csv").write_text("q,1,2,3,4,B\n" * 8)
    return folder


def librispeech(folder):
    chapter = folder / "test-clean" / "1" / "2"
    chapter.mkdir(parents=True)
    lines = [f"1-2-{n:04d} WORD {'X' * n}" for n in range(4)]
    (chapter / "1-2.trans.txt").write_text("\n".join(lines))
    for n in range(4):
        soundfile.write(chapter / f"1-2-{n:04d}.flac", np.zeros(20), 16000)
    return folder


def own(folder, count=10):
    path = folder / "own.jsonl"
    path.write_text(
        "".join(json.dumps({"ask": f"w{n}", "label": "x"}) + "\n" for n in range(count))
    )
    return path


def all_sets(folder, **changed):
    values = {
        "textvqa": textvqa(folder / "t"),
        "mmlu": mmlu(folder / "m"),
        "librispeech": librispeech(folder / "l"),
        "files": {"vocal": own(folder)},
        "columns": {"text": "ask", "answers": "label"},
        "metric": "label",
    }
    return QuestionSets(**{**values, **changed})


def test_everything_is_mined_or_asked(tmp_path):
    calls = []
    source = all_sets(tmp_path)
    data = source.open(report=lambda *call: calls.append(call))
    train, test = data.splits["train"], data.splits["test"]
    sizes = {"textvqa": 12, "mmlu": 8, "librispeech": 4, "vocal": 10}
    for name, size in sizes.items():
        mined, asked = ([q.id for q in part if q.dataset == name] for part in (train, test))
        assert len(mined) == size / 2 and len(set(mined) | set(asked)) == size
    assert data.splits["val"] == []
    metrics = {(q.dataset, q.metric) for q in [*train, *test]}
    assert metrics == {
        *(("textvqa", "substring"), ("mmlu", "letter"), ("librispeech", "wrr"), ("vocal", "label"))
    }
    assert {q.image for q in train if q.image}.isdisjoint(q.image for q in test)
    assert data.facts["mine_share"] == 0.5 and data.facts["datasets"] == list(sizes)
    assert data.facts["questions"] == {"train": 17, "val": 0, "test": 17}
    assert calls[-1] == ("reading vocal", 4, 4) and len(calls) == 4
    assert source.open().fingerprint == data.fingerprint


def test_the_seed_and_the_share_draw(tmp_path):
    base = all_sets(tmp_path)
    arguments = {name: getattr(base, name) for name in ("files", "columns", "textvqa")}
    prints = {
        QuestionSets(**arguments, draw_seed=seed, mine_share=share).open().fingerprint
        for seed in (0, 1)
        for share in (0.3, 0.5)
    }
    assert len(prints) == 4
    few = QuestionSets(**arguments, train=2, test=3).open()
    assert [len(few.splits[s]) for s in ("train", "test")] == [4, 6]  # of each of two sets
    whole = {q.id for q in base.open().splits["train"] if q.dataset == "vocal"}
    assert {q.id for q in few.splits["train"] if q.dataset == "vocal"} < whole


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=40), st.floats(0.01, 0.99), st.integers(0, 3)
)
def test_shares_keep_files_together(images, share, seed):
    questions = [Question(str(n), "?", (), image=Path(f"{i}.png")) for n, i in enumerate(images)]
    if len(set(images)) == 1:
        with pytest.raises(
            DataError, match=r"question\(s\) about 1 file\(s\) cannot be shared out"
        ):
            share_out(questions, share, seed=seed)
        return
    mined, asked = share_out(questions, share, seed=seed)
    assert mined and asked
    assert sorted([*mined, *asked], key=lambda q: int(q.id)) == questions
    assert [int(q.id) for q in mined] == sorted(int(q.id) for q in mined)
    assert {q.image for q in mined}.isdisjoint(q.image for q in asked)
    largest = max(images.count(i) for i in images)
    assert abs(len(mined) - share * len(images)) <= largest
    again = share_out(questions, share, seed=seed)
    assert again[0] == mined


def test_questions_without_a_file_are_shared_out_one_by_one():
    questions = [Question(str(n), "?", (), audio=np.zeros(3)) for n in range(100)]
    mined, asked = share_out(questions, 0.25, seed=0)
    assert (len(mined), len(asked)) == (25, 75)
    with pytest.raises(DataError, match=r"0 question\(s\) about 0 file\(s\)"):
        share_out([], 0.5, seed=0)


def test_prompts_and_shots(tmp_path):
    prompts = {"librispeech": "Write it down.", "vocal": "Sound: {text}", "mmlu": "{text} ->"}
    found = all_sets(tmp_path, prompts=prompts, shots=0).open().splits["train"]
    texts = {q.dataset: q.text for q in found}
    assert texts["librispeech"] == "Write it down." and texts["vocal"].startswith("Sound: w")
    assert texts["mmlu"].count("Answer:") == 1 and texts["mmlu"].endswith("Answer: ->")
    assert texts["textvqa"].startswith("q")
    long = QuestionSets(mmlu=tmp_path / "m").open().splits["test"][0].text
    assert long.count("Answer: B\n\n") == 5


def test_nothing_given_says_what_to_give():
    with pytest.raises(DataError, match=r"no data set is given. Give at least one of data.textvqa"):
        QuestionSets().open()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"mine_share": 0}, "data.mine_share is 0, must be between 0 and 1"),
        ({"mine_share": 1.0}, "data.mine_share is 1.0, must be between 0 and 1"),
        ({"shots": -1}, "data.shots is -1, must not be negative"),
        ({"train": 0}, "data.train is 0, must be at least 1"),
        ({"files": {"mmlu": Path("x")}}, "data.files: 'mmlu' is read by data.mmlu"),
        ({"prompts": {"mmlu": "x"}}, "data.prompts: no data set 'mmlu' is given; there are none"),
    ],
)
def test_arguments_out_of_range(arguments, text):
    with pytest.raises(ValueError, match=text):
        QuestionSets(**arguments)


def test_the_option_file_fits_the_class():
    values = yaml.safe_load(CONFIG.read_text())
    known = arguments(Target(QuestionSets))
    assert values.pop("class") == "QuestionSets" and set(values) == set(known)
    values.update(files={"a": "~/x.jsonl"}, textvqa="t", prompts={"a": "b"})
    given = {}
    for key, argument in known.items():
        assert type_fault(values[key], argument.hint) is None, key
        plain, default = plain_default(argument)
        assert not plain or key == "textvqa" or values[key] == default
        given[key] = convert(values[key], argument.hint)
    source = QuestionSets(**given)
    assert isinstance(source.files["a"], Path) and "~" not in str(source.files["a"])
    assert "Did you mean" in type_fault("substrin", known["metric"].hint)
