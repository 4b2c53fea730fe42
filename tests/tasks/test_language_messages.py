"""What a user reads after a mistake with a small model, and that nothing is trained then."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from simlearn.analysis import lessons
from simlearn.train import main
from tests.tasks.language_case import small_words


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    return small_words(tmp_path_factory.mktemp("vqa"))


@pytest.fixture
def answer(words, tmp_path, capsys, monkeypatch):
    """Run by the command line; give (exit code, standard error). Nothing may be trained."""
    monkeypatch.setattr(lessons, "fit_stage", lambda *_, **__: pytest.fail("something was trained"))

    def ask(*more):
        replaced = tuple(f"{w.partition('=')[0]}." for w in more)
        usual = [w for w in words if not w.startswith(replaced)]
        code = main(["recipe=tiny_mllm", *usual, f"run_dir={tmp_path / 'run'}", *more])
        return code, capsys.readouterr().err

    return ask


BEFORE_THE_FOLDER = [
    (["loss=triplet"], "loss (TripletLoss) does not belong to task=language: use loss=none"),
    (["backbone=conv3d_small"], "does not belong to task=language: use backbone=none"),
    (["strategy=icarl"], "strategy (ICaRL) does not belong to task=language: use strategy=none"),
    (["miner=semihard"], "does not belong to task=language: use miner=none"),
    (
        ["model=pretrained", "model.path=x"],
        "model (Pretrained) does not belong to task=language: use model=tiny_llava",
    ),
    (["model=tiny_shipped"], "model (TinyShipped) does not belong to task=language"),
    (["model=none"], "model: no option is chosen; add model=OPTION"),
    (["data=digits"], "data (Digits) does not belong to task=language: use data=easy_vqa, tones"),
    (["evaluation=neuron_masks"], "does not belong to task=language: use evaluation=answers"),
    (["sampler=pk"], "sampler (PKBatches) does not belong to task=language: use sampler=questions"),
    (["trainer.max_steps=null"], "give trainer.max_epochs or trainer.max_steps"),
    (["model.heads=3"], "model.hidden is 32, must be a multiple of twice model.heads (3)"),
    (["model.encoder_lr=0"], "model.encoder_lr is 0"),
    (["evaluation.method=guess"], "evaluation.method"),
    (["data.text_train=-1"], "data.text_train is -1"),
    (["sampler.shares={yes_no: 1.5}"], "must be in [0, 1] together"),
    (["sampler.media=0", "sampler.texts=0"], "both 0: a step needs questions"),
    (
        ["task=metric"],
        "model (TinyLlava) belongs to task=language, task=neurons and task=error_steps: use "
        "model=none",
    ),
]


@pytest.mark.parametrize(("more", "text"), BEFORE_THE_FOLDER, ids=lambda v: str(v)[:30])
def test_told_before_anything_is_made(more, text, answer, tmp_path):
    code, told = answer(*more)
    assert code == 2, told
    assert text in told
    assert not (tmp_path / "run").exists()


def test_the_smaller_words_of_another_model(answer):
    """A setting of another family is named with those that there are."""
    code, told = answer("model=tiny_llava", "model.mels=3")
    assert code == 2 and "model.mels" in told


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (["trainer.devices=2"], "trainer.devices is 2: a small model is taught by one process"),
        (
            ["trainer.max_steps=null", "trainer.max_epochs=2"],
            "trainer.max_steps is not given: a lesson is measured in steps",
        ),
        (["trainer.max_epochs=2"], "trainer.max_epochs is 2: a lesson is measured in steps. Use"),
        (["data.root=/no/such"], "questions.json: not there. data.root is the folder"),
        (["data.val_images=0", "evaluation.split=val", "data.text_test=0"], "both are needed"),
        (["data.text_train=0"], "no training question without a picture or sound, and sampler.te"),
        (
            ["data=tones", "data.train=8", "data.test=4", "data.text_train=4", "data.text_test=2"],
            "has an audio",
        ),
    ],
    ids=lambda v: str(v)[:30],
)
def test_told_before_anything_is_trained(more, text, answer, tmp_path, monkeypatch):
    monkeypatch.setattr("simlearn.trainer.factory.os.cpu_count", lambda: 8, raising=False)
    code, told = answer(*more)
    assert code == 1, told
    assert text in told and "Traceback" not in told
    left = {p.name for p in (tmp_path / "run").iterdir()}
    assert left <= {".lock", "config.yaml", "recipe.yaml", "environment.json"}


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        (
            ["red", "dark blue"],
            "the answer 'dark blue' is not one word of the vocabulary: tiny mod",
        ),
        (["red", []], "of 'mine' has no answer, so there is nothing to learn: leave it out"),
    ],
)
def test_answers_of_own_questions(answers, text, answer, tmp_path):
    lines = []
    for n in range(8):
        Image.fromarray(np.full((24, 24, 3), 30 * n, np.uint8)).save(tmp_path / f"{n}.png")
        line = {
            "id": f"q{n}",
            "text": "what is it?",
            "answers": answers[n % 2],
            "image": f"{n}.png",
        }
        lines.append(json.dumps(line))
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(lines) + "\n")
    code, told = answer("data=question_sets", f"data.files={{mine: {path}}}", "sampler.texts=0")
    assert code == 1 and text in told and "Traceback" not in told
