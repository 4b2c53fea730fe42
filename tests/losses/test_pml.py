"""Every loss of pytorch-metric-learning by name, against the library called directly."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning import distances, losses, reducers

from simlearn.losses.base import Pairs, Triplets
from simlearn.losses.pml import PMLLoss
from simlearn.losses.pml_names import pml_classes

NAMES = sorted(pml_classes("loss"))
NEEDED = {"RankedListLoss": {"margin": 0.4, "Tn": 2.0}}
WEIGHTS = {
    "ArcFaceLoss": ("W", 1),
    "CosFaceLoss": ("W", 1),
    "LargeMarginSoftmaxLoss": ("W", 1),
    "NormalizedSoftmaxLoss": ("W", 1),
    "P2SGradLoss": ("weight", 1),
    "ProxyAnchorLoss": ("proxies", 0),
    "ProxyNCALoss": ("proxies", 0),
    "SoftTripleLoss": ("fc", 1),
    "SphereFaceLoss": ("W", 1),
    "SubCenterArcFaceLoss": ("W", 1),
}
"""Losses with class weights: the weights' name and the axis of the classes."""
EVEN = sorted(set(NAMES) - {"NPairsLoss", "InstanceLoss", "SmoothAPLoss"})
"""NPairsLoss takes a class's first pair, InstanceLoss the k-th sample; SmoothAPLoss: see below."""
WITHOUT_TUPLES = ("InstanceLoss", "P2SGradLoss", "PNPLoss", "RankedListLoss")
D = 6


def made(name, classes=4, seed=0, **how):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        size = {"num_classes": classes, "embedding_size": D} if name in WEIGHTS else {}
        return PMLLoss(name, **size, **{"arguments": NEEDED.get(name), **how})


def direct(name, classes=4, seed=0, **how):
    """PML's own object with the weights of :func:`made`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        d = "descriptors_dim" if name == "P2SGradLoss" else "embedding_size"
        size = {"num_classes": classes, d: D} if name in WEIGHTS else {}
        return getattr(losses, name)(**size, **{**NEEDED.get(name, {}), **how})


def batch(seed=0, per_class=4, classes=4, dtype=torch.float32):
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(classes * per_class, D, generator=g, dtype=dtype)
    return z, torch.arange(classes).repeat_interleave(per_class)


def triplets(y):
    same = y[:, None] == y
    rows = [
        (a, p, n)
        for a in range(len(y))
        for p in range(len(y))
        for n in range(len(y))
        if a != p and same[a, p] and not same[a, n]
    ]
    return Triplets(*torch.tensor(rows[::3]).T.contiguous())


def test_which_losses_have_class_weights():
    assert {name for name in NAMES if made(name).needs_classes} == set(WEIGHTS)


@pytest.mark.parametrize("name", NAMES)
def test_every_loss_is_finite_and_trains_for_several_steps(name):
    loss = made(name)
    assert not list(loss.parameters()) or name in WEIGHTS
    for seed in range(3):
        z, y = batch(seed)
        z.requires_grad_()
        out = loss(z, y)
        assert out.value.shape == () and torch.isfinite(out.value)
        out.value.backward()
        assert torch.isfinite(z.grad).all() and z.grad.abs().sum() > 0
        assert out.total == (16 if name in WEIGHTS else 48)
        assert out.active == (out.total if out.value > 0 else 0)
    for weight in loss.parameters():
        assert torch.isfinite(weight.grad).all() and weight.grad.abs().sum() > 0


@pytest.mark.parametrize("name", NAMES)
def test_every_loss_equals_the_library(name):
    for seed, dtype in ((1, torch.float32), (2, torch.float64)):
        z, y = batch(seed, dtype=dtype)
        one, two = z.clone().requires_grad_(), z.clone().requires_grad_()
        out = made(name)(one, y)
        value = direct(name)(two, y)
        assert out.value.dtype == dtype
        assert float(out.value.detach()) == float(value.detach())
        out.value.backward()
        value.backward()
        assert torch.equal(one.grad, two.grad)


@pytest.mark.parametrize("name", NAMES)
def test_every_loss_takes_tuples_or_refuses_them(name):
    z, y = batch(3, per_class=3, classes=3)
    t = triplets(y)
    pairs = Pairs(t.a[::2], t.p[::2], t.a[1:6], t.n[1:6])
    for tuples, total in ((t, len(t.a)), (pairs, len(t.a[::2]) + 5)):
        if name in WITHOUT_TUPLES:
            with pytest.raises(ValueError, match=f"{name}: indices_tuple is not supported"):
                made(name)(z, y, tuples)
            continue
        out = made(name)(z, y, tuples)
        assert float(out.value.detach()) == float(direct(name)(z, y, tuple(tuples)).detach())
        assert out.total == total
        assert out.active == (total if out.value > 0 else 0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2], [1], []])
def test_batches_with_nothing_to_compare(name, labels):
    z = torch.randn(len(labels), D, generator=torch.Generator().manual_seed(1)).requires_grad_()
    out = made(name)(z, torch.tensor(labels, dtype=torch.int64))
    out.value.backward()
    assert torch.isfinite(out.value) and torch.isfinite(z.grad).all()
    value = float(out.value.detach())
    pairs = len(labels) * (len(labels) - 1) if value > 0 else 0  # not of the kind that counts
    assert out.total == (len(labels) if name in WEIGHTS else pairs)
    if not labels:
        assert float(out.value.detach()) == 0


def test_no_tuples_given_is_zero_with_a_graph():
    z, y = batch()
    empty = torch.zeros(0, dtype=torch.int64)
    for name in ("TripletMarginLoss", "ArcFaceLoss", "ContrastiveLoss"):
        for tuples in ((empty,) * 3, Pairs(empty, empty, empty, empty)):
            v = z.clone().requires_grad_()
            out = made(name)(v, y, tuples)
            out.value.backward()
            assert (float(out.value.detach()), out.active, out.total) == (0.0, 0, 0)
            assert v.grad.shape == z.shape and not v.grad.any()


@given(st.lists(st.integers(-2, 3), max_size=12), st.integers(0, 1000))
def test_total_counts_the_pairs_whose_anchor_has_a_negative(labels, seed):
    y = torch.tensor(labels, dtype=torch.int64)
    z = torch.randn(len(labels), D, generator=torch.Generator().manual_seed(seed))
    n = range(len(labels))
    pairs = sum(
        a != p and labels[a] == labels[p] and any(labels[k] != labels[a] for k in n)
        for a in n
        for p in n
    )
    out = made("TripletMarginLoss")(z, y)
    assert out.total == pairs
    assert out.active == (pairs if out.value > 0 else 0)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.integers(1, 4), st.sampled_from(EVEN), st.randoms())
def test_order_of_the_batch_does_not_matter(seed, per_class, name, random):
    z, y = batch(seed, per_class, dtype=torch.float64)
    order = list(range(len(y)))
    random.shuffle(order)
    one, two = made(name)(z, y), made(name)(z[order], y[order])
    assert float(one.value.detach()) == pytest.approx(float(two.value.detach()), abs=1e-5)
    assert one.total == two.total


def naive_smooth_ap(z, y, temperature=0.01):
    """Brown et al. 2020, equation 6, query by query."""
    s, b, value = torch.nn.functional.normalize(z, dim=1).double(), len(z), 0.0
    s = s @ s.T
    for q in range(b):
        mine = [j for j in range(b) if y[j] == y[q]]
        for j in mine:
            ahead = [torch.sigmoid((s[q, k] - s[q, j]) / temperature) for k in range(b)]
            among = 1 + sum(ahead[k] for k in mine if k != j)
            value += among / (1 + sum(ahead[k] for k in range(b) if k != j)) / len(mine)
    return 1 - float(value) / b


def test_smooth_ap_is_right_or_refused():
    z, y = batch(4, per_class=3, classes=3)
    order = torch.tensor([3, 0, 6, 5, 1, 8, 2, 7, 4])
    loss, mixed = made("SmoothAPLoss"), direct("SmoothAPLoss")(z[order], y[order])
    expected = naive_smooth_ap(z, y)
    assert float(loss(z[order], y[order]).value) == pytest.approx(expected, abs=1e-5)
    assert float(mixed) != pytest.approx(expected, abs=1e-2)  # what the library makes of it
    t = triplets(y)
    moved = tuple(torch.argsort(order)[part] for part in t)
    weighted = float(loss(z, y, t).value)
    assert float(loss(z[order], y[order], moved).value) == pytest.approx(weighted)
    z, y = batch(4, per_class=2)
    assert abs(float(direct("SmoothAPLoss")(z, y)) - naive_smooth_ap(z, y)) > 1e-2
    with pytest.raises(
        ValueError, match="as many classes as samples of each; found 4 classes in 8 sam"
    ):
        loss(z, y)
    with pytest.raises(ValueError, match="SmoothAPLoss: All classes must have the same number"):
        loss(z[:4], torch.tensor([0, 0, 0, 1]))


def test_any_integers_serve_as_labels_without_class_weights():
    z, y = batch(5)
    far = torch.tensor([-(2**40), 7, 2**40, 2**41])[y]
    for name in ("SmoothAPLoss", "NPairsLoss", "TripletMarginLoss"):
        assert float(made(name)(z, far).value) == float(made(name)(z, y).value)
    assert float(made("ArcFaceLoss")(z, y.int()).value) == float(made("ArcFaceLoss")(z, y).value)


def test_the_histogram_is_state_and_moves_in_training_only():
    loss, theirs = made("DynamicSoftMarginLoss"), direct("DynamicSoftMarginLoss")
    for seed in range(3):
        z, y = batch(seed)
        assert float(loss(z, y).value) == float(theirs(z, y))
    before = loss.loss.hist_.clone()
    assert torch.equal(loss.state_dict()["loss.hist_"][:10], theirs.hist_) and before.any()
    loss.eval()(*batch(9))
    assert torch.equal(loss.loss.hist_, before)
    fresh = made("DynamicSoftMarginLoss")
    fresh.load_state_dict(loss.state_dict())
    assert float(fresh(*batch(7)).value) == float(theirs(*batch(7)))


@pytest.mark.parametrize("name", ["P2SGradLoss", "DynamicSoftMarginLoss", "ProxyNCALoss"])
def test_training_goes_on_after_inference_mode(name):
    z, y = batch(1)
    loss, untouched = made(name), made(name)
    with torch.inference_mode():
        inside = loss.eval()(z * 1, y).value
    z.requires_grad_()
    out = loss.train()(z, y)
    out.value.backward()
    assert z.grad.abs().sum() > 0
    assert not any(t.is_inference() for t in loss.state_dict().values())
    assert float(out.value.detach()) == float(untouched(z, y).value.detach())
    assert float(inside) == float(made(name)(z, y).value.detach())


def test_half_precision_is_computed_in_float32():
    z, y = batch(2)
    for name in ("MultiSimilarityLoss", "ArcFaceLoss"):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = made(name)(z.to(torch.bfloat16), y)
        assert out.value.dtype == torch.float32
        assert float(out.value) == float(made(name)(z.to(torch.bfloat16).float(), y).value)


@pytest.mark.parametrize("name", sorted(WEIGHTS))
def test_growth_keeps_the_old_classes(name):
    weight, axis = WEIGHTS[name]
    loss = made(name)
    z, y = batch(6)
    loss(z, y)
    before, old = copy.deepcopy(loss.loss), getattr(loss.loss, weight).detach().clone()
    state = torch.get_rng_state()
    loss.grow(7)
    assert torch.equal(torch.get_rng_state(), state)
    new = getattr(loss.loss, weight)
    width = old.shape[axis]
    assert torch.equal(new.detach().narrow(axis, 0, width), old)
    assert new.shape[axis] == width // 4 * 7 and new.requires_grad
    rest = new.detach().narrow(axis, width, new.shape[axis] - width)
    assert torch.isfinite(rest).all() and torch.unique(rest).numel() > 1
    if hasattr(before, "get_logits"):
        assert torch.equal(loss.loss.get_logits(z)[:, :4], before.get_logits(z))
    assert loss.num_classes == 7 and int(loss.classes) == 7
    loss(z, y + 3).value.backward()
    assert new.grad.abs().sum() > 0
    parameters = list(loss.parameters())
    loss.grow(7)
    assert all(a is b for a, b in zip(loss.parameters(), parameters, strict=True))
    with pytest.raises(ValueError, match=r"grow\(3\): there are 7 classes, none is taken away"):
        loss.grow(3)


def test_a_grown_loss_costs_what_its_weights_say():
    # Softmax over unit columns: the loss of the old classes from the logits of all, by hand.
    loss = made("NormalizedSoftmaxLoss")
    loss.grow(6)
    z, y = batch(3)
    w = torch.nn.functional.normalize(loss.loss.W, dim=0)
    logits = torch.nn.functional.normalize(z, dim=1) @ w / 0.05
    expected = torch.logsumexp(logits, dim=1) - logits[torch.arange(16), y]
    assert float(loss(z, y).value.detach()) == pytest.approx(float(expected.mean()), rel=1e-5)


def test_the_draw_of_growth():
    rows = []
    for generator in (None, None, torch.Generator().manual_seed(3)):
        loss = made("ArcFaceLoss")
        loss.grow(9, generator=generator)
        rows.append(loss.loss.W.detach())
    assert torch.equal(rows[0], rows[1]) and not torch.equal(rows[0], rows[2])


@pytest.mark.parametrize("name", sorted(WEIGHTS))
@pytest.mark.parametrize("fresh", [0, 2, 5, 9])
def test_a_state_brings_its_shape(name, fresh):
    one, two = made(name, seed=1), made(name, classes=fresh, seed=2)
    one.grow(5)
    z, y = batch(8)
    before = list(two.parameters())
    torch.nn.ModuleDict({"loss": two}).load_state_dict(
        torch.nn.ModuleDict({"loss": one}).state_dict()
    )
    assert two.num_classes == 5
    theirs = two.state_dict()
    assert one.state_dict().keys() == theirs.keys()
    for key, kept in one.state_dict().items():  # what copies weigh is rounded by where they lie
        assert torch.equal(kept, theirs[key]), key
    values = [float(loss.double()(z.double(), y).value.detach()) for loss in (one, two)]
    assert torch.tensor(values[0], dtype=torch.float32) == torch.tensor(values[1]).float()
    assert (next(two.parameters()) is before[0]) == (fresh == 5)


def test_a_state_that_claims_too_many_classes_is_refused():
    loss = made("ArcFaceLoss")
    for count in (10**15, -1):
        state = {**loss.state_dict(), "classes": torch.tensor(count)}
        with pytest.raises(ValueError, match=f"the state claims {count} classes and holds 24 val"):
            loss.load_state_dict(state)
    with pytest.raises(RuntimeError, match="size mismatch"):
        loss.load_state_dict({**loss.state_dict(), "classes": torch.tensor(5)})


@pytest.mark.parametrize("learn", [False, True])
def test_margin_loss_has_a_beta_per_class_where_classes_are_given(learn):
    arguments = {"learn_beta": learn, "beta": 1.1, "nu": 0.1}
    loss = made("MarginLoss", num_classes=4, arguments=arguments)
    theirs = direct("MarginLoss", num_classes=4, **arguments)
    z, y = batch(2)
    assert float(loss(z, y).value.detach()) == float(theirs(z, y).detach())
    if learn:
        with torch.no_grad():
            loss.loss.beta.copy_(torch.arange(4.0))
    loss.grow(6)
    kept = [0.0, 1.0, 2.0, 3.0] if learn else [1.1] * 4
    assert loss.loss.beta.tolist() == pytest.approx([*kept, 1.1, 1.1])
    assert len(list(loss.parameters())) == learn
    fresh = made("MarginLoss", num_classes=1, arguments=arguments)
    fresh.load_state_dict(loss.state_dict())
    assert torch.equal(fresh.loss.beta, loss.loss.beta)
    with pytest.raises(ValueError, match="label 6 is out of range: there are 6 classes"):
        loss(z, y + 3)
    with pytest.raises(ValueError, match="MarginLoss keeps nothing per class and cannot grow"):
        made("MarginLoss").grow(3)


def test_distance_and_reducer_by_name():
    z, y = batch(7)
    how = {"distance": "CosineSimilarity", "reducer": "SumReducer"}
    loss = PMLLoss("TripletMarginLoss", arguments={"margin": 0.3, "swap": True}, **how)
    theirs = losses.TripletMarginLoss(
        margin=0.3,
        swap=True,
        distance=distances.CosineSimilarity(),
        reducer=reducers.SumReducer(),
    )
    assert float(loss(z, y).value) == float(theirs(z, y))
    for name in pml_classes("reducer"):
        if name != "DivisorReducer":
            assert torch.isfinite(made("ContrastiveLoss", reducer=name)(z, y).value)
    assert torch.isfinite(made("ProxyAnchorLoss", reducer="DivisorReducer")(z, y).value)


@pytest.mark.parametrize("name", ["DoNothingReducer", "MultipleReducers", "ClassWeightedReducer"])
def test_reducers_that_cannot_be_named(name):
    with pytest.raises(ValueError, match=f"PML's {name} cannot be a reducer here: it "):
        made("ContrastiveLoss", reducer=name)
    with pytest.raises(ValueError, match="TripletMarginLoss gives none"):
        made("TripletMarginLoss", reducer="DivisorReducer")


def test_drawn_triplets_follow_the_global_seed():
    z, y = batch(1, per_class=5)
    loss = made("TripletMarginLoss", arguments={"triplets_per_anchor": 2})
    values = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        values.append(float(loss(z, y).value))
    assert values[0] == values[1] != values[2]


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"name": "TripletLoss"}, "no loss 'TripletLoss'. Did you mean .*TripletMarginLoss"),
        ({"name": "ContrastiveLoss", "distance": "Cosine"}, "Did you mean CosineSimilarity"),
        ({"name": "ArcFaceLoss"}, "has class weights: give num_classes and embedding_size"),
        ({"name": "ArcFaceLoss", "num_classes": -1, "embedding_size": 2}, "num_classes is -1"),
        ({"name": "RankedListLoss"}, "RankedListLoss needs margin, Tn: give them in arguments"),
        (
            {"name": "ContrastiveLoss", "arguments": {"margin": 1}},
            "ContrastiveLoss has no plain argument 'margin'; there are: neg_margin, pos_margin",
        ),
        ({"name": "NTXentLoss", "arguments": {"reducer": "x"}}, "there are: temperature"),
        ({"name": "NTXentLoss", "arguments": {"__class__": 1}}, "no plain argument '__class__'"),
        (
            {"name": "NTXentLoss", "arguments": {"temperature": [1]}},
            "temperature must be a plain value, found list",
        ),
        (
            {"name": "CircleLoss", "distance": "LpDistance"},
            "CircleLoss: CircleLoss requires the distance metric to be CosineSimilarity",
        ),
        ({"name": "PNPLoss", "arguments": {"variant": "x"}}, "PNPLoss: variant=x but must be"),
        ({"name": "LargeMarginSoftmaxLoss", "arguments": {"margin": None}}, "class weights"),
    ],
)
def test_mistakes_are_named(how, text):
    with pytest.raises(ValueError, match=text):
        PMLLoss(**how)


def test_mistakes_in_a_batch_are_named():
    z, y = batch()
    loss = made("ArcFaceLoss")
    with pytest.raises(ValueError, match="label 4 is out of range: there are 4 classes"):
        loss(z, y + 1)
    with pytest.raises(ValueError, match="z has 5 values a row, ArcFaceLoss was made for 6"):
        loss(z[:, :5], y)
    with pytest.raises(ValueError, match="found 2 tensors instead of 3 or 4"):
        loss(z, y, (y, y))
    with pytest.raises(ValueError, match=r"z must be \(B, d\)"):
        loss(z, y[:3])
    with pytest.raises(ValueError, match="TripletMarginLoss: Triplet reduction not supported"):
        made("TripletMarginLoss", reducer="PerAnchorReducer")(z, y)


def test_a_configuration_can_give_the_arguments():
    from simlearn.config.hints import convert, fits
    from simlearn.config.targets import Target, arguments

    hint = arguments(Target(PMLLoss))["arguments"].hint
    given_values = {"margin": 0.2, "swap": True, "triplets_per_anchor": "all", "beta": None, "n": 3}
    assert fits(given_values, hint) and fits(None, hint)
    assert convert(given_values, hint) == given_values
    assert not fits({"margin": [1]}, hint) and not fits("margin", hint)


def test_the_histogram_holds_the_farthest_distances():
    """d_ap - d_an of 1.6 and more: PML itself writes beyond its last bin."""
    z = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 1e-3], [0.0, 1.0]], requires_grad=True)
    loss = made("DynamicSoftMarginLoss")
    for _ in range(2):
        value = loss(z, torch.tensor([0, 0, 1, 1])).value
        value.backward()
    assert torch.isfinite(value) and torch.isfinite(z.grad).all()


def test_pairs_of_different_classes_alone_count():
    out = made("ContrastiveLoss")(*batch(per_class=1))
    assert float(out.value.detach()) > 0 and out.active == out.total == 4 * 3
