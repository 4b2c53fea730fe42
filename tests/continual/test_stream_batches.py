"""The batches of a stream are those of its experiences, one after the other."""

from __future__ import annotations

import pytest
import torch

from simlearn.continual.stream_batches import StreamBatches, steps_of
from simlearn.data.errors import DataError
from simlearn.data.randomness import derive_seed
from simlearn.data.tensor_set import tensor_loader
from simlearn.trainer.factory import TrainerSettings
from tests.continual import short_stream


def by_hand(exp, training, epochs):
    """Batches of one experience from a fresh loader per epoch."""
    for epoch in range(epochs):
        yield from tensor_loader(
            exp.train,
            exp.scale,
            batches=training.batches,
            seed=derive_seed(training.seed, "experience", exp.number),
            start=(epoch, 0),
        )


def assert_same(found, wanted):
    assert len(found) == len(wanted) > 0
    for one, other in zip(found, wanted, strict=True):
        assert torch.equal(one.x, other.x) and torch.equal(one.index, other.index)
        assert torch.equal(one.y, other.y)


def test_epochs_of_every_experience(tmp_path):
    stream, training = short_stream.stream(), short_stream.training(tmp_path, max_epochs=3)
    batches = StreamBatches(stream, training, trains=lambda exp: True)
    assert batches.steps == (6, 6, 6) and len(batches) == 18
    wanted = [batch for exp in stream for batch in by_hand(exp, training, 3)]
    assert_same(list(batches), wanted)
    assert_same(list(batches), wanted)  # and once more
    later = StreamBatches(stream, training, trains=lambda exp: True, start=2)
    assert len(later) == 18
    assert_same(list(later), wanted[12:])


def test_steps_and_experiences_that_are_not_trained(tmp_path):
    stream = short_stream.stream()
    training = short_stream.training(tmp_path, max_epochs=None, max_steps=3)
    batches = StreamBatches(stream, training, trains=lambda exp: exp.number != 1)
    assert batches.steps == (3, 0, 3)
    wanted = [b for exp in stream[::2] for b in list(by_hand(exp, training, 2))[:3]]
    assert_same(list(batches), wanted)
    untrained = short_stream.training(tmp_path, max_epochs=0)
    assert StreamBatches(stream, untrained, trains=lambda exp: True).steps == (0, 0, 0)


@pytest.mark.parametrize(
    ("epochs", "steps", "look", "wanted"),
    [
        (3, None, False, 12),
        (None, 7, False, 7),
        (3, 7, False, 7),
        (1, 7, False, 4),
        (3, None, True, 2),
        (None, 1, True, 1),
    ],
)
def test_steps_of_an_experience(epochs, steps, look, wanted):
    settings = TrainerSettings(max_epochs=epochs, max_steps=steps, fast_dev_run=look)
    assert steps_of(settings, 4) == wanted


def test_an_experience_without_two_classes(tmp_path):
    stream, training = short_stream.stream((1, 5)), short_stream.training(tmp_path)
    with pytest.raises(DataError, match=r"there are 1 class\(es\) to learn from"):
        StreamBatches(stream, training, trains=lambda exp: True)
