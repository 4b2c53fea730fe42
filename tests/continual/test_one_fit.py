"""A stream inside one fit: the steps of a loop by hand, its order, and runs that are resumed."""

from __future__ import annotations

import pytest
import torch

from simlearn.continual.base import KeepMeans
from simlearn.continual.ewc import EWC
from simlearn.continual.fine_tune import FineTune
from simlearn.continual.freeze import Freeze
from simlearn.continual.icarl import ICaRL
from simlearn.continual.joint import Joint
from simlearn.continual.loop import learn_stream
from simlearn.continual.lwf import LwF
from simlearn.continual.one_fit import learn_short_stream
from simlearn.continual.stream_batches import StreamBatches
from simlearn.data.randomness import derive_seed
from simlearn.learners.optim import SGD
from simlearn.losses import CenterLoss
from simlearn.trainer.checkpoint import CheckpointError, read_checkpoint
from simlearn.trainer.interrupt import Interrupted, StopFlag
from tests.continual.short_stream import maker, nothing, stream, training

STEPS = 4


class Told(KeepMeans):
    """Writes down what it is told, with the steps taken so far."""

    def __init__(self, trained=(0, 1, 2)):
        super().__init__()
        self.calls, self.trained = [], trained

    def trains(self, exp):
        return exp.number in self.trained

    def begin(self, learner, exp):
        self.calls.append(("begin", exp.number, learner.global_step))

    def end(self, learner, exp):
        super().end(learner, exp)
        self.calls.append(("end", exp.number, learner.global_step))


def by_hand(make, strategy, exps, how):
    """The loop that everybody writes, with the seeds that the docstrings promise."""
    learner, step = make(), 0
    learner.strategy = strategy
    batches = iter(StreamBatches(exps, how, trains=strategy.trains))
    optimizer, scheduler = learner.optimizer.build(learner.parameters(), STEPS * len(exps))
    seed = derive_seed(how.seed, "stream")
    for exp in exps:
        strategy.begin(learner, exp)
        learner.train()
        for _ in range(STEPS):
            batch = next(batches)
            torch.manual_seed(derive_seed(seed, "step", step))
            z = learner(batch.x)
            torch.manual_seed(derive_seed(seed, "loss", step))
            value = learner.loss(z, batch.y).value
            if exp.number:
                value = value + strategy.weight * strategy.held.value(strategy.parameters)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            scheduler.step()
            step += 1
        strategy.end(learner, exp)
    return learner


def assert_same_weights(one, other):
    pairs = zip(one.state_dict().items(), other.state_dict().values(), strict=True)
    for name, (found, wanted) in ((n, (f, w)) for (n, f), w in pairs):
        assert torch.equal(found, wanted), name


def test_the_steps_are_those_of_a_loop_by_hand(tmp_path):
    strategy, other = EWC(weight=10.0), EWC(weight=10.0)
    learner, rows = learn_short_stream(maker(), strategy, stream(), training(tmp_path), nothing)
    wanted = by_hand(maker(), other, stream(), training(tmp_path))
    assert_same_weights(learner, wanted)
    assert torch.equal(strategy.means, other.means) and strategy.means.shape == (6, 4)
    assert not torch.equal(next(wanted.parameters()), next(maker()().parameters()))
    assert [row["steps"] for row in rows] == [STEPS] * 3
    assert all(row["memory_bytes"] > 0 and row["seconds"] > 0 for row in rows)


def test_without_state_of_the_optimiser_it_is_the_loop_over_fits(tmp_path):
    make = maker(SGD(lr=0.1, momentum=0.0, schedule="constant", warmup=0.0), dropout=0.0)
    one, two = FineTune(), FineTune()
    learner, _ = learn_short_stream(make, one, stream(), training(tmp_path / "a"), nothing)
    wanted, _ = learn_stream(make, two, stream(), training(tmp_path / "b"), nothing)
    assert_same_weights(learner, wanted)
    assert torch.equal(one.means, two.means)


def test_begin_and_end_are_called_in_order(tmp_path):
    strategy = Told()
    learn_short_stream(maker(), strategy, stream(), training(tmp_path), nothing)
    assert strategy.calls == [
        (what, number, STEPS * (number + (what == "end")))
        for number in range(3)
        for what in ("begin", "end")
    ]


@pytest.mark.parametrize("trained", [(1,), (0, 2), (2,), (0,), ()])
def test_experiences_without_steps_are_passed_over(tmp_path, trained):
    strategy = Told(trained)
    _, rows = learn_short_stream(maker(), strategy, stream(), training(tmp_path), nothing)
    assert [call[:2] for call in strategy.calls] == [
        (what, number) for number in range(3) for what in ("begin", "end")
    ]
    assert [row["steps"] for row in rows] == [STEPS * (n in trained) for n in range(3)]
    assert len(strategy.means) == 6
    assert read_checkpoint(tmp_path / "checkpoints/stream.ckpt")["results"] == rows


def test_nothing_to_train(tmp_path):
    learner, rows = learn_short_stream(
        maker(), Freeze(), stream(), training(tmp_path, max_epochs=0), nothing
    )
    assert_same_weights(learner, maker()())
    assert len(rows) == 3


def test_measured_where_asked(tmp_path):
    seen = []

    def measure(learner, strategy, exp, earlier):
        seen.append((exp.number, [row["accuracy"] for row in earlier]))
        return {"accuracy": exp.number / 10}

    for every, wanted in ((0, [2]), (1, [0, 1, 2]), (2, [1, 2]), (5, [2])):
        seen.clear()
        folder = tmp_path / f"{every}"
        _, rows = learn_short_stream(
            maker(), FineTune(), stream(), training(folder), measure, measure_every=every
        )
        assert [number for number, _ in seen] == wanted
        assert seen[-1][1] == [number / 10 for number in wanted[:-1]]
        assert [row["measured"] for row in rows] == [n in wanted for n in range(3)]
        assert ["accuracy" in row for row in rows] == [n in wanted for n in range(3)]


def same_state(one, other):
    """Equality of nested containers of tensors."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same_state(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same_state, one, other))
    return one == other


def untimed(rows):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


STRATEGIES = {
    "fine_tune": FineTune,
    "lwf": LwF,
    "ewc": lambda: EWC(weight=10.0),
    "icarl": lambda: ICaRL(exemplars=12),
    "joint": lambda: Joint(restarts=False),
}


@pytest.mark.parametrize("loss", [None, CenterLoss], ids=["triplet", "center"])
@pytest.mark.parametrize("name", STRATEGIES)
def test_stopped_and_resumed_it_ends_bit_identical(tmp_path, name, loss):
    whole = STRATEGIES[name]()
    exps = stream(cumulative=whole.cumulative)

    def make():
        return maker(loss=loss and loss(num_classes=0, dim=4))()

    wanted, rows = learn_short_stream(make, whole, exps, training(tmp_path / "a"), nothing)
    stop, part = StopFlag(), STRATEGIES[name]()
    end, ended = part.end, []

    def stop_after_two(learner, exp):
        end(learner, exp)
        ended.append(exp.number)
        stop.signal = "SIGTERM" if exp.number == 1 else None

    part.end = stop_after_two
    with pytest.raises(Interrupted, match="stopped by SIGTERM after experience 2"):
        learn_short_stream(make, part, exps, training(tmp_path / "b", stop=stop), nothing)
    assert ended == [0, 1]
    again = STRATEGIES[name]()
    learner, found = learn_short_stream(make, again, exps, training(tmp_path / "b"), nothing)
    assert_same_weights(learner, wanted)
    assert untimed(found) == untimed(rows)
    assert same_state(again.state_dict(), whole.state_dict())
    logs = [(tmp_path / run / "logs/stream/metrics.csv").read_text() for run in "ab"]
    assert logs[0] == logs[1] and logs[0].count("train/loss,") == sum(r["steps"] for r in rows)


@pytest.mark.parametrize(("settings", "begun"), [({"checkpoint_steps": 1}, 2), ({}, 0)])
def test_killed_it_goes_on_from_the_last_saved_boundary(tmp_path, settings, begun):
    whole = FineTune()
    wanted, rows = learn_short_stream(maker(), whole, stream(), training(tmp_path / "a"), nothing)
    killed = Told()

    def end(learner, exp):
        if exp.number == 2:
            raise OSError("power cut")
        KeepMeans.end(killed, learner, exp)

    killed.end = end
    how = training(tmp_path / "b", **settings)
    with pytest.raises(OSError, match="power cut"):
        learn_short_stream(maker(), killed, stream(), how, nothing)
    again = Told()
    learner, found = learn_short_stream(maker(), again, stream(), how, nothing)
    assert again.calls[0] == ("begin", begun, STEPS * begun)
    assert_same_weights(learner, wanted)
    assert torch.equal(again.means, whole.means) and untimed(found) == untimed(rows)


def test_a_finished_stream_is_not_learnt_again(tmp_path):
    learner, rows = learn_short_stream(maker(), Told(), stream(), training(tmp_path), nothing)
    strategy = Told()
    again, found = learn_short_stream(maker(), strategy, stream(), training(tmp_path), nothing)
    assert strategy.calls == [] and found == rows and len(strategy.means) == 6
    assert_same_weights(again, learner)


def test_what_belongs_to_another_run(tmp_path):
    stop = StopFlag()
    stop.signal = "SIGINT"
    with pytest.raises(Interrupted, match="stopped by SIGINT after experience 1"):
        learn_short_stream(maker(), FineTune(), stream(), training(tmp_path, stop=stop), nothing)
    with pytest.raises(CheckpointError, match="4 steps over 1 experiences, .* takes 2"):
        learn_short_stream(maker(), FineTune(), stream(), training(tmp_path, max_epochs=1), nothing)
    other = tmp_path / "fits"
    learn_stream(maker(), FineTune(), stream(), training(other), nothing)
    with pytest.raises(CheckpointError, match="another one fit"):
        learn_short_stream(maker(), FineTune(), stream(), training(other), nothing)


def test_what_needs_a_fit_of_its_own(tmp_path):
    with pytest.raises(ValueError, match=r"Joint draws the network anew .*restarts=False"):
        learn_short_stream(maker(), Joint(), stream(), training(tmp_path), nothing)
    how = training(tmp_path)
    object.__setattr__(how, "rotations", True)
    with pytest.raises(ValueError, match="rotated classes leave the loss"):
        learn_short_stream(maker(), FineTune(), stream(), how, nothing)
