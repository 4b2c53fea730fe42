"""What every generator promises: order, determinism, states, refusals."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.generators.gaussian import GaussianGenerator
from tests.generators.clouds import MAKERS, SHAPE, cloud, same_state, seeded

every = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


def fitted(make, classes=(0, 1, 2), **how):
    net = make(**how)
    net.fit(*cloud(classes), generator=seeded(1))
    return net


@every
def test_shapes_types_and_order(make):
    net = make()
    assert net.classes == ()
    net.fit(*cloud((5, 2, 9)), generator=seeded())
    assert net.classes == (2, 5, 9)
    h, y = net.sample((9, 2), 4, generator=seeded())
    assert (h.shape, h.dtype) == ((8, *SHAPE), torch.float32)
    assert (y.tolist(), y.dtype) == ([9] * 4 + [2] * 4, torch.int64)
    assert not h.requires_grad
    assert torch.isfinite(h).all()
    assert abs(float(h[:4].mean()) - 12) < 3 and abs(float(h[4:].mean()) - 5) < 3


@every
def test_nothing_to_draw(make):
    net = make()
    for classes, n in (((), 4), ((), 0)):
        h, y = net.sample(classes, n)
        assert (h.shape, y.shape, y.dtype) == ((0, *SHAPE), (0,), torch.int64)
    net = fitted(make)
    h, y = net.sample((1, 2), 0)
    assert (h.shape, y.shape, h.dtype) == ((0, *SHAPE), (0,), torch.float32)


@every
def test_a_class_drawn_first_does_not_depend_on_what_follows(make):
    net = fitted(make)
    alone = net.sample((2,), 3, generator=seeded(4))[0]
    assert torch.equal(net.sample((2, 0, 2), 3, generator=seeded(4))[0][:3], alone)
    again = net.sample((2, 2), 3, generator=seeded(4))[0]
    assert torch.equal(again[:3], alone) and not torch.equal(again[3:], alone)


@every
def test_a_fit_is_a_function_of_data_and_generator(make):
    one, two = fitted(make), make()
    h, y = cloud((0, 1, 2))
    torch.manual_seed(99)
    before = torch.get_rng_state()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        two.fit(h, y, generator=seeded(1))
        mixed = two.sample((1,), 5, generator=seeded(2))[0]
    assert same_state(one.state_dict(), two.state_dict())
    with torch.inference_mode():
        three = make()
        three.fit(h.clone(), y.clone(), generator=seeded(1))
        drawn = three.sample((1,), 5, generator=seeded(2))[0]
    assert same_state(one.state_dict(), three.state_dict())
    expected = one.sample((1,), 5, generator=seeded(2))[0]
    assert torch.equal(drawn, expected) and torch.equal(mixed, expected)
    assert torch.equal(before, torch.get_rng_state())
    assert not any(buffer.requires_grad for buffer in one.buffers())
    assert list(one.parameters()) == []


@every
def test_without_a_generator_the_seed_is_fixed(make):
    one, two = make(), make()
    for net in (one, two):
        net.fit(*cloud((0, 1)))
    assert same_state(one.state_dict(), two.state_dict())
    assert torch.equal(one.sample((0,), 3)[0], two.sample((0,), 3)[0])


@every
def test_rows_are_read_whatever_their_layout(make):
    h, y = cloud((0, 1))
    one, two = make(), make()
    one.fit(h, y, generator=seeded())
    strided = h.transpose(1, 2).contiguous().transpose(1, 2).requires_grad_()
    two.fit(strided, y.to(torch.int32), generator=seeded())
    assert same_state(one.state_dict(), two.state_dict())
    three = make()
    three.fit(h.to(torch.bfloat16), y, generator=seeded())
    assert three.mean.dtype == torch.float32


@every
def test_state_restores_classes_and_samples(make):
    net = fitted(make)
    state = copy.deepcopy(net.state_dict())
    for new in (make(), fitted(make, classes=(7,))):
        new.load_state_dict(state)
        assert new.classes == (0, 1, 2)
        assert same_state(new.state_dict(), state)
        one = new.sample((2, 0), 6, generator=seeded(3))
        assert torch.equal(one[0], net.sample((2, 0), 6, generator=seeded(3))[0])
        assert new.memory_bytes() == net.memory_bytes()
    empty = make()
    empty.load_state_dict(make().state_dict())
    assert empty.classes == ()


@every
def test_a_restored_generator_goes_on_as_the_first_would(make):
    net = fitted(make)
    new = make()
    new.load_state_dict(copy.deepcopy(net.state_dict()))
    for one in (net, new):
        one.fit(*cloud((4,)), generator=seeded(8))
    assert same_state(net.state_dict(), new.state_dict())


@every
def test_a_state_taken_before_a_fit_stays_as_it_was(make):
    net = fitted(make, classes=(0, 1))
    state = net.state_dict()
    kept = copy.deepcopy(state)
    net.fit(*cloud((2, 3)), generator=seeded())
    assert same_state(state, kept)


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "ConditionalVAE"])
def test_earlier_classes_stay_bit_for_bit(name):
    net = fitted(MAKERS[name], classes=(0, 1))
    state, drawn = copy.deepcopy(net.state_dict()), net.sample((0, 1), 5, generator=seeded(2))[0]
    net.fit(*cloud((2, 3)), generator=seeded(6))
    assert net.classes == (0, 1, 2, 3)
    assert all(torch.equal(value[:2], state[key]) for key, value in net.state_dict().items())
    assert torch.equal(net.sample((0, 1), 5, generator=seeded(2))[0], drawn)


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "ConditionalVAE"])
def test_classes_together_equal_one_by_one(name):
    together, single = MAKERS[name](), MAKERS[name]()
    h, y = cloud((0, 1, 2))
    together.fit(h, y, generator=seeded(1))
    g = seeded(1)
    for label in (0, 1, 2):
        single.fit(h[y == label], y[y == label], generator=g)
    assert same_state(together.state_dict(), single.state_dict())


@every
def test_nonnegative_samples_are_cut_off_at_zero(make):
    h, y = cloud((0, 1))
    free, cut = make(), make(nonnegative=True)
    for net in (free, cut):
        net.fit(h - 3, y, generator=seeded())
    expected = free.sample((0, 1), 30, generator=seeded(1))[0]
    assert (expected < 0).any()
    assert torch.equal(cut.sample((0, 1), 30, generator=seeded(1))[0], expected.clamp_min(0))


@every
def test_constant_features_and_twins_are_no_trouble(make):
    h, y = cloud((0, 1))
    h[:, 0, 0] = 7.0
    h[y == 1] = h[y == 1][:1]  # a class of one and the same sample
    net = make()
    net.fit(h, y, generator=seeded())
    drawn, _ = net.sample((0, 1), 50, generator=seeded())
    assert torch.isfinite(drawn).all()
    spread = float(h[y == 0].flatten(1).std(dim=0).mean())
    assert float((drawn[:50, 0, 0] - 7).abs().max()) < 0.5 * spread
    assert torch.allclose(drawn[50:], h[y == 1][:1], atol=1e-3)


@every
def test_two_samples_are_enough(make):
    net = make()
    net.fit(*cloud((0, 1), n=2), generator=seeded())
    assert torch.isfinite(net.sample((0, 1), 20)[0]).all()


@every
def test_refusals_leave_everything_as_it_was(make):
    net = fitted(make)
    name, state = type(net).__name__, copy.deepcopy(net.state_dict())
    h, y = cloud((3, 4))
    one = torch.cat([h[:1], h[40:]]), torch.cat([y[:1], y[40:]])
    with pytest.raises(ValueError) as caught:
        net.fit(*one)
    assert str(caught.value) == (
        f"class 3 has 1 sample, {name} needs at least 2 of each class: give more images of it, "
        "or keep images with strategy=icarl"
    )
    with pytest.raises(ValueError, match="class 2 was fitted before: fit each class once"):
        net.fit(*cloud((2, 3)))
    with pytest.raises(ValueError, match=f"{name} has no sample to learn from"):
        net.fit(h[:0], y[:0])
    wrong = f"{name} was made for activations \\(N, 2, 3\\) and integer labels \\(N,\\), found"
    for bad in ((h.flatten(1), y), (h, y[:-1]), (h, y.float()), (h, y[:, None])):
        with pytest.raises(ValueError, match=wrong):
            net.fit(*bad)
    h[3, 0, 0] = torch.nan
    with pytest.raises(ValueError, match="activations are not finite; did the training diverge?"):
        net.fit(h, y)
    with pytest.raises(ValueError, match="class 8 was never fitted; there are: 0, 1, 2"):
        net.sample((0, 8), 2)
    with pytest.raises(ValueError, match="class 8 was never fitted; there are: none"):
        make().sample((8,), 0)
    with pytest.raises(ValueError, match="n is -1, must not be negative"):
        net.sample((0,), -1)
    assert same_state(net.state_dict(), state)


@every
def test_a_foreign_state_is_refused(make):
    state = fitted(make).state_dict()
    for bad in (
        {**state, "mean": state["mean"][:2]},  # tables of different lengths
        {**state, "mean": torch.zeros(3, 5)},
        {**state, "labels": torch.zeros(())},
        {**state, "stranger": torch.zeros(1)},
        {key: value for key, value in state.items() if key != "mean"},
    ):
        with pytest.raises(RuntimeError, match="mean|labels|stranger"):
            make().load_state_dict(bad)
    other = GaussianGenerator((5,))
    other.fit(*cloud((0,), shape=(5,)))
    with pytest.raises(RuntimeError):
        make().load_state_dict(other.state_dict())


@pytest.mark.parametrize("shape", [(), (0,), (3, 0)])
def test_a_shape_without_values_is_refused(shape):
    with pytest.raises(ValueError, match="needs at least one value of each size"):
        GaussianGenerator(shape)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=4, unique=True), st.randoms())
def test_order_of_classes_and_of_the_rows_of_others_does_not_matter(labels, random):
    h, y = cloud(labels, n=6)
    blocks = list(range(len(labels)))
    random.shuffle(blocks)
    order = torch.cat([torch.arange(6 * k, 6 * k + 6) for k in blocks])
    one, two = GaussianGenerator(SHAPE), GaussianGenerator(SHAPE)
    one.fit(h, y)
    two.fit(h[order], y[order])
    assert one.classes == two.classes == tuple(sorted(labels))
    for label in labels:
        first, second = (net.sample((label,), 3, generator=seeded())[0] for net in (one, two))
        assert torch.equal(first, second)
