"""Every draw is a function of seed and purpose, the same on every machine."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.data.randomness import derive_seed, numpy_generator, seed_layers, torch_generator

PARTS = st.lists(st.one_of(st.text("abz_", max_size=4), st.integers(-3, 2**40)), max_size=3).map(
    tuple
)


def test_the_values_are_the_same_on_every_machine():
    assert derive_seed(0) == 4246866556266386882
    assert derive_seed(7, "augment", 2, 31) == 7293537705813493020
    drawn = numpy_generator(3, "sampler", 0).integers(0, 1000, 4).tolist()
    assert drawn == [826, 186, 898, 909]


@given(st.integers(-(2**62), 2**62), PARTS)
def test_seeds_fit_both_libraries_and_repeat(seed, parts):
    value = derive_seed(seed, *parts)
    assert 0 <= value < 2**63
    assert value == derive_seed(seed, *parts)
    a, b = numpy_generator(seed, *parts), numpy_generator(seed, *parts)
    assert a is not b
    assert a.integers(0, 2**40, 3).tolist() == b.integers(0, 2**40, 3).tolist()
    assert torch_generator(seed, *parts).initial_seed() == value


@given(st.tuples(st.integers(0, 9), PARTS), st.tuples(st.integers(0, 9), PARTS))
def test_different_parts_give_different_seeds(one, other):
    same = derive_seed(one[0], *one[1]) == derive_seed(other[0], *other[1])
    assert same == (one == other)


def test_text_and_numbers_and_their_order_tell_apart():
    seeds = {
        derive_seed(0, "a", 1),
        derive_seed(0, "a", "1"),
        derive_seed(0, 1, "a"),
        derive_seed(0, "a1"),
        derive_seed(0, "a", 1, 1),
        derive_seed(0, "a", 11),
        derive_seed(1, "a", 1),
        derive_seed(0),
    }
    assert len(seeds) == 8


def test_integers_of_numpy_count_as_integers():
    assert derive_seed(np.int64(4), "a", np.int64(2)) == derive_seed(4, "a", 2)


def test_the_global_generators_are_left_alone():
    before, numpy_before = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    torch.rand(3, generator=torch_generator(1, "x"))
    numpy_generator(1, "x").random(3)
    assert torch.equal(before, torch.random.get_rng_state())
    assert np.array_equal(numpy_before, np.random.get_state()[1])


@given(st.integers(0, 2**63 - 1))
def test_layers_draw_as_after_torch_manual_seed(seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        wanted = torch.nn.functional.dropout(torch.ones(64))
        seed_layers(seed)
        assert torch.equal(torch.nn.functional.dropout(torch.ones(64)), wanted)
