import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.aggregate import WEIGHTS, aggregate_scores
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.mask_plan import COMPLEMENT, ONLY, UNION, PlannedMask, plan_masks
from simlearn.analysis.neuron_protocol import NeuronMasks
from simlearn.analysis.neuron_set import NeuronSet
from simlearn.analysis.selection import select_neurons
from tests.analysis.naive_miner import select as naive_select

LAYERS, WIDTH = 4, 50
NAMES = ("text", "special", "image")
DATASETS = ("easy_vqa", "text")
RATIOS = (0.05, 0.1, 0.3)


def random_scores(seed=0, *, image_in_text=False):
    """``(2, 5, 3, 4, 50)`` in [0, 1]; the second data set has no image."""
    g = torch.Generator().manual_seed(seed)
    scores = torch.rand(2, 5, 3, LAYERS, WIDTH, generator=g, dtype=torch.float64)
    if not image_in_text:
        scores[1, :, 2] = 0
    return scores


def protocol(**changed):
    given = {"ratio": 0.1, "ratios": RATIOS, "controls": 3, **changed}
    return NeuronMasks(**given)


def plan(scores=None, *, seed=0, datasets=DATASETS, names=NAMES, **changed):
    scores = random_scores() if scores is None else scores
    return plan_masks(scores, datasets, names, protocol(**changed), model="f00d", seed=seed)


def rows(neurons):
    return {tuple(r) for r in neurons.union().tolist()}


@pytest.mark.parametrize("strategy", ["LA_MU", "adaptive", "LU_MA", "uniform"])
def test_sets_and_sizes_are_miners(strategy):
    """K = int(ratio * L * N): K // M of each modality, and so on (the table of the paper)."""
    sets, _ = plan(strategy=strategy)
    score = aggregate_scores(random_scores(), WEIGHTS["default"])
    flat = {
        (m, k, n): float(score[m, k, n])
        for m in range(3)
        for k in range(LAYERS)
        for n in range(WIDTH)
    }
    assert tuple(sets) == RATIOS
    for ratio, neurons in sets.items():
        wanted = naive_select(flat, range(3), LAYERS, WIDTH, ratio, strategy)
        found = {m: {tuple(r) for r in neurons[name].tolist()} for m, name in enumerate(NAMES)}
        assert found == wanted
        total = int(ratio * LAYERS * WIDTH)
        each = [len(neurons[name]) for name in NAMES]
        if strategy == "LA_MU":
            assert each == [total // 3] * 3
        elif strategy == "uniform":
            assert each == [total // (3 * 4) * 4] * 3
        else:
            assert sum(each) == (total if strategy == "adaptive" else total // 4 * 4)
        assert (neurons.shape, neurons.model) == ((LAYERS, WIDTH), "f00d")


def test_what_is_masked():
    sets, masks = plan()
    groups = [(m.group, m.ratio) for m in masks]
    wanted = [(g, r) for r in RATIOS for g in (UNION, *NAMES)]
    wanted += [(COMPLEMENT, 0.1), ("mined on easy_vqa", 0.1), ("mined on text", 0.1)]
    assert groups == wanted
    by = {(m.group, m.ratio): m for m in masks}
    every = {(k, n) for k in range(LAYERS) for n in range(WIDTH)}
    for ratio in RATIOS:
        assert rows(by[UNION, ratio].neurons) == rows(sets[ratio])
        for name in NAMES:
            own = by[name, ratio].neurons
            assert set(own) == {name} and rows(own) == rows(sets[ratio].only(name))
    assert rows(by[COMPLEMENT, 0.1].neurons) == every - rows(sets[0.1])
    assert by[COMPLEMENT, 0.1].controls == ()
    assert all(m.neurons.model == "f00d" for m in masks)


def test_transfer_sets_are_the_selection_on_one_data_set():
    _, masks = plan()
    by = {m.group: m for m in masks if m.ratio == 0.1}
    for d, dataset in enumerate(DATASETS):
        alone = aggregate_scores(random_scores()[d : d + 1], WEIGHTS["default"])
        wanted = select_neurons(alone, 0.1, "LA_MU", names=NAMES, model="f00d")
        assert by[f"{ONLY}{dataset}"].neurons == wanted
    _, alone = plan(random_scores()[:1], datasets=DATASETS[:1])
    assert rows(next(m for m in alone if m.ratio == 0.1).neurons) == rows(
        by[ONLY + "easy_vqa"].neurons
    )
    assert len(by[ONLY + "text"].neurons["image"]) == 0  # that modality is not in it
    assert rows(by[ONLY + "text"].neurons) != rows(by[ONLY + "easy_vqa"].neurons)


def test_controls_are_matched_layer_by_layer():
    _, masks = plan()
    for mask in masks:
        if mask.group == COMPLEMENT:
            continue
        union = torch.tensor(sorted(rows(mask.neurons)))
        wanted = torch.bincount(union[:, 0], minlength=LAYERS)
        assert len(mask.controls) == 3
        for control in mask.controls:
            assert list(control) == ["random"] and control.model == "f00d"
            assert torch.equal(control.per_layer()["random"], wanted)
            assert len(control["random"]) == len(union)


def test_controls_differ_among_themselves_and_between_masks():
    _, masks = plan(ratios=(0.1, 0.3), controls=4)
    every = [frozenset(rows(c)) for m in masks for c in m.controls]
    assert len(every) == 4 * len([m for m in masks if m.controls])
    assert len(set(every)) == len(every)


def test_random_masks_are_a_function_of_the_seed():
    def controls(masks):
        return [[rows(c) for c in m.controls] for m in masks]

    _, one = plan(seed=7)
    _, again = plan(seed=7)
    _, other = plan(seed=8)
    assert controls(one) == controls(again)
    assert [rows(m.neurons) for m in one] == [rows(m.neurons) for m in other]
    for mine, theirs in zip(controls(one), controls(other), strict=True):
        assert not mine or mine != theirs


def test_a_mask_does_not_depend_on_what_else_is_masked():
    """So that another list of ratios, or more controls, leaves a mask's controls as they are."""
    _, many = plan()
    _, few = plan(ratios=(0.1,), controls=2, complement=False, transfer=False)
    by = {(m.group, m.ratio): m for m in many}
    for mask in few:
        same = by[mask.group, mask.ratio]
        assert rows(same.neurons) == rows(mask.neurons)
        assert [rows(c) for c in same.controls[:2]] == [rows(c) for c in mask.controls]


def test_what_can_be_left_out():
    _, masks = plan(complement=False)
    assert COMPLEMENT not in {m.group for m in masks}
    _, masks = plan(transfer=False)
    assert not any(m.group.startswith(ONLY) for m in masks)
    _, masks = plan(random_scores()[:1], datasets=DATASETS[:1])
    assert not any(m.group.startswith(ONLY) for m in masks)  # nothing to compare with


def test_one_modality_is_its_own_union():
    _, masks = plan(random_scores()[:, :, :1], names=("prompt",))
    assert {m.group for m in masks} == {UNION, COMPLEMENT, "mined on easy_vqa", "mined on text"}


def test_a_ratio_of_one_leaves_no_complement():
    names = ("prompt",)
    sets, masks = plan(random_scores()[:, :, :1], names=names, ratio=1.0, ratios=(1.0,))
    assert len(sets[1.0].union()) == LAYERS * WIDTH
    assert COMPLEMENT not in {m.group for m in masks}


def test_small_ratios_of_a_sweep_are_left_out_and_a_main_one_is_refused():
    sets, masks = plan(ratios=(0.001, 0.1))
    assert len(sets[0.001].union()) == 0 and 0.001 not in {m.ratio for m in masks}
    with pytest.raises(AnalysisError, match=r"ratio=0.001 selects none of the model's 4 x 50"):
        plan(ratio=0.001, ratios=(0.001, 0.1))


def test_no_modality():
    with pytest.raises(AnalysisError, match="no modality occurred"):
        plan(torch.zeros(2, 5, 3, LAYERS, WIDTH))


NAMED = ["a b", "a_b", "a-b", "a/b", "A_b", "ä", "../x", "", "mined on a", "x" * 300, "x" * 301]


def test_names_of_files_differ_and_are_plain():
    _, masks = plan(
        random_scores()[[0] * len(NAMED)], datasets=NAMED, ratios=(0.1, 0.1234567, 0.1234568)
    )
    names = [m.name for m in masks]
    assert len(names) == 3 * 4 + 1 + len(NAMED)
    assert len({name.lower() for name in names}) == len(names)
    for name in names:
        assert name.isascii() and len(name) < 120
        assert all(c.isalnum() or c in "-_" for c in name)
    assert {"union-0_1", "image-0_1", "complement-0_1"} <= set(names)


@settings(max_examples=30)
@given(st.lists(st.text("aA _-./ä", max_size=9), min_size=2, max_size=5, unique=True))
def test_names_of_any_data_sets_differ(datasets):
    one = NeuronSet({"text": [[0, 0]]}, shape=(1, 1))
    names = [PlannedMask(ONLY + d, 0.1, one, ()).name.lower() for d in datasets]
    assert len(set(names)) == len(names)
