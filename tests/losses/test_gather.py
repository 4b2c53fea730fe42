"""Two processes against one: what is gathered, its gradient, twenty steps, and faults on a rank."""

from __future__ import annotations

import re

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from simlearn.losses.gather import DTYPES, gather_embeddings
from tests import gather_ranks as ranks


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What the two processes saw: gathered, other layouts, trained, refused."""
    folder = tmp_path_factory.mktemp("gather")
    mp.spawn(ranks.work, (str(folder),), nprocs=ranks.WORLD)
    return [torch.load(folder / f"rank{r}.pt", weights_only=False) for r in range(ranks.WORLD)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", range(len(ranks.SIZES)))
def test_every_rank_sees_all_rows_in_order(seen, case, dtype):
    parts = [ranks.rows(case, r, n, dtype) for r, n in enumerate(ranks.SIZES[case])]
    for rank in range(ranks.WORLD):
        z, y, _ = seen[rank][0][case, dtype]
        assert z.dtype == dtype and y.dtype == torch.int64
        assert torch.equal(z, torch.cat([part for part, _ in parts]))
        assert torch.equal(y, torch.cat([part for _, part in parts]))
    assert sum(ranks.SIZES[case]) == 0 or int(y.max()) > 2**53


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", range(len(ranks.SIZES)))
def test_gradients_of_all_ranks_are_added(seen, case, dtype):
    sizes = ranks.SIZES[case]
    total = sum(ranks.weights(case, r, sum(sizes), dtype) for r in range(ranks.WORLD))
    for rank, wanted in enumerate(total.split(sizes)):
        assert torch.equal(seen[rank][0][case, dtype][2], wanted)


def test_any_layout_and_any_integer_labels(seen):
    whole = torch.arange(12.0).reshape(4, 3).t()
    for rank in range(ranks.WORLD):
        z, y = seen[rank][1]
        assert torch.equal(z, torch.cat([whole[:, 0:2], whole[:, 1:3]]))
        assert not z.requires_grad
        assert y.dtype == torch.int32 and y.tolist() == [0, 1, 2, 10, 11, 12]


@pytest.mark.parametrize("split", ranks.SPLITS)
@pytest.mark.parametrize("loss", ranks.LOSSES)
def test_two_processes_train_as_one(seen, loss, split):
    gradients, states = ranks.train(ranks.network(), ranks.LOSSES[loss], slice(None), 20)
    assert any(float(g.abs().max()) > 1e-3 for g in gradients.values())
    moved = max(float((states[-1][k] - v).abs().max()) for k, v in states[0].items())
    assert moved > 1e-2
    for rank in range(ranks.WORLD):
        own_gradients, own_states = seen[rank][2][loss, split]
        for name, value in gradients.items():
            assert (own_gradients[f"module.{name}"] - value).abs().max() < 1e-6, name
        for step, bound in ((0, 1e-6), (19, 1e-4)):
            for name, value in states[step].items():
                assert (own_states[step][f"module.{name}"] - value).abs().max() < bound, name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("length", r"embeddings of different length d on the ranks: \[4, 5\]"),
        ("type", r"different type on the ranks: \[torch.float32, torch.bfloat16\]. Every process"),
        ("gradient", r"different wish for a gradient on the ranks: \[0, 1\]"),
    ],
)
def test_what_differs_is_an_error_everywhere(seen, name, text):
    for rank in range(ranks.WORLD):
        assert re.search(text, seen[rank][3][name])


@pytest.mark.parametrize(
    ("name", "rank", "own"),
    [
        ("shape", 1, "z must be (B, d) and y (B,), found (3, 4) and (2,)"),
        ("axes", 1, "z must be (B, d) and y (B,), found (4,) and (3,)"),
        ("labels", 0, "y must hold integer labels, found torch.float32"),
        ("integers", 0, "z must hold real floating-point numbers, found torch.int64"),
    ],
)
def test_a_fault_of_one_rank_stops_all(seen, name, rank, own):
    assert seen[rank][3][name].startswith(own)
    assert seen[1 - rank][3][name] == (
        f"the batch of rank {rank} cannot be gathered; its own error says why"
    )


def test_alone_they_are_the_tensors_themselves(tmp_path):
    z, y = torch.randn(3, 2, requires_grad=True), torch.arange(3)
    assert all(a is b for a, b in zip(gather_embeddings(z, y), (z, y), strict=True))
    dist.init_process_group("gloo", f"file://{tmp_path}/meet", rank=0, world_size=1)
    try:
        assert all(a is b for a, b in zip(gather_embeddings(z, y), (z, y), strict=True))
    finally:
        dist.destroy_process_group()
