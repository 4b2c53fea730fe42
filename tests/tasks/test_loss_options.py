"""Every loss, miner and memory from a configuration: it trains, it resumes, it loads again."""

from __future__ import annotations

import pytest
import torch

import simlearn
from simlearn.config.compose import compose
from simlearn.config.errors import ConfigError
from simlearn.learners import MetricLearner, SiameseNetwork, TripletNetwork
from simlearn.losses import CenterLoss, CrossBatchMemory, PMLLoss
from simlearn.runner import resume, targets
from simlearn.tasks.training import load_best
from simlearn.trainer.checkpoint import KEY, AtomicCheckpointIO, CheckpointError, read_checkpoint

ARCFACE = ("loss=pml", "loss.name=ArcFaceLoss", "loss.arguments={margin: 20}")
TRAINABLE = (
    ("loss=angular", "loss.npair=0.5"),
    ("loss=center",),
    ARCFACE,
    ("loss=pml", "loss.name=TripletMarginLoss", "miner=pml", "miner.name=MultiSimilarityMiner"),
    ("loss=contrastive", "miner=all_pairs"),
    ("loss=angular", "miner=angular"),
    ("miner=distance_weighted",),
    ("memory=cross_batch", "memory.size=10", "loss.mining=semihard"),
)


@pytest.mark.parametrize("words_", TRAINABLE, ids=" ".join)
def test_resumed_in_the_middle_it_ends_the_same(words, tmp_path, monkeypatch, words_):
    folder, kept = tmp_path / "run", {}
    write = AtomicCheckpointIO.save_checkpoint

    def keep(self, checkpoint, path, storage_options=None):
        write(self, checkpoint, path, storage_options)
        kept[checkpoint[KEY]["step"]] = path.read_bytes()

    steps = ("trainer.max_steps=7", "trainer.checkpoint_steps=1")
    with monkeypatch.context() as patched:
        patched.setattr(AtomicCheckpointIO, "save_checkpoint", keep)
        report = simlearn.run("quickstart", [*words, *words_, *steps, f"run_dir={folder}"])
    assert report.metrics["map_at_r"].n > 0
    last = folder / "checkpoints/last.ckpt"
    wanted = read_checkpoint(last)["state_dict"]
    (folder / "metrics.json").unlink()
    last.write_bytes(kept[4])
    resume(folder, ["trainer.checkpoint_steps=0"])
    state = read_checkpoint(last)["state_dict"]
    assert state.keys() == wanted.keys()
    for name, value in wanted.items():
        assert torch.equal(value, state[name]), name
    z = simlearn.load(folder)(torch.zeros(2, 3, 4, 16, 16))
    assert torch.isfinite(z).all()


@pytest.mark.parametrize(
    ("words_", "text"),
    [
        (("miner=semihard", "loss.mining=hard"), "both choose the triplets: use miner=none, or"),
        (("miner=all_triplets", "loss=angular", "loss.pairs=one"), "both choose the pairs"),
        (("miner=semihard", "memory=cross_batch"), "a miner sees only the batch"),
        (("miner=batch_hard", "loss=center"), "CenterLoss takes no tuples"),
        (("memory=cross_batch", "loss=center"), "takes TripletLoss, ContrastiveLoss or Angular"),
        (("loss=pml", "loss.name=TripletMarginLos"), "Did you mean TripletMarginLoss"),
        (("loss=pml", "loss.name=os.system"), "PML has no loss 'os.system'"),
        (("miner=pml", "miner.name=BatchHardMine"), "Did you mean BatchHardMiner"),
        (("loss=pml", "loss.name=ArcFaceLoss", "loss.arguments={margn: 3}"), "'margn'"),
        (("loss=angular", "loss.alpha=90"), "alpha is 90.0, must be between 0 and 90"),
        (("loss=CrossBatchMemory",), "'loss' has no option 'CrossBatchMemory'"),
    ],
)
def test_what_does_not_go_together_is_told(make_parts, words_, text):
    with pytest.raises(ConfigError, match=text):
        make_parts("trainer.max_steps=1", *words_)


def test_a_loss_without_a_name_is_told(make_parts):
    with pytest.raises(ConfigError, match=r"loss\.name"):
        make_parts("trainer.max_steps=1", "loss=pml")


@pytest.mark.parametrize(
    ("words_", "kind"),
    [
        (("miner=semihard",), TripletNetwork),
        (("loss=contrastive", "miner=all_pairs"), SiameseNetwork),
        (("loss=angular",), MetricLearner),
        (("memory=cross_batch",), MetricLearner),
    ],
)
def test_the_learner_holds_what_was_chosen(make_parts, words_, kind):
    parts = make_parts("trainer.max_steps=1", *words_)
    learner = parts.learner(seed=3)
    assert type(learner) is kind
    assert learner.miner is parts.miner and learner.loss is parts.loss
    assert (parts.miner is not None) == any(word.startswith("miner=") for word in words_)
    if "memory=cross_batch" in words_:
        assert isinstance(parts.loss, CrossBatchMemory) and parts.loss.size == 1024
        assert parts.loss.queue.shape[1] == parts.head.dim


def test_none_leaves_a_group_out_as_null_does(make_parts):
    for word in ("none", "null"):
        assert make_parts("trainer.max_steps=1", f"miner={word}").miner is None
    composed = compose(["recipe=quickstart", "miner=none"], targets())
    assert composed.config.miner is None
    with pytest.raises(ConfigError, match="head: no option is chosen"):
        make_parts("trainer.max_steps=1", "head=none")


def test_a_loss_with_classes_grows_to_those_of_the_training_split(make_parts):
    for words_, kind in ((("loss=center",), CenterLoss), (ARCFACE, PMLLoss)):
        parts = make_parts("trainer.max_steps=1", *words_)
        assert isinstance(parts.loss, kind) and parts.loss.num_classes == 0
        learner = parts.learner(seed=0, classes=6)
        assert learner.loss.num_classes == 6
        grown = [p for p in learner.parameters() if 6 in p.shape]
        assert grown, "the optimiser is made from the grown weights"


def test_a_checkpoint_brings_its_number_of_classes(make_parts, words, tmp_path):
    folder = tmp_path / "run"
    simlearn.run("quickstart", [*words, "loss=center", "trainer.max_steps=2", f"run_dir={folder}"])
    learner = make_parts("trainer.max_steps=1", "loss=center").learner(seed=0)
    load_best(learner, folder)
    assert learner.loss.num_classes == 6 and learner.loss.seen.any()


def test_class_weights_depend_on_the_seed(make_parts):
    for words_ in (("loss=center",), ARCFACE):
        drawn = []
        for seed in (0, 0, 1):
            learner = make_parts("trainer.max_steps=1", *words_).learner(seed=seed, classes=6)
            drawn.append(next(p.detach() for p in learner.loss.parameters()))
        assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])


def test_a_checkpoint_that_claims_too_many_classes_is_refused(words, tmp_path):
    folder = tmp_path / "run"
    simlearn.run("quickstart", [*words, *ARCFACE, "trainer.max_steps=2", f"run_dir={folder}"])
    for path in (folder / "checkpoints").glob("*.ckpt"):
        content = read_checkpoint(path)
        content["state_dict"]["loss.classes"] = torch.tensor(10**9)
        AtomicCheckpointIO().save_checkpoint(content, path)
    with pytest.raises(CheckpointError, match=r"\.ckpt"):
        simlearn.load(folder)
