"""Bytes of a generator against counting by hand."""

from __future__ import annotations

import pytest
import torch

from simlearn.generators.base import RepresentationGenerator


class Constant(RepresentationGenerator):
    """Keeps an encoder that sampling does not need."""

    def __init__(self):
        super().__init__((2, 3))
        self.encoder = torch.nn.Linear(4, 5)
        self.register_buffer("mean", torch.zeros(7))
        self.register_buffer("labels", torch.zeros(3, dtype=torch.int64))

    @property
    def classes(self):
        return ()

    def fit(self, h, y, *, generator=None):
        raise AssertionError

    def sample(self, classes, n, *, generator=None):
        raise AssertionError


def test_bytes_leave_the_encoder_out():
    assert Constant().memory_bytes() == 7 * 4 + 3 * 8


def test_shape_is_kept_as_a_tuple_of_integers():
    assert Constant().shape == (2, 3)


def test_the_contract_alone_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        RepresentationGenerator((2,))
