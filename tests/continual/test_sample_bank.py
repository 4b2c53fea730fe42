"""A bank of samples: what is drawn once, and what is taken from it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.continual.sample_bank import SampleBank
from tests.generators.clouds import MAKERS, cloud, seeded

GENERATOR = MAKERS["Gaussian, diagonal"]()
GENERATOR.fit(*cloud((1, 4, 6)), generator=seeded())


def test_it_holds_what_the_generator_draws():
    bank = SampleBank.draw(GENERATOR, (6, 1), 5, seeded(3))
    h, y = GENERATOR.sample((6, 1), 5, generator=seeded(3))
    assert bank.classes == (6, 1) and bank.h.shape == (2, 5, 2, 3)
    for label, rows in zip(bank.classes, bank.h, strict=True):
        assert torch.equal(rows, h[y == label])
    assert bank.bytes() == 2 * 5 * 6 * 4


@given(st.lists(st.sampled_from((1, 4, 6)), max_size=5), st.integers(0, 6), st.integers(0, 1000))
def test_every_row_is_one_of_its_class(classes, per_class, seed):
    bank = SampleBank.draw(GENERATOR, (6, 1, 4), 3, seeded())
    h, y = bank.take(classes, per_class, seeded(seed))
    assert h.shape == (len(classes) * per_class, 2, 3)
    assert y.tolist() == [label for label in classes for _ in range(per_class)]
    for row, label in zip(h, y.tolist(), strict=True):
        kept = bank.h[bank.classes.index(label)]
        assert any(torch.equal(row, other) for other in kept)


def test_all_samples_are_used_alike_and_by_the_generator_alone():
    bank = SampleBank.draw(GENERATOR, (1, 4), 4, seeded())
    h, _ = bank.take((4,), 4000, seeded(1))
    shares = [(h == row).flatten(1).all(dim=1).float().mean() for row in bank.h[1]]
    assert all(abs(float(share) - 0.25) < 0.04 for share in shares)
    assert torch.equal(h, bank.take((4,), 4000, seeded(1))[0])
    assert not torch.equal(h, bank.take((4,), 4000, seeded(2))[0])


def test_classes_draw_independently():
    bank = SampleBank((0, 1), torch.arange(50.0).expand(2, 50).unsqueeze(2))
    h, _ = bank.take((0, 1), 50, seeded())
    assert not torch.equal(h[:50], h[50:])


def test_a_class_that_is_not_there():
    bank = SampleBank.draw(GENERATOR, (6, 1), 2, seeded())
    with pytest.raises(ValueError, match=r"class 4 is not in the bank, which holds \(6, 1\)"):
        bank.take((1, 4), 2, seeded())
