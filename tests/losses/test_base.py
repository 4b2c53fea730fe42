"""What all losses share: the kinds of tuples, checks and their messages."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from simlearn.losses import (
    LossOutput,
    Pairs,
    Triplets,
    angular_loss,
    contrastive_loss,
    triplet_loss,
)
from simlearn.losses.base import (
    check_batch,
    check_choice,
    count_anchors,
    full_precision,
    positive_number,
)

LOSSES = (triplet_loss, contrastive_loss, angular_loss)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_float32(dtype):
    z = torch.randn(3, 2).to(dtype)
    assert full_precision(z).dtype == torch.float32
    assert torch.equal(full_precision(z), z.float())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_full_precision_stays_the_very_tensor(dtype):
    z = torch.randn(3, 2, dtype=dtype)
    assert full_precision(z) is z


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8, torch.bool])
def test_integer_labels_are_taken(dtype):
    assert check_batch(torch.zeros(4, 2), torch.zeros(4, dtype=dtype)) is None
    assert check_batch(torch.zeros(0, 2), torch.zeros(0, dtype=dtype)) is None
    z, y = torch.randn(6, 2, generator=torch.Generator().manual_seed(0)), torch.arange(6) % 2
    for loss in LOSSES:
        assert torch.equal(loss(z, y.to(dtype)).value, loss(z, y).value)


@pytest.mark.parametrize("loss", LOSSES)
def test_any_numbers_for_the_classes(loss):
    """Neighbours above 2^53 and 2^32, negative ones: only equality counts."""
    z = torch.randn(9, 3, generator=torch.Generator().manual_seed(0))
    y = torch.arange(9) % 3
    names = torch.tensor([2**62, 2**62 + 1, -(2**63)])
    assert float(loss(z, names[y]).value) == pytest.approx(float(loss(z, y).value), rel=1e-6)
    names = torch.tensor([5, 5 + 2**32, 5 + 2**33])
    assert float(loss(z, names[y]).value) == pytest.approx(float(loss(z, y).value), rel=1e-6)


@pytest.mark.parametrize(
    ("z", "y", "message"),
    [
        ((4,), (4,), r"^z must be \(B, d\) and y \(B,\), found \(4,\) and \(4,\)$"),
        ((4, 2), (3,), r"found \(4, 2\) and \(3,\)"),
        ((4, 2), (4, 1), r"found \(4, 2\) and \(4, 1\)"),
        ((4, 2, 1), (4,), r"found \(4, 2, 1\) and \(4,\)"),
        ((4, 2), (), r"found \(4, 2\) and \(\)"),
    ],
)
def test_wrong_shapes_are_named(z, y, message):
    for check in (check_batch, *LOSSES):
        with pytest.raises(ValueError, match=message):
            check(torch.zeros(z), torch.zeros(y, dtype=torch.int64))


def test_float_labels_are_refused():
    for check in (check_batch, *LOSSES):
        with pytest.raises(ValueError, match=r"^y must hold integer labels, found torch\.float32$"):
            check(torch.zeros(4, 2), torch.zeros(4))


def test_choices():
    assert check_choice("mining", "all", ("all", "hard")) is None
    with pytest.raises(ValueError, match="^mining is 'al', must be one of all, hard$"):
        check_choice("mining", "al", ("all", "hard"))


def test_positive_numbers():
    assert positive_number("margin", 1e-9) is None
    for value in (0, -1, float("nan")):
        with pytest.raises(ValueError, match=f"^margin is {value}, must be above 0$"):
            positive_number("margin", value)


def test_anchors():
    z = torch.zeros(4, 2)
    assert [count_anchors(z, k) for k in (None, 0, 3, 4)] == [4, 0, 3, 4]
    assert count_anchors(z[:0], None) == count_anchors(z[:0], 0) == 0
    for k in (-1, 5):
        message = f"^anchors is {k}, must be 0..4 for 4 embeddings$"
        for check in (count_anchors, lambda z, k: triplet_loss(z, torch.arange(4), anchors=k)):
            with pytest.raises(ValueError, match=message):
                check(z, k)


def test_tuples_are_interchangeable_with_pytorch_metric_learning():
    """Its order of pairs and triplets is ours, named or plain."""
    from pytorch_metric_learning.utils.loss_and_miner_utils import (
        get_all_pairs_indices,
        get_all_triplets_indices,
    )

    g = torch.Generator().manual_seed(0)
    z, y = torch.randn(9, 3, generator=g), torch.arange(9) % 3
    pairs, triplets = get_all_pairs_indices(y), get_all_triplets_indices(y)
    assert (Pairs._fields, Triplets._fields) == (("a1", "p", "a2", "n"), ("a", "p", "n"))
    for loss in LOSSES:
        for plain, named in ((pairs, Pairs(*pairs)), (triplets, Triplets(*triplets))):
            values = [float(loss(z, y, tuples).value) for tuples in (plain, named, list(plain))]
            assert values[0] == values[1] == values[2]
            if plain is pairs or loss is not contrastive_loss:
                assert values[0] == pytest.approx(float(loss(z, y).value), abs=1e-6)


def test_parts_of_an_output_are_its_own():
    one, two = (LossOutput(value=torch.zeros(()), active=0, total=0) for _ in range(2))
    assert one.parts == {} and one.parts is not two.parts
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.active = 3


@pytest.mark.parametrize("loss", LOSSES)
def test_an_output_holds_plain_counts_and_a_scalar(loss):
    out = loss(torch.randn(6, 2, requires_grad=True), torch.arange(6) % 2)
    assert type(out.active) is int and type(out.total) is int
    assert out.value.shape == () and out.value.requires_grad
