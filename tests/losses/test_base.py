"""What all losses share: the kinds of tuples, checks and their messages."""

from __future__ import annotations

import pytest
import torch

from simlearn.losses import LossOutput, Pairs, Triplets, contrastive_loss, triplet_loss
from simlearn.losses.base import check_batch, check_choice, full_precision, positive_number


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


@pytest.mark.parametrize(
    ("z", "y", "message"),
    [
        ((4,), (4,), r"z must be \(B, d\) and y \(B,\), found \(4,\) and \(4,\)"),
        ((4, 2), (3,), r"found \(4, 2\) and \(3,\)"),
        ((4, 2), (4, 1), r"found \(4, 2\) and \(4, 1\)"),
        ((4, 2, 1), (4,), r"found \(4, 2, 1\) and \(4,\)"),
        ((4, 2), (), r"found \(4, 2\) and \(\)"),
    ],
)
def test_wrong_shapes_are_named(z, y, message):
    with pytest.raises(ValueError, match=message):
        check_batch(torch.zeros(z), torch.zeros(y, dtype=torch.int64))


def test_float_labels_are_refused():
    with pytest.raises(ValueError, match=r"y must hold integer labels, found torch\.float32"):
        check_batch(torch.zeros(4, 2), torch.zeros(4))


def test_choices():
    assert check_choice("mining", "all", ("all", "hard")) is None
    with pytest.raises(ValueError, match="mining is 'al', must be one of all, hard"):
        check_choice("mining", "al", ("all", "hard"))


def test_positive_numbers():
    assert positive_number("margin", 1e-9) is None
    for value in (0, -1, float("nan")):
        with pytest.raises(ValueError, match=f"margin is {value}, must be above 0"):
            positive_number("margin", value)


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
    for loss, plain, named in (
        (contrastive_loss, pairs, Pairs(*pairs)),
        (triplet_loss, triplets, Triplets(*triplets)),
    ):
        values = [float(loss(z, y, tuples).value) for tuples in (None, plain, named)]
        assert values[1] == values[2] == pytest.approx(values[0], abs=1e-6)


def test_parts_of_an_output_are_its_own():
    one, two = (LossOutput(value=torch.zeros(()), active=0, total=0) for _ in range(2))
    assert one.parts == {} and one.parts is not two.parts
