"""The memory against loops over the batch's anchors and a list of the rows before them."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from simlearn.losses import AngularLoss, ContrastiveLoss, CrossBatchMemory, TripletLoss
from tests.oracles.losses import (
    angular_dense,
    angular_loop,
    contrastive_dense,
    contrastive_loop,
    triplet_dense,
    triplet_loop,
)

TRIPLET = {"margin": 0.7}
SEMIHARD = {"margin": 0.7, "mining": "semihard", "squared": True}
HARD = {"margin": 0.7, "mining": "hard", "soft": True}
CASES = {
    "triplet": (TripletLoss(**TRIPLET), triplet_loop, triplet_dense, TRIPLET),
    "semihard": (TripletLoss(**SEMIHARD), triplet_loop, triplet_dense, SEMIHARD),
    "hard": (TripletLoss(**HARD), triplet_loop, triplet_dense, HARD),
    "contrastive": (
        ContrastiveLoss(margin=2.0, reduction="balanced"),
        contrastive_loop,
        contrastive_dense,
        {"margin": 2.0, "reduction": "balanced"},
    ),
    "angular": (AngularLoss(npair=0.5), angular_loop, angular_dense, {"npair": 0.5}),
}
cases = pytest.mark.parametrize("case", CASES)


def batches(seed, sizes, d=3, classes=4):
    g = torch.Generator().manual_seed(seed)
    return [
        (
            torch.randn(b, d, generator=g, dtype=torch.float64),
            torch.randint(classes, (b,), generator=g) * 2**33 - 9,
        )
        for b in sizes
    ]


def with_rows(z, y, kept):
    """The batch and the rows kept from earlier ones."""
    return (
        torch.cat([z, *(row[None] for row, _ in kept)]),
        torch.cat([y, *(label[None] for _, label in kept)]),
    )


@cases
@pytest.mark.parametrize(
    "sizes",
    [(4, 5, 3, 6, 4, 5), (3, 3, 3, 3, 3, 3), (7, 2, 25, 4, 0, 1, 9, 5), (9, 9, 4)],
    ids=["wraps", "divides", "larger than the queue", "exact"],
)
def test_equals_the_loops_and_their_gradient(case, sizes):
    """Anchors are the batch; a row after the other enters, the oldest leave."""
    loss, loop, dense, how = CASES[case]
    memory = CrossBatchMemory(loss, dim=3, size=9).double()
    kept: list = []
    for z, y in batches(3, sizes):
        all_z, all_y = with_rows(z, y, kept)
        leaf = z.clone().requires_grad_()
        out = memory(leaf, y)
        value, active, total = loop(all_z, all_y, anchors=len(z), **how)
        assert (out.active, out.total) == (active, total)
        assert out.value.item() == pytest.approx(value, rel=1e-10, abs=1e-12)
        out.value.backward()
        if len(z) and total:
            twin = z.clone().requires_grad_()
            dense(*with_rows(twin, y, kept), anchors=len(z), **how).backward()
            assert torch.allclose(leaf.grad, twin.grad, rtol=1e-9, atol=1e-11)
        kept = (kept + list(zip(z, y, strict=True)))[-9:]
        assert int(memory.filled) == len(kept)
        held = {tuple(row) for row in memory.queue[: len(kept)].tolist()}
        assert held == {tuple(row.tolist()) for row, _ in kept}
        if max(sizes) <= 9:
            assert int(memory.pointer) == sum(sizes[: int(memory.calls)]) % 9


@cases
def test_first_batch_is_the_plain_loss(case):
    loss = CASES[case][0]
    ((z, y),) = batches(4, (12,))
    memory = CrossBatchMemory(loss, dim=3, size=5)
    assert torch.equal(memory(z, y).value, loss(z, y).value)


@cases
def test_warmup_only_fills(case):
    loss, loop, _, how = CASES[case]
    memory = CrossBatchMemory(loss, dim=3, size=30, warmup=2).double()
    seen = batches(5, (5, 6, 7, 8))
    for number, (z, y) in enumerate(seen):
        kept = [(r, v) for b, labels in seen[:number] for r, v in zip(b, labels, strict=True)]
        wanted = loop(*with_rows(z, y, kept if number >= 2 else []), anchors=len(z), **how)
        out = memory(z, y)
        assert (out.active, out.total) == wanted[1:]
        assert float(out.value) == pytest.approx(wanted[0], rel=1e-10, abs=1e-12)
        assert int(memory.filled) == len(kept) + len(z)


def test_evaluation_looks_and_leaves_nothing():
    memory = CrossBatchMemory(TripletLoss(), dim=3, size=9).double()
    first, second, third = batches(6, (5, 6, 7))
    memory(*first)
    before = copy.deepcopy(memory.state_dict())
    memory.eval()
    values = [memory(*second).value for _ in range(2)]
    memory(*third)
    after = memory.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert torch.equal(*values)
    memory.train()
    assert torch.equal(memory(*second).value, values[0])
    assert int(memory.calls) == 2


@cases
def test_resumed_from_its_state_it_goes_on_bit_for_bit(case):
    loss = CASES[case][0]
    memory = CrossBatchMemory(loss, dim=3, size=11, warmup=1)
    seen = batches(7, (4, 5, 4, 5, 3, 6))
    for z, y in seen[:3]:
        memory(z, y)
    state = copy.deepcopy(memory.state_dict())
    assert set(state) == {"queue", "labels", "pointer", "filled", "calls"}
    assert int(state["pointer"]) == 13 % 11 and int(state["filled"]) == 11
    rest = [memory(z, y).value for z, y in seen[3:]]
    again = CrossBatchMemory(loss, dim=3, size=11, warmup=1)
    again.load_state_dict(state)
    assert all(
        torch.equal(value, again(z, y).value) for value, (z, y) in zip(rest, seen[3:], strict=True)
    )
    assert all(
        torch.equal(value, again.state_dict()[name]) for name, value in memory.state_dict().items()
    )
    lost = CrossBatchMemory(loss, dim=3, size=11, warmup=1)
    lost.load_state_dict({**state, "pointer": torch.tensor(7)})
    others = [lost(z, y).value for z, y in seen[3:]]
    assert torch.equal(others[0], rest[0]) and not torch.equal(others[1], rest[1])


def test_no_gradient_enters_the_queue():
    memory = CrossBatchMemory(ContrastiveLoss(), dim=3, size=20)
    weight = torch.eye(3, dtype=torch.float64, requires_grad=True)
    for z, y in batches(8, (5, 6, 7)):
        memory(z @ weight, y).value.backward()  # a second pass through a freed graph would raise
    assert not memory.queue.requires_grad and memory.queue.grad_fn is None
    assert list(memory.parameters()) == []


def test_the_graph_of_a_batch_outlives_the_next_one():
    """What the backward pass needs is not overwritten when the queue moves on."""
    for mining in ("all", "hard"):
        grads = []
        for late in (False, True):
            memory = CrossBatchMemory(TripletLoss(mining=mining), dim=3, size=6)
            first, second, third = batches(9, (6, 5, 6))
            memory(*first)
            leaf = second[0].requires_grad_()
            out = memory(leaf, second[1])
            if late:
                memory(*third)
            out.value.backward()
            grads.append(leaf.grad)
        assert grads[0].any() and torch.equal(*grads)


def test_kinds_of_numbers():
    (z, y), (more, labels) = batches(10, (8, 8))
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        memory = CrossBatchMemory(TripletLoss(), dim=3, size=8)
        memory(z.to(dtype), y.to(torch.int64))
        assert memory.queue.dtype == torch.float32
        assert torch.equal(memory.queue, z.to(dtype).float())
        out = memory(more.to(dtype), labels)
        assert out.value.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)


def test_in_a_module_and_without_gradients():
    net = nn.ModuleDict({"loss": CrossBatchMemory(AngularLoss(), dim=3, size=4)})
    assert "loss.pointer" in net.state_dict()
    (z, y), (more, labels) = batches(11, (4, 6))
    with torch.inference_mode():
        net["loss"](z, y)
    leaf = more.requires_grad_()
    net["loss"](leaf, labels).value.backward()
    assert leaf.grad.any()


def test_mistakes_are_named():
    for loss in (nn.MSELoss(), CrossBatchMemory(TripletLoss(), 2, 2)):
        message = (
            "^a cross-batch memory takes TripletLoss, ContrastiveLoss or AngularLoss, found "
            f"{type(loss).__name__}$"
        )
        with pytest.raises(ValueError, match=message):
            CrossBatchMemory(loss, dim=2, size=4)
    for dim, size, warmup in ((2, 0, 0), (0, 2, 0), (2, 2, -1)):
        message = f"^size is {size}, dim {dim} and warmup {warmup}: the first two must be at least"
        with pytest.raises(ValueError, match=message):
            CrossBatchMemory(TripletLoss(), dim=dim, size=size, warmup=warmup)
    memory = CrossBatchMemory(TripletLoss(), dim=3, size=4)
    z, y = torch.zeros(4, 3), torch.arange(4)
    with pytest.raises(
        ValueError, match="^a cross-batch memory finds its own tuples: leave tuples"
    ):
        memory(z, y, (y, y, y))
    with pytest.raises(ValueError, match="^z has 2 values a row, the memory 3$"):
        memory(z[:, :2], y)
    with pytest.raises(ValueError, match=r"z must be \(B, d\)"):
        memory(z, y[:2])
    assert int(memory.filled) == int(memory.calls) == 0


def test_labels_of_a_narrower_type_meet_those_of_the_queue():
    loss = CrossBatchMemory(ContrastiveLoss(), 2, 8)
    loss(torch.randn(2, 2), torch.tensor([256, 265]))
    out = loss(torch.zeros(2, 2), torch.tensor([0, 9], dtype=torch.uint8))
    wide = torch.tensor([0, 9, 256, 265])
    assert out.total == 1 + 4 and len(set(wide.tolist())) == 4
    assert not any(loss.labels[:2] == wide[0])  # 256 as uint8 would be 0: a wrong positive
    # all pairs are of different classes, so nothing pulls: with far points the loss is 0
    far = CrossBatchMemory(ContrastiveLoss(), 2, 8)
    far(torch.tensor([[9.0, 0.0], [0.0, 9.0]]), torch.tensor([256, 265]))
    apart = torch.tensor([[-9.0, 0.0], [0.0, -9.0]])
    assert float(far(apart, torch.tensor([0, 9], dtype=torch.uint8)).value) == 0.0
