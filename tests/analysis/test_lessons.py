"""Both lessons of a tiny model: stopped anywhere and resumed they end bit-identical."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace

import pytest
import torch

from simlearn.analysis import lessons as module
from simlearn.analysis.encoder_learner import encoder_of
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.lessons import Lessons, teach
from simlearn.data.errors import DataError
from simlearn.data.question_batches import QuestionBatches
from simlearn.learners import AdamW
from simlearn.trainer.checkpoint import KEY, CheckpointError, read_checkpoint
from simlearn.trainer.csv_log import read_csv_log
from simlearn.trainer.factory import TrainerSettings
from simlearn.trainer.interrupt import Interrupted, StopFlag
from simlearn.trainer.logs import Logs
from simlearn.trainer.progress import ProgressLine
from tests.analysis.tiny_case import TAUGHT, read, shown, tiny_case

FIRST, SECOND = "lesson 1/2 (encoder)", "lesson 2/2 (answers)"
STEPS = {FIRST: 6, SECOND: 5}


class Line(ProgressLine):
    """Shows nothing; asks to stop after a step of a lesson."""

    def __init__(self, stop, after):
        super().__init__()
        self.stop, self.after, self.seen = stop, after, []

    def __call__(self, what, done, total, note=None):
        if what in STEPS:
            self.seen.append((what, done))
        if (what, done) == self.after:
            self.stop.signal = "SIGTERM"


def run(
    folder, *, family="llava", after=None, data="d1", questions=None, steps=5, every=0, **model
):
    """Teach; gives (weights, steps by lesson, what was shown)."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    settings, network, processor, own = tiny_case(family, **model)
    stop = StopFlag()
    line = Line(stop, after)
    taught = teach(
        network,
        processor,
        own if questions is None else questions,
        Lessons(
            settings=settings,
            trainer=TrainerSettings(
                accelerator="cpu", max_steps=steps, log_every=1, checkpoint_steps=every
            ),
            batches=QuestionBatches(media=4, texts=2, shares={"yes_no": 0.5}),
            optimizer=AdamW(lr=3e-3, warmup=0.2),
            logs=Logs(tensorboard=False),
            folder=folder,
            facts={"data": data},
            seed=0,
            stop=stop,
            line=line,
        ),
    )
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    return network.state_dict(), taught, line.seen


def stopped(folder, lesson, step, **options):
    """Begin, and be stopped after a step of a lesson."""
    with pytest.raises(Interrupted, match=f"stopped by SIGTERM after step {step}"):
        run(folder, after=(lesson, step), **options)


def logs(folder):
    return {
        name: read_csv_log(folder / "logs" / name / "metrics.csv")
        for name in ("encoder", "answers")
    }


def same(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[k], two[k]) for k in one)


@pytest.fixture(scope="module", params=TAUGHT)
def taught(request, tmp_path_factory):
    """(family, folder, weights) of a training that nothing happened to."""
    folder = tmp_path_factory.mktemp(request.param)
    return request.param, folder, run(folder, family=request.param)[0]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder, *run(folder)


def test_what_a_training_leaves(whole):
    folder, weights, steps, seen = whole
    assert steps == {"encoder_steps": 6, "steps": 5}
    assert seen == [(what, n) for what, count in STEPS.items() for n in range(count + 1)]
    kept = {p.name for p in (folder / "checkpoints").iterdir()}
    assert kept == {"lessons.ckpt"}
    content = read_checkpoint(folder / "checkpoints/lessons.ckpt")
    assert content[KEY]["step"] == 2 and same(content["state_dict"], weights)
    rows = logs(folder)
    assert [(s, n) for s, n, _ in rows["encoder"]] == [(s, "train/loss") for s in range(1, 7)]
    assert [(s, n) for s, n, _ in rows["answers"]] == [
        (s, f"train/loss_{part}") for s in range(1, 6) for part in ("media", "text")
    ]


def test_what_each_lesson_changes(tmp_path):
    settings, network, _, _ = tiny_case("llava")
    before = {k: v.clone() for k, v in network.state_dict().items()}
    stopped(tmp_path, SECOND, 1)
    after = read_checkpoint(tmp_path / "checkpoints/lessons.ckpt")["state_dict"]
    encoder = {f"model.vision_tower.{k}" for k in encoder_of(network).state_dict()}
    moved = {k for k in before if not torch.equal(before[k], after[k])}
    assert moved and moved <= encoder and encoder <= before.keys()
    assert settings.encoder_steps == 6


@pytest.mark.parametrize(("lesson", "step"), [(FIRST, 2), (SECOND, 3)])
def test_stopped_and_resumed(taught, tmp_path, lesson, step):
    family, folder, weights = taught
    stopped(tmp_path, lesson, step, family=family)
    found, steps, seen = run(tmp_path, family=family)
    assert same(found, weights)
    assert steps == {"encoder_steps": 6, "steps": 5}
    rest = [(lesson, n) for n in range(step, STEPS[lesson] + 1)]
    assert seen[: len(rest)] == rest and (lesson == FIRST) == (len(seen) > len(rest))
    assert logs(tmp_path) == logs(folder)
    assert not (tmp_path / "checkpoints/lesson.ckpt").exists()


def test_stopped_again_and_again(whole, tmp_path):
    for what, step in ((FIRST, 1), (FIRST, 4), (SECOND, 1), (SECOND, 2), (SECOND, 4)):
        stopped(tmp_path, what, step)
    assert same(run(tmp_path)[0], whole[1]) and logs(tmp_path) == logs(whole[0])


def test_a_wish_in_the_last_step_of_a_lesson(whole, tmp_path):
    """The first lesson is complete; the second stops after its first step."""
    with pytest.raises(Interrupted, match="after step 1"):
        run(tmp_path, after=(FIRST, 6))
    assert read_checkpoint(tmp_path / "checkpoints/lessons.ckpt")[KEY]["step"] == 1
    found, _, seen = run(tmp_path)
    assert same(found, whole[1]) and seen[0] == (SECOND, 1)


def test_a_complete_training_is_not_run_again(whole, tmp_path, monkeypatch):
    shutil.copytree(whole[0], tmp_path / "run")
    monkeypatch.setattr(module, "fit_stage", lambda *_, **__: pytest.fail("something was trained"))
    weights, steps, seen = run(tmp_path / "run")
    assert same(weights, whole[1]) and steps == whole[2] and seen == []


def test_a_complete_first_lesson_is_not_run_again(whole, tmp_path):
    stopped(tmp_path, SECOND, 2)
    (tmp_path / "checkpoints/lesson.ckpt").unlink()  # begun anew from the first lesson's end
    weights, _, seen = run(tmp_path)
    assert same(weights, whole[1]) and seen == [(SECOND, n) for n in range(6)]
    assert logs(tmp_path) == logs(whole[0])


@pytest.mark.parametrize("number", [1, 2])
def test_killed_between_the_last_step_and_the_end_of_a_lesson(whole, tmp_path, monkeypatch, number):
    """The checkpoint inside the lesson says that all its steps are taken."""
    save = module._save

    def killed(model, path, facts, done):
        if done == number:
            raise RuntimeError("power cut")
        save(model, path, facts, done)

    with monkeypatch.context() as patched:
        patched.setattr(module, "_save", killed)
        with pytest.raises(RuntimeError, match="power cut"):
            run(tmp_path, every=1)
    header = read_checkpoint(tmp_path / "checkpoints/lesson.ckpt")[KEY]
    assert (header["step"], header["facts"]["lesson"]) == ((6, 5)[number - 1], number - 1)
    weights, steps, _ = run(tmp_path)
    assert same(weights, whole[1]) and steps == whole[2]
    assert logs(tmp_path) == logs(whole[0])


def test_killed_between_two_lessons(whole, tmp_path):
    """The first lesson's checkpoint is still there beside its result: it is not read."""
    stopped(tmp_path, FIRST, 3)
    kept = (tmp_path / "checkpoints/lesson.ckpt").read_bytes()
    (tmp_path / "checkpoints/.lesson.ckpt.99.tmp").write_bytes(kept[:100])  # half written
    stopped(tmp_path, SECOND, 2)
    (tmp_path / "checkpoints/lesson.ckpt").write_bytes(kept)
    weights, _, seen = run(tmp_path)
    assert same(weights, whole[1]) and seen == [(SECOND, n) for n in range(6)]
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["lessons.ckpt"]


@pytest.mark.parametrize(("lesson", "name"), [(FIRST, "lesson.ckpt"), (SECOND, "lessons.ckpt")])
def test_other_data_are_refused(tmp_path, lesson, name):
    stopped(tmp_path, lesson, 2)
    before = {p: p.read_bytes() for p in (tmp_path / "checkpoints").iterdir()}
    with pytest.raises(
        CheckpointError, match=rf"{name}: was written with another data \(d1 there, d2"
    ):
        run(tmp_path, data="d2")
    assert {p: p.read_bytes() for p in (tmp_path / "checkpoints").iterdir()} == before


@pytest.mark.parametrize("changed", [{"hidden": 64}, {"layers": 2}])
def test_another_model_is_refused(tmp_path, changed):
    stopped(tmp_path, SECOND, 2)
    with pytest.raises(CheckpointError, match=r"lessons\.ckpt: was written with another model"):
        run(tmp_path, **changed)


def test_a_damaged_result(tmp_path):
    stopped(tmp_path, SECOND, 2)
    path = tmp_path / "checkpoints/lessons.ckpt"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(CheckpointError, match=r"lessons\.ckpt: damaged"):
        run(tmp_path)


def test_no_step_and_no_first_lesson(tmp_path, whole):
    start = {k: v.clone() for k, v in tiny_case("llava")[1].state_dict().items()}
    weights, steps, seen = run(tmp_path / "a", steps=0)
    assert same(weights, start) and seen == [] and steps == {"encoder_steps": 0, "steps": 0}
    weights, steps, seen = run(tmp_path / "b", encoder_steps=0)
    assert steps == {"encoder_steps": 0, "steps": 5} and {what for what, _ in seen} == {SECOND}
    assert not same(weights, whole[1])


def test_nothing_to_look_at(tmp_path):
    """Sentences alone: a step that wants pictures is told."""
    texts = read(tiny_case("llava")[3])
    with pytest.raises(DataError, match=r"sampler\.media is 4: set sampler\.media=0"):
        run(tmp_path, questions=texts)


def test_what_the_second_lesson_refuses_is_told_before_the_first(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "fit_stage", lambda *_, **__: pytest.fail("something was trained"))
    questions = tiny_case("llava")[3]
    with pytest.raises(DataError, match=r"sampler\.texts is 2: set sampler\.texts=0"):
        run(tmp_path, questions=shown(questions))
    with pytest.raises(AnalysisError, match="question '0-0' of 'easy_vqa' has no answer"):
        run(tmp_path, questions=[replace(questions[0], answers=()), *questions[1:]])
