"""All losses in every precision and mode of torch against loops in float64."""

from __future__ import annotations

import shutil

import pytest
import torch
from torch import nn

from simlearn.losses import AngularLoss, ContrastiveLoss, TripletLoss
from tests.oracles.losses import angular_loop, contrastive_loop, triplet_loop

WAYS = {
    "all": (TripletLoss, triplet_loop, {}),
    "squared": (TripletLoss, triplet_loop, {"squared": True, "reduction": "all"}),
    "semihard": (TripletLoss, triplet_loop, {"mining": "semihard", "margin": 1.0}),
    "hard": (TripletLoss, triplet_loop, {"mining": "hard"}),
    "soft": (TripletLoss, triplet_loop, {"soft": True}),
    "contrastive": (ContrastiveLoss, contrastive_loop, {"margin": 2.0}),
    "balanced": (ContrastiveLoss, contrastive_loop, {"reduction": "balanced"}),
    "angular": (AngularLoss, angular_loop, {}),
    "npair": (AngularLoss, angular_loop, {"alpha": 36.0, "npair": 0.5}),
}
TUPLES = tuple(torch.tensor(v) for v in ([0, 0, 1, 5, 5], [3, 6, 4, 2, 8], [1, 1, 3, 7, 0]))
ways = pytest.mark.parametrize("name", WAYS)
BOTH = [(name, None) for name in WAYS] + [
    (name, TUPLES) for name, (_, _, how) in WAYS.items() if "mining" not in how
]
mined_and_listed = pytest.mark.parametrize(
    ("name", "tuples"), BOTH, ids=[name + "-listed" * (tuples is not None) for name, tuples in BOTH]
)
DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def batch(seed=0, b=11, d=4):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(b, d, generator=g, dtype=torch.float64), torch.arange(b) % 3


def case(name, tuples=None):
    """The loss module and its loop."""
    kind, loop, how = WAYS[name]
    return kind(**how), lambda z, y: loop(z.double(), y, tuples, **how)


def gradient(loss, z, y, tuples):
    leaf = z.detach().clone().requires_grad_()
    out = loss(leaf, y, tuples)
    out.value.backward()
    return out, leaf.grad


@mined_and_listed
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_precision(name, tuples, dtype):
    """Half precision is the loss of the rounded embeddings, to the last digits of float32."""
    loss, loop = case(name, tuples)
    z, y = batch()
    z = z.to(dtype)
    out, grad = gradient(loss, z, y, tuples)
    value, active, total = loop(z, y)
    assert out.value.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    bound = 1e-12 if dtype == torch.float64 else 2e-7
    assert out.value.item() == pytest.approx(value, rel=bound)
    assert (out.active, out.total) == (active, total)
    exact = gradient(loss, z.double(), y, tuples)[1]
    assert grad.dtype == dtype
    assert torch.allclose(grad.double(), exact, rtol=2 * torch.finfo(dtype).eps, atol=1e-6)


@mined_and_listed
@pytest.mark.parametrize("layout", ["transposed", "every second", "backwards", "expanded"])
def test_any_layout(name, tuples, layout):
    loss, _ = case(name, tuples)
    z, y = batch()
    z = z[:1].expand(11, 4) if layout == "expanded" else z
    other = {
        "transposed": lambda: z.t().contiguous().t(),
        "every second": lambda: torch.stack([z, z + 1], dim=2).flatten(1)[:, ::2],
        "backwards": lambda: z.flip(0).contiguous()[torch.arange(10, -1, -1)].t().contiguous().t(),
        "expanded": lambda: z,
    }[layout]()
    assert not other.is_contiguous()
    found, wanted = loss(other, y, tuples), loss(z.contiguous(), y, tuples)
    assert (found.active, found.total) == (wanted.active, wanted.total)
    assert float(found.value) == pytest.approx(float(wanted.value), rel=1e-12, abs=1e-12)
    twice = torch.stack([y, y], dim=1)[:, 0]
    assert not twice.is_contiguous()
    assert float(loss(z, twice, tuples).value) == float(wanted.value)


@mined_and_listed
def test_without_gradients(name, tuples):
    loss, _ = case(name, tuples)
    z, y = batch()
    out = loss(z.float().requires_grad_(), y, tuples)
    for context in (torch.no_grad(), torch.inference_mode()):
        with context:
            again = loss(z.float().requires_grad_(), y, tuples)
        assert torch.equal(again.value, out.value.detach())
        assert (again.active, again.total) == (out.active, out.total)
        assert not again.value.requires_grad


@mined_and_listed
def test_bf16_autocast_loses_nothing(name, tuples):
    """Neither float32 nor float64 embeddings are taken down by autocast."""
    loss, loop = case(name, tuples)
    z, y = batch()
    for dtype in (torch.float32, torch.float64):
        plain, grad = gradient(loss, z.to(dtype), y, tuples)
        with torch.autocast("cpu", torch.bfloat16):
            cast, cast_grad = gradient(loss, z.to(dtype), y, tuples)
        assert torch.equal(plain.value, cast.value) and torch.equal(grad, cast_grad)
    net = nn.Linear(4, 3)
    with torch.autocast("cpu", torch.bfloat16):
        half = net(z.float())
        out = loss(half, y, tuples)
    out.value.backward()
    assert (half.dtype, out.value.dtype) == (torch.bfloat16, torch.float32)
    assert out.value.item() == pytest.approx(loop(half.detach(), y)[0], rel=2e-7)
    assert torch.isfinite(net.weight.grad).all() and net.weight.grad.any()


@ways
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_large_offsets(name, scale):
    """float32 rows around 1e4: by inner products nothing of a distance of 1 would be left."""
    loss, loop = case(name)
    z, y = batch(1)
    z = (scale * z + 1e4).float()
    value, active, total = loop(z, y)
    out = loss(z, y)
    assert (out.active, out.total) == (active, total)
    assert float(out.value) == pytest.approx(value, rel=2e-7)


@ways
@pytest.mark.parametrize("seed", range(4))
def test_norms_from_a_thousandth_to_a_million(name, seed):
    loss, loop = case(name)
    z, y = batch(seed)
    norms = 10 ** (9 * torch.rand(11, 1, generator=torch.Generator().manual_seed(seed)) - 3)
    z = (z * norms).float()
    value, _, total = loop(z, y)
    out, grad = gradient(loss, z, y, None)
    assert out.total == total
    assert out.value.item() == pytest.approx(value, rel=1e-6)
    assert torch.isfinite(grad).all()


@pytest.mark.parametrize("name", ["semihard", "npair"])
def test_compiled(name):
    compiled_equals_plain(name, None, "aot_eager")


@pytest.mark.slow
@mined_and_listed
def test_compiled_for_the_machine(name, tuples):
    compiled_equals_plain(name, tuples, "inductor" if shutil.which("g++") else "aot_eager")


def compiled_equals_plain(name, tuples, backend):
    """Value, counts and gradient of a compiled module, for two sizes of the batch."""
    torch._dynamo.reset()
    loss, _ = case(name, tuples)
    compiled = torch.compile(loss, backend=backend)
    for b in (11, 9):
        z, y = batch(2, b)
        out, grad = gradient(loss, z.float(), y, tuples)
        again, again_grad = gradient(compiled, z.float(), y, tuples)
        assert again.value.item() == pytest.approx(out.value.item(), rel=2e-7)
        assert (again.active, again.total) == (out.active, out.total)
        assert torch.allclose(grad, again_grad, rtol=1e-5, atol=1e-7)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device")
@mined_and_listed
@pytest.mark.parametrize("dtype", DTYPES)
def test_on_a_gpu(name, tuples, dtype):
    loss, loop = case(name, tuples)
    z, y = batch()
    z = z.to(dtype)
    there = None if tuples is None else tuple(part.cuda() for part in tuples)
    out, grad = gradient(loss, z.cuda(), y.cuda(), there)
    value, active, total = loop(z, y)
    assert out.value.is_cuda and grad.is_cuda
    assert out.value.item() == pytest.approx(value, rel=1e-12 if dtype == torch.float64 else 2e-7)
    assert (out.active, out.total) == (active, total)
    exact = gradient(loss, z.double(), y, tuples)[1]
    assert torch.allclose(grad.cpu().double(), exact, rtol=2 * torch.finfo(dtype).eps, atol=1e-6)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device")
@ways
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast_on_a_gpu(name, dtype):
    loss, _ = case(name)
    z, y = batch()
    plain, grad = gradient(loss, z.float().cuda(), y.cuda(), None)
    with torch.autocast("cuda", dtype):
        cast, cast_grad = gradient(loss, z.float().cuda(), y.cuda(), None)
    assert cast.value.item() == pytest.approx(plain.value.item(), rel=2e-7)
    assert torch.allclose(grad, cast_grad, rtol=1e-6, atol=1e-8)
