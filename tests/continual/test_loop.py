"""The loop: what a strategy may touch and keep, one class at a time, and runs that are killed."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch

from simlearn.continual import EBLL, EWC, MAS, SDC, FineTune, Freeze, ICaRL, Joint, LwF
from simlearn.continual import RepresentationReplay as Replaying
from simlearn.continual.loop import check_negatives, check_rotations, grow_tables, learn_stream
from simlearn.continual.measures import Measures
from simlearn.continual.network import tensor_bytes
from simlearn.continual.stream_state import StreamState
from simlearn.data.errors import DataError
from simlearn.data.randomness import torch_generator
from simlearn.learners.metric import MetricLearner
from simlearn.losses import CenterLoss, CrossBatchMemory, PMLLoss, TripletLoss
from simlearn.tasks.incremental import stream_facts
from simlearn.trainer.checkpoint import CheckpointError, read_checkpoint
from simlearn.trainer.interrupt import Interrupted, StopFlag
from tests.continual import toy

CUT = "block2"


def replaying(kind, new="real", **how):
    values = {"cut": CUT, "bank": 6, "prototype_samples": 20, **how}
    return Replaying(toy.GENERATORS[kind], new=new, **values)


WITHOUT_IMAGES = {
    "fine_tune": FineTune,
    "freeze": Freeze,
    "joint": Joint,
    "ewc": lambda: EWC(weight=10.0),
    "mas": lambda: MAS(weight=1.0),
    "lwf": LwF,
    "ebll": lambda: EBLL(code=5, steps=5, batch=16),
    "sdc": SDC,
    "vae": lambda: replaying("vae"),
    "conditional_vae": lambda: replaying("conditional_vae", "both"),
    "gaussian": lambda: replaying("gaussian", "generated", bank=0),
}
STRATEGIES = {**WITHOUT_IMAGES, "icarl": lambda: ICaRL(exemplars=12)}


def far_apart(**how):
    """A learner with a margin that no batch satisfies: every step depends on its images."""
    return toy.learner(loss=TripletLoss(margin=1.9), **how)


def learn(folder, strategy, sizes=(2, 2, 2), measure=None, network=far_apart, **how):
    """A run: the learner, the results and the strategy, as three values that can be compared."""
    learner, results = learn_stream(
        lambda: network(norm="batch"),
        strategy,
        toy.stream(sizes, cumulative=strategy.cumulative),
        toy.training(folder, **how),
        measure or toy.measures(sizes),
    )
    kept = [{k: v for k, v in entry.items() if k != "seconds"} for entry in results]
    return dict(learner.state_dict()), kept, strategy.state_dict()


def watching(look, sizes=(2, 2, 2)):
    """Measures that let a test look at the learner and the strategy after every experience."""
    measures, seen = toy.measures(sizes), []

    def measure(learner, strategy, exp, earlier):
        seen.append(look(learner, strategy, exp))
        return measures(learner, strategy, exp, earlier)

    return measure, seen


class Crash(Exception):
    """A process that ends in the middle."""


@pytest.fixture
def crash(monkeypatch):
    """Lets the n-th call of a method fail, before it does anything or after all of it."""
    with monkeypatch.context() as patch:

        def install(thing, name, n, *, after=False):
            original, calls = getattr(thing, name), itertools.count(1)

            def method(*args, **kwargs):
                number = next(calls)
                if number == n and not after:
                    raise Crash
                found = original(*args, **kwargs)
                if number == n:
                    raise Crash
                return found

            patch.setattr(thing, name, method)

        install.undo = patch.undo
        yield install


# What may change, and what may be kept


def below(learner, cut=CUT):
    stages = list(learner.backbone.stages)[: learner.backbone.position(cut)]
    names = tuple(f"backbone.stages.{stage}." for stage in stages)
    return {k: v.clone() for k, v in learner.state_dict().items() if k.startswith(names)}


@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize("new", ["real", "generated", "both"])
def test_parameters_and_buffers_below_the_cut_stay_bit_for_bit(tmp_path, new, shift):
    """With ``shift`` every batch passes the frozen layers, batch norms among them."""
    measure, seen = watching(lambda learner, *_: (below(learner), state_of(learner)))
    begun, strategy = [], replaying("gaussian", new)
    begin = strategy.begin
    strategy.begin = lambda learner, exp: begun.append(below(learner)) or begin(learner, exp)
    learn(tmp_path, strategy, measure=measure, shift=shift)
    buffers = [name for name in seen[0][0] if "running" in name or "batches" in name]
    assert len(buffers) == 6 and len(seen[0][0]) > 8
    assert not toy.same(seen[0][0], begun[0])
    for frozen in (begun[1], begun[2], seen[1][0], seen[2][0]):
        assert toy.same(frozen, seen[0][0])
    moved = {k for k, v in seen[2][1].items() if not torch.equal(v, seen[1][1][k])}
    assert all(any(part in k for k in moved) for part in ("block3", "conv4", "head"))
    tracked = "backbone.stages.block3.1.num_batches_tracked"
    assert [int(state[tracked]) for _, state in seen] == [3, 6, 9]  # in training mode above


def state_of(learner):
    return {name: value.clone() for name, value in learner.state_dict().items()}


def test_without_a_cut_those_layers_move(tmp_path):
    measure, seen = watching(lambda learner, *_: below(learner))
    learn(tmp_path, FineTune(), measure=measure)
    for one, two in itertools.pairwise(seen):
        moved = [name for name in one if not torch.equal(one[name], two[name])]
        assert len(moved) == len(one)


def images_in(state):
    """Tensors as large as an image in their last axes, whatever they are called."""
    shapes = [tuple(tensor.shape) for tensor in toy.tensors(state)]
    return [shape for shape in shapes if shape[-3:] == (1, 8, 8) or shape[-1:] == (64,)]


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_only_icarl_keeps_images(tmp_path, name):
    def look(learner, strategy, exp):
        everything = {k: v for k, v in vars(strategy).items() if k != "learner"}
        return images_in(strategy.state_dict()), images_in(everything)

    measure, seen = watching(look)
    learn(tmp_path, STRATEGIES[name](), measure=measure)
    found = [tuple(shape[-3:]) for parts in seen for part in parts for shape in part]
    assert found == ([] if name in WITHOUT_IMAGES else [(1, 8, 8)] * 2 * (2 + 4 + 6))
    content = read_checkpoint(tmp_path / "checkpoints/stream.ckpt")
    assert bool(images_in(content)) == (name not in WITHOUT_IMAGES)


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_what_is_written_down_about_every_experience(tmp_path, name):
    begun, strategy = [], STRATEGIES[name]()
    begin, images = strategy.begin, 16 * 24 * 4  # activations of an experience's images at the cut

    def counting(learner, exp):
        begin(learner, exp)
        at_the_cut = strategy.source(exp) != "input"
        begun.append(strategy.transient_bytes() + at_the_cut * images)

    strategy.begin = counting
    measure, seen = watching(lambda learner, strategy, _: strategy.memory_bytes())
    _, results, state = learn(tmp_path, strategy, measure=measure)
    assert [entry["transient_bytes"] for entry in results] == begun
    assert [entry["memory_bytes"] for entry in results] == seen
    needed = 6 * 8 * 64 if name == "joint" else 0  # the images of all classes, which come again
    assert seen[2] == tensor_bytes(state) + needed
    steps = [entry.get("steps") for entry in results]
    assert steps == ([3, None, None] if name == "freeze" else [3, 3, 3])
    assert [len(entry["ncm"]) for entry in results] == [1, 2, 3]
    assert results[0]["ncm"][0] > 0.5  # two classes that a few steps tell apart
    content = read_checkpoint(tmp_path / "checkpoints/stream.ckpt")
    kept = [{k: v for k, v in entry.items() if k != "seconds"} for entry in content["results"]]
    assert toy.same(kept, results)
    assert all(entry["seconds"] > 0 for entry in content["results"])


def test_experiences_that_train_nothing(tmp_path):
    weights, results, _ = learn(tmp_path, replaying("gaussian"), epochs=0)
    assert toy.same(weights, dict(far_apart(norm="batch").state_dict()))
    assert "steps" not in results[0] and not (tmp_path / "logs").exists()


def test_joint_training_begins_anew_each_time(tmp_path):
    seen = []
    for restarts in (True, False):
        strategy = Joint(restarts=restarts)
        strategy.begin = lambda learner, exp: seen.append(state_of(learner))
        learn(tmp_path / str(restarts), strategy)
    start = dict(far_apart(norm="batch").state_dict())
    assert [toy.same(state, start) for state in seen] == [True] * 4 + [False] * 2


# Activations that are computed once


@pytest.mark.parametrize("new", ["real", "generated", "both"])
def test_activations_that_are_computed_once_change_nothing(tmp_path, monkeypatch, new):
    shapes, step = [], MetricLearner.training_step

    def training_step(self, batch, batch_idx):
        shapes.append((self.at, tuple(batch.x.shape[1:])))
        return step(self, batch, batch_idx)

    monkeypatch.setattr(MetricLearner, "training_step", training_step)
    once = learn(tmp_path / "once", replaying("vae", new))
    assert shapes == [("input", (1, 8, 8))] * 3 + [(CUT, (6, 2, 2))] * 6
    shapes.clear()
    monkeypatch.setattr(Replaying, "source", lambda self, exp: "input")
    again = learn(tmp_path / "again", replaying("vae", new))
    assert shapes == [("input", (1, 8, 8))] * 9
    for one, two in zip(toy.tensors(once), toy.tensors(again), strict=True):
        assert torch.allclose(one.double(), two.double(), atol=1e-6)


def test_augmented_images_pass_the_whole_network(tmp_path, monkeypatch):
    seen, step = [], MetricLearner.training_step

    def training_step(self, batch, batch_idx):
        seen.append((self.at, batch.x.dtype, tuple(batch.x.shape[1:])))
        return step(self, batch, batch_idx)

    monkeypatch.setattr(MetricLearner, "training_step", training_step)
    moved = learn(tmp_path / "moved", replaying("gaussian"), shift=1)
    assert set(seen) == {("input", torch.float32, (1, 8, 8))}
    assert not toy.same(moved[0], learn(tmp_path / "still", replaying("gaussian"))[0])


def test_images_come_in_again_after_activations(tmp_path):
    measure, seen = watching(lambda learner, *_: learner.at)
    learn(tmp_path, replaying("gaussian"), measure=measure)
    assert seen == ["input"] * 3


# Negatives, rotations, tables

LONELY = (2, 1, 1)


@pytest.mark.parametrize("strategy", [FineTune(), LwF(), EWC(), MAS(), EBLL(), SDC()])
def test_one_new_class_without_replay_is_refused_at_once(tmp_path, strategy):
    text = (
        f"experience 2 brings one new class and {type(strategy).__name__} replays none of the old "
        r"ones, .* Use data.classes_per_experience=2 or more, a strategy that replays "
        r"\(strategy=icarl, strategy=representation_replay\), or loss=center"
    )
    with pytest.raises(DataError, match=text):
        learn(tmp_path, strategy, LONELY)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "make",
    [
        lambda: ICaRL(exemplars=12),
        lambda: replaying("gaussian", "real"),
        lambda: replaying("gaussian", "generated"),
        lambda: replaying("gaussian", "both"),
        lambda: replaying("gaussian", "real", bank=0, per_class=3),
        Joint,
        Freeze,
    ],
)
def test_one_class_at_a_time(tmp_path, make):
    strategy = make()
    measure, seen = watching(lambda learner, *_: state_of(learner), LONELY)
    _, results, state = learn(tmp_path, strategy, LONELY, measure=measure)
    assert len(state["means"]) == 4
    assert [entry["counts"] for entry in results] == [[10], [10, 5], [10, 5, 5]]
    for number, entry in enumerate(results):
        if number == 0 or not isinstance(strategy, Freeze):
            assert (entry["steps"], entry["empty_batches"]) == (3, 0)
    for one, two in itertools.pairwise(seen):
        assert isinstance(strategy, Freeze) == torch.equal(
            one["head.linear.weight"], two["head.linear.weight"]
        )


@pytest.mark.parametrize("strategy", [FineTune(), Joint(), ICaRL(), replaying("vae"), Freeze()])
def test_a_first_experience_of_one_class_is_refused(strategy):
    stream = toy.stream((1, 2), cumulative=strategy.cumulative)
    with pytest.raises(DataError, match="the first experience brings one .* data.base_classes=2"):
        check_negatives(strategy, stream, TripletLoss())
    check_negatives(strategy, stream, TripletLoss(), rotations=True)
    check_negatives(strategy, stream, CenterLoss(8, 0))


def test_what_has_negatives_passes():
    check_negatives(FineTune(), toy.stream((2, 2)), TripletLoss())
    for strategy in (ICaRL(), replaying("vae"), Joint(), Freeze()):
        check_negatives(strategy, toy.stream(LONELY, cumulative=strategy.cumulative), TripletLoss())
    check_negatives(FineTune(), toy.stream(LONELY), CenterLoss(8, 0))
    with pytest.raises(DataError, match="experience 3 brings one new class and FineTune"):
        check_negatives(FineTune(), toy.stream((2, 2, 1)), TripletLoss())


def test_a_softmax_learns_one_class_at_a_time_without_replay(tmp_path):
    measure, seen = watching(
        lambda learner, *_: (learner.loss.num_classes, state_of(learner)), LONELY
    )
    _, results, _ = learn(tmp_path, FineTune(), LONELY, measure, with_centres)
    assert [count for count, _ in seen] == [2, 3, 4]
    assert [entry["empty_batches"] for entry in results] == [0, 0, 0]
    assert all(state["loss.seen"].all() for _, state in seen)


def with_centres(**how):
    return toy.learner(loss=CenterLoss(8, 0), **how)


def test_rotated_classes_are_given_up_after_the_first_experience(tmp_path, monkeypatch):
    labels, step, tables = [], MetricLearner.training_step, []

    def training_step(self, batch, batch_idx):
        labels.append(set(batch.y.tolist()))
        tables.append(self.loss.num_classes)
        return step(self, batch, batch_idx)

    monkeypatch.setattr(MetricLearner, "training_step", training_step)
    strategy, kept = FineTune(), []
    end = strategy.end
    strategy.end = lambda learner, exp: kept.append(learner.loss.num_classes) or end(learner, exp)
    _, _, state = learn(tmp_path, strategy, network=with_centres, rotations=True, steps=8)
    assert set.union(*labels[:8]) == set(range(8)) and set.union(*labels[8:16]) == {2, 3}
    assert tables == [8] * 8 + [4] * 8 + [6] * 8
    assert kept == [2, 4, 6] and len(state["means"]) == 6


def test_rotations_give_a_single_class_its_negatives(tmp_path):
    _, results, _ = learn(tmp_path, ICaRL(exemplars=9), (1, 1, 1), rotations=True)
    assert [entry["empty_batches"] for entry in results] == [0, 0, 0]
    assert [len(entry["ncm"]) for entry in results] == [1, 2, 3]


@pytest.mark.parametrize(
    "loss",
    [
        PMLLoss("ArcFaceLoss", num_classes=0, embedding_size=8),
        CrossBatchMemory(TripletLoss(), 8, 16),
    ],
)
def test_a_loss_that_cannot_give_up_rotated_classes_is_refused_at_once(tmp_path, loss):
    text = (
        f"{type(loss).__name__} keeps something per class and cannot give up the rotated ones: use "
        "data.rotations=false"
    )
    with pytest.raises(DataError, match=text):
        learn(tmp_path, FineTune(), network=lambda **how: toy.learner(loss=loss), rotations=True)
    assert not list(tmp_path.iterdir())
    for kind in (CenterLoss(8, 0), TripletLoss(), PMLLoss("MarginLoss", 0, 8)):
        check_rotations(kind)


def test_class_weights_of_another_package_grow_with_the_classes(tmp_path):
    def network(**how):
        torch.manual_seed(0)
        return toy.learner(loss=PMLLoss("ArcFaceLoss", 0, 8), **how)

    measure, seen = watching(lambda learner, *_: learner.loss.num_classes)
    learn(tmp_path, FineTune(), measure=measure, network=network)
    assert seen == [2, 4, 6]


def test_new_rows_of_a_table_are_drawn_by_the_seed_and_the_experience():
    learner = toy.learner(loss=CenterLoss(8, 0))
    first, second, _ = toy.stream()
    grow_tables(learner, first, rotations=True, seed=5)
    assert learner.loss.num_classes == 8
    other = CenterLoss(8, 0)
    other.grow(8, generator=torch_generator(5, "classes", 0))
    assert toy.same(dict(learner.loss.state_dict()), dict(other.state_dict()))
    for loss in (learner.loss, other):
        loss.keep(2)
    grow_tables(learner, second, rotations=True, seed=5)
    assert learner.loss.num_classes == 4
    other.grow(4, generator=torch_generator(5, "classes", 1))
    assert toy.same(dict(learner.loss.state_dict()), dict(other.state_dict()))
    plain = toy.learner()
    grow_tables(plain, first, rotations=False, seed=5)  # nothing there that could grow


# Runs that are killed

WHOLE: dict[str, tuple] = {}


@pytest.fixture
def whole(tmp_path_factory):
    """The same run, not interrupted."""

    def run(name, **how):
        key = f"{name} {sorted(how)}"
        if key not in WHOLE:
            WHOLE[key] = learn(tmp_path_factory.mktemp("whole"), STRATEGIES[name](), **how)
        return WHOLE[key]

    return run


PLACES = {
    "begin": (Replaying, "begin", 2, {}),
    "first step": (MetricLearner, "training_step", 1, {}),
    "a step after a checkpoint": (MetricLearner, "training_step", 5, {"every": 1}),
    "a step of the next epoch": (MetricLearner, "training_step", 6, {"every": 1}),
    "a step without a checkpoint": (MetricLearner, "training_step", 5, {}),
    "end": (Replaying, "end", 2, {}),
    "end, all steps saved": (Replaying, "end", 2, {"every": 1}),
    "after end": (Replaying, "end", 2, {"after": True, "every": 1}),
    "first measure": (Measures, "__call__", 1, {}),
    "measure": (Measures, "__call__", 2, {"every": 2}),
    "before saving": (StreamState, "save", 3, {"every": 1}),
    "after saving": (StreamState, "save", 2, {"after": True, "every": 1}),
    "after the last": (StreamState, "save", 3, {"after": True, "every": 1}),
}


@pytest.mark.parametrize("name", ["vae", "conditional_vae"])
@pytest.mark.parametrize("place", list(PLACES))
def test_killed_anywhere_it_ends_bit_for_bit_the_same(tmp_path, crash, whole, place, name):
    thing, method, n, how = PLACES[place]
    every = how.get("every", 0)
    crash(thing, method, n, after=how.get("after", False))
    with pytest.raises(Crash):
        learn(tmp_path, STRATEGIES[name](), every=every)
    crash.undo()
    again, found = STRATEGIES[name](), whole(name)
    learner, results, _ = learn(tmp_path, again, every=every)
    assert toy.same(results, found[1])
    assert toy.same(learner, found[0])
    assert toy.same(again.state_dict(), found[2])
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["stream.ckpt"]


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_every_strategy_goes_on_where_it_was_killed_twice(tmp_path, crash, whole, name):
    """In the second step of the second experience, and while the third is measured."""
    if name != "freeze":
        crash(MetricLearner, "training_step", 5)
        with pytest.raises(Crash):
            learn(tmp_path, STRATEGIES[name](), every=1)
        crash.undo()
    crash(Measures, "__call__", 2)
    with pytest.raises(Crash):
        learn(tmp_path, STRATEGIES[name](), every=1)
    crash.undo()
    assert toy.same(learn(tmp_path, STRATEGIES[name](), every=1), whole(name))


def test_tables_of_classes_are_grown_before_the_weights_are_read(tmp_path, crash, whole):
    """In the first experience, with rotated classes, and in the second."""
    how = {"network": with_centres, "rotations": True}
    for n in (2, 6):
        crash(MetricLearner, "training_step", n)
        with pytest.raises(Crash):
            learn(tmp_path, FineTune(), every=1, **how)
        crash.undo()
    assert toy.same(learn(tmp_path, FineTune(), every=1, **how), whole("fine_tune", **how))


def test_a_complete_run_is_read_and_not_learnt_again(tmp_path, crash):
    found = learn(tmp_path, STRATEGIES["vae"]())
    crash(MetricLearner, "training_step", 1)
    assert toy.same(learn(tmp_path, STRATEGIES["vae"]()), found)


def test_the_checkpoint_of_an_earlier_experience_is_ignored_and_deleted(tmp_path, crash, whole):
    path = tmp_path / "checkpoints/experience.ckpt"
    crash(StreamState, "save", 2, after=True)
    with pytest.raises(Crash):
        learn(tmp_path, STRATEGIES["lwf"](), every=1)
    crash.undo()
    assert read_checkpoint(path)["simlearn"]["facts"]["experience"] == 1
    found = learn(tmp_path, STRATEGIES["lwf"]())
    assert not path.exists() and toy.same(found, whole("lwf"))


def test_a_complete_experience_leaves_no_checkpoint_of_its_training(tmp_path):
    path, seen, strategy = tmp_path / "checkpoints/experience.ckpt", [], FineTune()
    strategy.begin = lambda learner, exp: seen.append(path.exists())
    end = strategy.end
    strategy.end = lambda learner, exp: seen.append(path.exists()) or end(learner, exp)
    learn(tmp_path, strategy, every=1)
    assert seen == [False, True] * 3 and not path.exists()


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (2, "stopped by SIGTERM after step 2"),
        (3, "stopped by SIGTERM after experience 1"),
        (5, "stopped by SIGTERM after step 2"),
        (8, "stopped by SIGTERM after step 2"),
        (9, None),
    ],
)
def test_asked_to_stop_nothing_is_lost(tmp_path, monkeypatch, whole, step, text):
    """At an experience's last step it is completed first; at the very last the run ends."""
    stop, calls, original = StopFlag(), itertools.count(1), MetricLearner.training_step

    def training_step(self, batch, batch_idx):
        stop.signal = "SIGTERM" if next(calls) == step else stop.signal
        return original(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(MetricLearner, "training_step", training_step)
        if text is None:
            assert toy.same(learn(tmp_path, LwF(), stop=stop), whole("lwf"))
            return
        with pytest.raises(Interrupted, match=text):
            learn(tmp_path, LwF(), stop=stop)
    assert toy.same(learn(tmp_path, LwF()), whole("lwf"))


def test_asked_to_stop_where_nothing_is_trained(tmp_path, whole):
    stop, measures = StopFlag(), toy.measures()

    def measure(learner, strategy, exp, earlier):
        stop.signal = "SIGINT" if exp.number == 1 else None
        return measures(learner, strategy, exp, earlier)

    with pytest.raises(Interrupted, match="stopped by SIGINT after experience 2"):
        learn(tmp_path, Freeze(), measure=measure, stop=stop)
    assert toy.same(learn(tmp_path, Freeze()), whole("freeze"))


@pytest.mark.parametrize("n", [2, 5])
@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"data": "toy", "class order": "bee, ant"}, "another class order .ant, bee there, bee"),
        ({"data": "more", "class order": "ant, bee"}, "another data .toy there, more here"),
        (
            {"data": "toy", "class order": "ant, bee", "classes of the experiences": [4, 2]},
            r"another classes of the experiences .None there, \[4, 2\] here",
        ),
        (
            {"data": "toy", "class order": "ant, bee", "strategy": "LwF"},
            "another strategy .None there, LwF here",
        ),
    ],
)
def test_a_run_of_something_else_is_refused_by_name(tmp_path, crash, facts, text, n):
    """Killed in the first experience or in the second: what is there belongs to another run."""
    crash(MetricLearner, "training_step", n)
    with pytest.raises(Crash):
        learn(tmp_path, FineTune(), every=1, facts={"data": "toy", "class order": "ant, bee"})
    crash.undo()
    name = "experience" if n == 2 else "stream"
    with pytest.raises(CheckpointError, match=rf"{name}\.ckpt: was written with {text}"):
        learn(tmp_path, FineTune(), facts=facts)


def test_what_the_task_says_of_a_run_tells_others_from_it(tmp_path):
    data, sizes = toy.class_data(6), (2, 2, 2)
    learn(tmp_path, FineTune(), facts=stream_facts(data, sizes, FineTune()))
    others = {
        "class order": stream_facts(replace(data, names=data.names[::-1]), sizes, FineTune()),
        "classes of the experiences": stream_facts(data, (2, 4), FineTune()),
        "data": stream_facts(replace(data, fingerprint="other"), sizes, FineTune()),
        "strategy": stream_facts(data, sizes, LwF()),
    }
    for name, facts in others.items():
        with pytest.raises(CheckpointError, match=f"was written with another {name} "):
            learn(tmp_path, FineTune(), facts=facts)


def test_a_damaged_stream_is_refused(tmp_path):
    learn(tmp_path, FineTune())
    path = tmp_path / "checkpoints/stream.ckpt"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"stream\.ckpt: damaged"):
        learn(tmp_path, FineTune())
