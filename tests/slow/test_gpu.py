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


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device")
def test_statistics_and_answers_of_a_language_model():
    """Counts on the GPU differ from the CPU's where an activation is next to 0 alone."""
    from simlearn.analysis import ModelAdapter, TinyMLLM, collect
    from simlearn.analysis.answers import answer_scores
    from simlearn.data import EasyVQA

    questions = EasyVQA(train=8, test=8, text_train=4, text_test=4).open().splits["test"]
    pictures = [q for q in questions if q.image is not None]
    found = []
    for device in ("cpu", "cuda"):
        model, processor = TinyMLLM.load()
        adapter = ModelAdapter(model.to(device), processor)
        stats = collect(adapter, [adapter.encode(pictures)])
        found.append((stats, answer_scores(adapter, questions)))
    (cpu, said), (gpu, there) = found
    assert torch.equal(cpu.count, gpu.count.cpu())
    assert float((cpu.pos != gpu.pos.cpu()).double().mean()) < 1e-3
    torch.testing.assert_close(gpu.sum.cpu(), cpu.sum, rtol=1e-3, atol=1e-2)
    assert torch.equal(said.correct, there.correct)
    torch.testing.assert_close(there.loss, said.loss, rtol=1e-3, atol=1e-3)
