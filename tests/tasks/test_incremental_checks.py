"""What does not fit together is told before anything is trained."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from simlearn.backbones import Conv3DNet
from simlearn.config.errors import ConfigError
from simlearn.data.errors import DataError
from simlearn.tasks.incremental_checks import (
    check_begun,
    check_images,
    check_run,
    check_split,
    check_strategy,
)
from simlearn.trainer.checkpoint import CheckpointError
from tests.tasks.incremental_case import GENERATOR, make_parts, patches, without

VAE = "incremental_triplet_vae"


def check(*words, counts=(4, 4, 4), sizes=(2, 1), recipe="incremental_triplet_finetune", data=None):
    parts = make_parts(*words, recipe=recipe)
    check_run(parts, data or patches(counts), sizes, seed=0)


def test_what_fits_passes():
    check(sizes=(1, 1, 1), recipe="incremental_center_finetune")
    check("strategy=icarl", "strategy.exemplars=3", sizes=(2, 1))
    check("strategy=joint", sizes=(2, 1))
    check(*GENERATOR, recipe=VAE)
    check("data.rotations=true", "strategy=icarl", sizes=(1, 2))
    check("evaluation.split=val", sizes=(2, 2), data=val_of(patches((4, 4, 4, 4))))


def val_of(data):
    return replace(data, splits={**data.splits, "val": data.splits["test"]})


def test_the_backbone_keeps_its_mode():
    parts = make_parts(*GENERATOR, recipe=VAE)
    for mode in (True, False):
        parts.backbone.train(mode)
        check_run(parts, patches((4, 4, 4)), (2, 1), seed=0)
        assert parts.backbone.training is mode


def test_no_image_to_be_measured_on():
    data = patches((4, 4, 4))
    with pytest.raises(
        DataError, match=r"split=val: class 'class 0' has no.*data\.val_per_class=N"
    ):
        check("evaluation.split=val", data=data)
    check_split("test", data)
    with pytest.raises(DataError, match="'class 1' has no image in that split"):
        check_split("val", without(val_of(data), "val", 1))
    for split in ("train", "test"):
        with pytest.raises(DataError, match=f"'class 2' has no images in the {split} split"):
            check(data=without(data, split, 2))


def test_images_that_the_backbone_does_not_take():
    data = patches((4, 4))
    with pytest.raises(
        DataError, match=r"1 channels and 8x8 pixels.*ConvNet.*backbone\.in_channels=1"
    ):
        check_images(make_parts("backbone.in_channels=3").backbone, data)
    with pytest.raises(DataError, match=r"Conv3DNet does not take \(.*or choose another backbone"):
        check_images(Conv3DNet(width=0.1, in_channels=1), data)


@pytest.mark.parametrize(
    ("words", "sizes", "text"),
    [
        ([], (2, 1), "experience 2 brings one new class and FineTune replays none"),
        (["strategy=ewc"], (2, 1), "EWC replays none"),
        (["strategy=icarl"], (1, 2), r"data\.base_classes=2"),
        (
            ["strategy=icarl", "strategy.exemplars=2"],
            (2, 1),
            r"strategy\.exemplars is 2: 2 exemplars are fewer than one for each of 3 classes",
        ),
        (
            ["strategy=icarl", "strategy.exemplars=null", "strategy.budget_bytes=130"],
            (2, 1),
            r"budget_bytes is 130: 2 exemplars of 64 bytes.*Use 192 or more",
        ),
    ],
)
def test_no_negatives_and_too_little_memory(words, sizes, text):
    with pytest.raises(ValueError, match=text):
        check(*words, sizes=sizes)


def test_rotations_of_a_loss_that_cannot_give_up_classes():
    with pytest.raises(
        DataError, match=r"PMLLoss keeps something per class.*data\.rotations=false"
    ):
        check("loss=pml", "loss.name=ArcFaceLoss", "data.rotations=true", sizes=(2, 1))


def test_a_generator_that_cannot_learn_a_class_or_the_cut():
    with pytest.raises(DataError, match=r"'class 2' has 1 training image.*at least 2.*icarl"):
        check(*GENERATOR, counts=(4, 4, 1), recipe=VAE)
    check("strategy=icarl", counts=(4, 4, 1))
    with pytest.raises(ConfigError, match=r"generator \(VAE\).*latent 0"):
        check(*GENERATOR, "generator.latent=0", recipe=VAE)


def test_other_strategies_look_at_nothing():
    parts = make_parts()
    check_strategy(parts.strategy, parts.backbone, patches((1, 1)))


def test_what_a_folder_holds_must_be_of_this_run(tmp_path):
    path, facts = tmp_path / "stream.ckpt", {"class order": "1, 0", "strategy": "ICaRL"}
    check_begun(path, facts)  # nothing there
    header = {"format_version": 1, "epoch": 0, "batch": 0, "step": 1, "facts": facts | {"more": 1}}
    torch.save({"simlearn": header, "state_dict": {}}, path)
    check_begun(path, facts)
    with pytest.raises(CheckpointError, match=r"another class order \(1, 0 there, 0, 1 here\)"):
        check_begun(path, facts | {"class order": "0, 1"})
    path.write_bytes(b"torn")
    with pytest.raises(CheckpointError, match="damaged"):
        check_begun(path, facts)
