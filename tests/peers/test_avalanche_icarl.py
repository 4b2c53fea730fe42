"""Defects of Avalanche 0.6's iCaRL, shown on it, and that simlearn has none of them."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from simlearn.continual.herding_order import herding
from simlearn.continual.icarl import ICaRL
from simlearn.data.experiences import Experience
from simlearn.data.labelled_images import LabelledImages, PixelScale
from tests.continual import toy
from tests.continual.test_avalanche import Labelled, benchmark


def clouds(n=1500, d=16):
    """Unit vectors of one class."""
    g = torch.Generator().manual_seed(0)
    return F.normalize(torch.randn(n, d, generator=g) + 0.5, dim=1)


def their_exemplars(z, m):
    """What their plugin keeps of one class whose embeddings are its samples."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from avalanche.benchmarks import nc_benchmark
        from avalanche.training.supervised.icarl import _ICaRLPlugin

        data = Labelled(z, torch.zeros(len(z), dtype=torch.int64))
        made = nc_benchmark(data, data, 1, task_labels=False)
    plugin = _ICaRLPlugin(m)
    plugin.observed_classes = [0]
    plugin.construct_exemplar_set(
        SimpleNamespace(
            experience=made.train_stream[0],
            clock=SimpleNamespace(train_exp_counter=0),
            eval_mb_size=512,
            device=torch.device("cpu"),
            model=SimpleNamespace(feature_extractor=nn.Identity()),
        )
    )
    return plugin.x_memory[0]


def gap(z, chosen):
    """Distance of the mean of the chosen ones from the mean of all."""
    return float((chosen.mean(dim=0) - z.mean(dim=0)).norm())


def test_as_many_exemplars_as_asked_for_and_their_mean_nearer():
    """Their loop may pick a sample again and gives up after 1,000 rounds."""
    z = clouds()
    theirs, ours = their_exemplars(z, 1000), herding(z, 1000)
    assert len(ours) == len(ours.unique()) == 1000
    assert len(theirs) < 1000, "Avalanche fills the memory now: mend the page"
    assert gap(z, z[ours]) < 0.6 * gap(z, theirs)
    few, our_few = their_exemplars(z, 50), herding(z, 50)
    assert gap(z, z[our_few]) <= gap(z, few)


def test_their_other_herding_gives_the_same_order():
    """``HerdingSelectionStrategy`` is the exact greedy choice, over all samples."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from avalanche.training.storage_policy import HerdingSelectionStrategy
    z = clouds(200).double()
    theirs = HerdingSelectionStrategy.make_sorted_indices_from_features(None, z)
    assert herding(z, 60).tolist() == theirs[:60]


def test_a_benchmark_of_the_modern_kind():
    """Theirs asks the experience for its benchmark, which modern experiences do not have."""
    made = benchmark("modern")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from avalanche.training.supervised.icarl import _ICaRLPlugin
    strategy = SimpleNamespace(
        experience=made.train_stream[0], clock=SimpleNamespace(train_exp_counter=0)
    )
    with pytest.raises(AttributeError):
        _ICaRLPlugin(8).before_training_exp(strategy)


def test_prototypes_do_not_mix_in_mirrored_images():
    """Theirs always average every exemplar with its mirror image, wrong for digits and text."""
    learner = toy.learner().eval()
    x = toy.patterns().of([0]).x
    exp = Experience(
        0,
        2,
        0,
        (),
        (0,),
        LabelledImages(x, torch.zeros(8, dtype=torch.int64), torch.arange(8)),
        PixelScale(),
    )
    strategy = ICaRL(exemplars=8)
    strategy.begin(learner, exp)
    strategy.end(learner, exp)
    with torch.no_grad():
        plain, mirrored = (learner(PixelScale()(v)) for v in (x, x.flip(3)))
    own = F.normalize(plain.mean(dim=0), dim=0)
    mixed = F.normalize(own + F.normalize(mirrored.mean(dim=0), dim=0), dim=0)
    assert torch.allclose(strategy.prototypes().z[0], own, atol=1e-5)
    assert (own - mixed).norm() > 0.01
