"""Embedding images with a learner leaves it as it was; a frozen copy never changes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from simlearn.backbones.freeze import freeze_below
from simlearn.continual.network import (
    BATCH,
    FrozenNetwork,
    activations,
    embeddings,
    embeddings_from,
    tensor_bytes,
)
from simlearn.data.labelled_images import LabelledImages, PixelScale
from tests.continual import toy

SCALE = PixelScale(0.4, 0.3)


def pixels(images=None):
    return ((images or toy.patterns()).x.double() / 255 - 0.4).div(0.3).float()


def test_embeddings_are_of_eval_mode_on_the_scaled_pixels():
    learner = toy.learner(norm="batch").train()
    before = {k: v.clone() for k, v in learner.state_dict().items()}
    z = embeddings(learner, toy.patterns(), SCALE)
    assert learner.training and all(part.training for part in learner.modules())
    assert all(torch.equal(v, before[k]) for k, v in learner.state_dict().items())
    assert z.dtype == torch.float32 and not z.requires_grad
    with torch.no_grad():
        assert torch.allclose(z, learner.eval()(pixels()), atol=1e-5)


@pytest.mark.parametrize("cut", ["input", "block2", "conv4", "block4"])
def test_activations_lead_to_the_embeddings_from_every_cut(cut):
    learner, images = toy.learner(), toy.patterns()
    h = activations(learner, images, SCALE, cut)
    with torch.no_grad():
        assert torch.equal(h, learner.eval().backbone.low(SCALE(images.x), cut))
    assert torch.equal(embeddings_from(learner, h, cut), embeddings(learner, images, SCALE))


def test_more_images_than_one_batch_stay_in_order():
    images = toy.patterns(per_class=BATCH // 4 + 1)
    learner = toy.learner()
    z = embeddings(learner, images, SCALE)
    assert len(z) == len(images) > BATCH
    some = torch.tensor([0, BATCH - 1, BATCH, len(images) - 1])
    assert torch.allclose(z[some], embeddings(learner, images.rows(some), SCALE), atol=1e-5)


def test_each_part_gets_its_own_mode_back():
    learner = toy.learner(norm="batch").train()
    freeze_below(learner.backbone, "block2")
    learner.head.eval()
    modes = [part.training for part in learner.modules()]
    assert 0 < sum(modes) < len(modes)
    embeddings(learner, toy.patterns(), SCALE)
    assert [part.training for part in learner.modules()] == modes


def test_modes_come_back_after_an_error():
    learner = toy.learner().train()
    with pytest.raises(ValueError, match="ConvNet has no cut 'block9'"):
        activations(learner, toy.patterns(), SCALE, "block9")
    assert all(part.training for part in learner.modules())
    assert torch.is_grad_enabled()


def test_no_images_are_refused():
    none = toy.patterns().of([])
    for call in (
        lambda: embeddings(toy.learner(), none, SCALE),
        lambda: activations(toy.learner(), none, SCALE, "input"),
        lambda: embeddings_from(toy.learner(), torch.zeros(0, 6, 2, 2), "conv4"),
    ):
        with pytest.raises(ValueError, match="there are no images to embed"):
            call()


def test_embeddings_of_half_precision_come_as_float32():
    learner = toy.learner(normalise=False)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        z = embeddings(learner, toy.patterns(), SCALE)
    assert z.dtype == torch.float32
    assert torch.allclose(z, embeddings(learner, toy.patterns(), SCALE), atol=0.05)


@pytest.mark.parametrize("cut", ["input", "block3"])
def test_a_frozen_copy_is_the_network_of_its_day(cut):
    learner = toy.learner(norm="batch").train()
    images = toy.patterns()
    z = embeddings(learner, images, SCALE)
    h = activations(learner, images, SCALE, cut)
    frozen = FrozenNetwork(learner)
    toy.train(learner, toy.two_experiences()[0])
    assert not torch.allclose(embeddings(learner, images, SCALE), z, atol=1e-3)
    f, found = frozen(h.requires_grad_(), cut)
    assert f.shape == (32, learner.backbone.dim)
    assert torch.equal(found, z)
    assert not f.requires_grad and not found.requires_grad
    assert not any(p.requires_grad for p in frozen.parameters())
    assert not any(part.training for part in frozen.modules())
    assert learner.training and all(p.requires_grad for p in learner.parameters())


def test_bytes_of_a_frozen_copy():
    """Weights, the statistics of the batch norms and their int64 counters."""
    learner = toy.learner(norm="batch")
    floats = sum(p.numel() for p in learner.parameters())
    norms = [m for m in learner.modules() if isinstance(m, nn.BatchNorm2d)]
    floats += sum(2 * m.num_features for m in norms)
    assert len(norms) == 4
    assert FrozenNetwork(learner).bytes() == 4 * floats + 8 * len(norms)


def test_bytes_of_nested_tensors():
    state = {
        "a": torch.zeros(3, 2),
        "b": [torch.zeros(5, dtype=torch.uint8), (torch.zeros(2, dtype=torch.float64), "text", 3)],
        "c": {"d": {"e": torch.zeros((), dtype=torch.int64)}, "f": None},
    }
    assert tensor_bytes(state) == 24 + 5 + 16 + 8
    assert tensor_bytes({}) == tensor_bytes(None) == tensor_bytes([]) == 0


def test_a_view_counts_what_it_shows():
    assert tensor_bytes(torch.zeros(100)[:3]) == 12
    images = LabelledImages(torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64), torch.arange(2))
    assert tensor_bytes([images.x, images.y]) == 24 + 16
