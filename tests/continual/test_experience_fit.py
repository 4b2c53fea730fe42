"""One experience's training: what is drawn, when it is saved, how it goes on."""

from __future__ import annotations

import io

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from simlearn.continual import FineTune
from simlearn.continual.experience_fit import fit_experience
from simlearn.continual.network import activations
from simlearn.data.errors import DataError
from simlearn.data.labelled_images import LabelledImages
from simlearn.data.randomness import derive_seed
from simlearn.learners.metric import MetricLearner
from simlearn.losses import CenterLoss, TripletLoss
from simlearn.trainer import Logs
from simlearn.trainer.checkpoint import KEY, AtomicCheckpointIO, CheckpointError, read_checkpoint
from simlearn.trainer.csv_log import read_csv_log
from simlearn.trainer.interrupt import Interrupted, StopFlag
from simlearn.trainer.progress import ProgressLine
from tests.continual import toy


class Crash(Exception):
    """A process that ends in the middle."""


@pytest.fixture
def crash(monkeypatch):
    """``crash(n)`` lets the n-th step from now on fail; ``crash(0)`` lets all pass."""
    step, left = MetricLearner.training_step, [0]

    def training_step(self, batch, batch_idx):
        left[0] -= 1
        if left[0] == 0:
            raise Crash
        return step(self, batch, batch_idx)

    monkeypatch.setattr(MetricLearner, "training_step", training_step)
    return lambda n: left.__setitem__(0, n)


@pytest.fixture
def batches(monkeypatch):
    """(labels, shape) of every batch that is learnt from."""
    seen, step = [], MetricLearner.training_step

    def training_step(self, batch, batch_idx):
        seen.append((batch.y.tolist(), tuple(batch.x.shape[1:])))
        return step(self, batch, batch_idx)

    monkeypatch.setattr(MetricLearner, "training_step", training_step)
    return seen


@pytest.fixture
def saves(monkeypatch):
    """(name, step, epoch, batch, experience) of every checkpoint that is written."""
    made, write = [], AtomicCheckpointIO.save_checkpoint

    def keep(self, what, path, storage_options=None):
        header = what[KEY]
        place = [header[name] for name in ("step", "epoch", "batch")]
        made.append((path.name, *place, header["facts"]["experience"]))
        write(self, what, path, storage_options)

    monkeypatch.setattr(AtomicCheckpointIO, "save_checkpoint", keep)
    return made


def fit(training, number=1, learner=None, images=None):
    """One experience, by a learner that fine-tunes, with a margin that no batch satisfies."""
    exp = toy.stream()[number]
    learner = learner or toy.learner(loss=TripletLoss(margin=1.9))
    learner.strategy = FineTune()
    facts = fit_experience(learner, exp, exp.train if images is None else images, training)
    return learner, facts


def steps_of(folder, number=1):
    rows = read_csv_log(folder / f"logs/experience_{number + 1}/metrics.csv")
    return [step for step, name, _ in rows if name == "train/loss"]


def test_what_comes_back_and_where_the_log_lies(tmp_path):
    learner, facts = fit(toy.training(tmp_path, steps=4))
    assert facts == {"steps": 4, "empty_batches": 0, "collapse_warnings": 0}
    assert steps_of(tmp_path) == [1, 2, 3, 4]
    assert learner.seed == derive_seed(3, "experience", 1)
    assert not toy.same(dict(learner.state_dict()), dict(toy.learner().state_dict()))
    assert [p.name for p in tmp_path.iterdir()] == ["logs"]  # no checkpoint before it is time


def test_experiences_draw_differently_and_two_runs_alike(tmp_path, batches):
    weights = []
    for number in (0, 1, 1):
        learner, _ = fit(toy.training(tmp_path / str(len(weights))), number)
        weights.append({k: v.clone() for k, v in learner.state_dict().items()})
    assert toy.same(weights[1], weights[2]) and not toy.same(weights[0], weights[1])
    assert {label for y, _ in batches[:3] for label in y} == {0, 1}
    assert {label for y, _ in batches[3:] for label in y} == {2, 3}


def test_progress_says_which_experience_of_how_many(tmp_path):
    stream = io.StringIO()
    training = toy.training(tmp_path)
    training.line.stream = stream
    fit(training)
    assert stream.getvalue().startswith("experience 2/3 3/3, ")
    assert isinstance(training.line, ProgressLine)


@pytest.mark.parametrize(
    ("every", "minutes", "wanted"),
    [  # an epoch has two batches; its end is no reason to save
        (0, 10.0, []),
        (3, 10.0, [(3, 1, 1)]),
        (2, 10.0, [(2, 1, 0), (4, 2, 0)]),
        (0, 0.0, [(1, 0, 1), (2, 1, 0), (3, 1, 1), (4, 2, 0)]),
    ],
)
def test_when_a_checkpoint_is_written(tmp_path, saves, every, minutes, wanted):
    fit(toy.training(tmp_path, epochs=2, every=every, minutes=minutes))
    assert saves == [("experience.ckpt", *place, 1) for place in wanted]
    facts = {"data": "toy", "experience": 1}
    if wanted:
        header = read_checkpoint(tmp_path / "checkpoints/experience.ckpt")[KEY]
        assert {name: header["facts"][name] for name in facts} == facts


@pytest.mark.parametrize("epochs", [None, 3])
@pytest.mark.parametrize("place", [1, 2, 3, 4, 5, 6])
def test_killed_at_any_step_it_goes_on_to_the_same_weights(tmp_path, crash, place, epochs):
    """Checkpoints after steps 2, 4 and 6: what came later is done again, and logged once."""
    how = {"epochs": epochs} if epochs else {"steps": 6}
    whole, facts = fit(toy.training(tmp_path / "whole", **how))
    crash(place)
    with pytest.raises(Crash):
        fit(toy.training(tmp_path / "killed", every=2, **how))
    assert (tmp_path / "killed/checkpoints/experience.ckpt").exists() == (place > 2)
    crash(0)
    learner, again = fit(toy.training(tmp_path / "killed", every=2, **how))
    assert again == facts
    assert toy.same(dict(learner.state_dict()), dict(whole.state_dict()))
    assert steps_of(tmp_path / "killed") == [1, 2, 3, 4, 5, 6]


def test_a_training_that_was_complete_is_not_done_again(tmp_path, batches):
    whole, facts = fit(toy.training(tmp_path, every=1))
    assert len(batches) == 3
    learner, again = fit(toy.training(tmp_path, every=1))
    assert len(batches) == 3 and again == facts
    assert toy.same(dict(learner.state_dict()), dict(whole.state_dict()))


@pytest.mark.parametrize("step", [3, 4])
def test_a_signal_saves_and_leaves(tmp_path, saves, monkeypatch, step):
    """After step 3 inside an epoch, after step 4 at its end."""
    stop = StopFlag()
    whole, _ = fit(toy.training(tmp_path / "whole", epochs=3))
    original = MetricLearner.training_step

    def training_step(self, batch, batch_idx):
        stop.signal = "SIGTERM" if self.global_step + 1 == step else None
        return original(self, batch, batch_idx)

    monkeypatch.setattr(MetricLearner, "training_step", training_step)
    with pytest.raises(Interrupted, match=f"stopped by SIGTERM after step {step}"):
        fit(toy.training(tmp_path, stop=stop, epochs=3))
    assert saves == [("experience.ckpt", step, step // 2, step % 2, 1)]
    monkeypatch.setattr(MetricLearner, "training_step", original)
    learner, _ = fit(toy.training(tmp_path, epochs=3))
    assert toy.same(dict(learner.state_dict()), dict(whole.state_dict()))


def test_a_signal_at_the_last_step_is_the_loops_to_hear(tmp_path, monkeypatch):
    stop = StopFlag()
    stop.signal = "SIGINT"
    _, facts = fit(toy.training(tmp_path, stop=stop, steps=1))
    assert facts["steps"] == 1


def test_the_checkpoint_of_another_experience_is_not_read(tmp_path):
    whole, _ = fit(toy.training(tmp_path / "whole"), 2)
    fit(toy.training(tmp_path, every=1), 1)
    learner, facts = fit(toy.training(tmp_path), 2)
    assert facts["steps"] == 3
    assert toy.same(dict(learner.state_dict()), dict(whole.state_dict()))


@pytest.mark.parametrize(
    ("facts", "classes", "text"),
    [
        ({"data": "other"}, 6, r"another data \(toy there, other here\)"),
        ({"data": "toy", "class order": "b, a"}, 6, r"another class order \(None there, b, a here"),
        ({"data": "toy"}, 7, r"another model \(loss.centers: \(6, 8\) there, \(7, 8\) here\)"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused_by_name(tmp_path, facts, classes, text):
    fit(toy.training(tmp_path, every=2), learner=toy.learner(loss=CenterLoss(8, 6)))
    before = (tmp_path / "checkpoints/experience.ckpt").read_bytes()
    with pytest.raises(CheckpointError, match=rf"experience\.ckpt: was written with {text}"):
        fit(toy.training(tmp_path, facts), learner=toy.learner(loss=CenterLoss(8, classes)))
    assert (tmp_path / "checkpoints/experience.ckpt").read_bytes() == before


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / "checkpoints/experience.ckpt"
    fit(toy.training(tmp_path, every=2))
    path.write_bytes(path.read_bytes()[:1000])
    text = r"experience\.ckpt: damaged.* \(delete experience\.ckpt to go on from the last complete"
    with pytest.raises(CheckpointError, match=text):
        fit(toy.training(tmp_path))


def test_events_of_a_training_that_begins_again_stand_there_once(tmp_path, crash):
    logs = Logs(tensorboard=True)
    crash(3)
    with pytest.raises(Crash):
        fit(toy.training(tmp_path, logs=logs))
    crash(0)
    fit(toy.training(tmp_path, logs=logs))
    events = EventAccumulator(str(tmp_path / "logs/experience_2/tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("train/loss")] == [1, 2, 3]
    assert steps_of(tmp_path) == [1, 2, 3]


@pytest.mark.parametrize(("number", "labels"), [(0, set(range(8))), (1, {2, 3})])
def test_rotations_are_classes_of_the_first_experience_alone(tmp_path, batches, number, labels):
    fit(toy.training(tmp_path, rotations=True, steps=8), number)
    assert {label for y, _ in batches for label in y} == labels


def test_activations_are_learnt_from_where_they_lie(tmp_path, batches):
    exp, learner = toy.stream()[1], toy.learner()
    h = activations(learner, exp.train, exp.scale, "block2")
    learner.at = "block2"
    images = LabelledImages(h, exp.train.y, exp.train.index)
    before = {k: v.clone() for k, v in learner.state_dict().items()}
    fit(toy.training(tmp_path), learner=learner, images=images)
    assert {shape for _, shape in batches} == {(6, 2, 2)}
    moved = {k for k, v in learner.state_dict().items() if not torch.equal(v, before[k])}
    assert moved and not any("block1" in name or "block2" in name for name in moved)


def test_a_single_class_is_learnt_from_only_after_the_first_experience(tmp_path):
    images = toy.stream()[1].train.of([2])
    _, facts = fit(toy.training(tmp_path), 1, images=images)
    assert facts == {"steps": 3, "empty_batches": 3, "collapse_warnings": 0}
    with pytest.raises(DataError, match="raise data.base_classes"):
        fit(toy.training(tmp_path), 0, images=images)


@pytest.mark.parametrize(
    ("how", "augments"), [({}, False), ({"flip": True}, True), ({"shift": 1}, True)]
)
def test_what_augments(tmp_path, how, augments):
    assert toy.training(tmp_path, **how).augments == augments
    assert toy.training(tmp_path).checkpoint == tmp_path / "checkpoints/experience.ckpt"
