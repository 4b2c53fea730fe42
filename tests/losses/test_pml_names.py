"""Names of pytorch-metric-learning: which there are, which not, and what each takes."""

from __future__ import annotations

import pytest
import torch
from pytorch_metric_learning import losses

from simlearn.losses.pml import PMLLoss
from simlearn.losses.pml_names import (
    LEFT_OUT,
    drawing_from,
    pml_classes,
    pml_object,
    pml_parameters,
)

NAMES = sorted(pml_classes("loss"))


def test_the_list_is_the_librarys():
    theirs = {
        name
        for name, thing in vars(losses).items()
        if isinstance(thing, type) and issubclass(thing, losses.BaseMetricLossFunction)
    }
    assert len(NAMES) >= 30
    assert theirs - set(NAMES) == theirs & set(LEFT_OUT)
    assert theirs & set(LEFT_OUT) == {
        "BaseMetricLossFunction",
        "GenericPairLoss",
        "ManifoldLoss",
        "VICRegLoss",
    }
    assert {"CosineSimilarity", "LpDistance"} <= set(pml_classes("distance"))
    assert {"MeanReducer", "SumReducer"} <= set(pml_classes("reducer"))


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "__init__",
        "__class__",
        "losses.TripletMarginLoss",
        "inspect",
        "torch",
        "c_f",
        "",
        "triplet_margin_loss",
        "TripletMarginLoss ",
        "tripletmarginloss",
    ],
)
def test_hostile_names_are_unknown(name):
    with pytest.raises(ValueError, match="PML has no loss .*There are: AngularLoss, ArcFaceLoss"):
        PMLLoss(name)
    with pytest.raises(ValueError, match="PML has no distance"):
        PMLLoss("ContrastiveLoss", distance=name)
    with pytest.raises(ValueError, match="PML has no reducer"):
        PMLLoss("ContrastiveLoss", reducer=name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("BaseMetricLossFunction", "it is a base class"),
        ("ManifoldLoss", "it takes no labels"),
        ("VICRegLoss", "it takes no labels"),
        ("CrossBatchMemory", "it wraps another one"),
        ("SelfSupervisedLoss", "it wraps another one"),
    ],
)
def test_names_left_out_say_why(name, why):
    with pytest.raises(ValueError, match=f"PML's {name} cannot be a loss here: {why}. There are"):
        PMLLoss(name)


def test_arguments_of_the_bases_count():
    assert {"margin", "scale", "sub_centers"} <= set(
        pml_parameters(losses.SubCenterArcFaceLoss)
    ) - set(pml_parameters(losses.NTXentLoss))
    assert pml_parameters(losses.RankedListLoss)["Tn"]
    assert not pml_parameters(losses.CosFaceLoss)["margin"]
    arguments = {"margin": 0.1, "scale": 8}
    assert PMLLoss("CosFaceLoss", 4, 6, arguments=arguments).loss.scale == 8
    assert pml_object("distance", "LpDistance").p == 2


def test_draws_come_from_the_generator_and_nothing_else_is_touched():
    before = torch.get_rng_state()
    draws, states = [], []
    for _ in range(2):
        g = torch.Generator().manual_seed(5)
        with drawing_from(g, torch.device("cpu")):
            draws.append(torch.rand(3))
        with drawing_from(g, torch.device("cpu")):
            draws.append(torch.rand(3))
        states.append(g.get_state())
        with drawing_from(g, torch.device("cpu")):
            pass
        assert torch.equal(g.get_state(), states[-1])
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(draws[0], draws[2]) and torch.equal(draws[1], draws[3])
    assert not torch.equal(draws[0], draws[1]) and torch.equal(states[0], states[1])
    with pytest.raises(KeyError), drawing_from(g, torch.device("cpu")):
        raise KeyError
    assert torch.equal(torch.get_rng_state(), before)
