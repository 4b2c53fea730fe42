"""The recipes on a CUDA device."""

from __future__ import annotations

import pytest
import torch

import simlearn
from tests.tiny import TINY


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device")
@pytest.mark.parametrize("precision", ["auto", "fp32", "bf16", "fp16"])
def test_trains_and_evaluates(tmp_path, precision):
    words = [w for w in TINY if w != "trainer=cpu"]
    report = simlearn.run(
        "quickstart",
        [
            *words,
            "trainer=gpu",
            "trainer.max_epochs=null",
            "trainer.max_steps=4",
            f"trainer.precision={precision}",
            f"data.cache={tmp_path / 'cache'}",
            f"run_dir={tmp_path / 'run'}",
        ],
    )
    assert report.train["steps"] == 4
    assert 0.0 <= report.metrics["recall_at_1"].value <= 1.0
