import pytest
import torch

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.passes import run_forward, run_generate
from tests.analysis.models import FAMILIES, tiny_batch, tiny_model


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("side", ["left", "right"])
def test_last_logits_are_those_of_all_at_the_last_word(family, side):
    adapter = ModelAdapter(tiny_model(family))
    batch = tiny_batch(family, words=(6, 2), side=side)
    with torch.no_grad():
        assert adapter.forward(batch, logits="none") is None
        every, last = (adapter.forward(batch, logits=which) for which in ("all", "last"))
    for row in range(2):
        place = int(batch["attention_mask"][row].nonzero().max())
        torch.testing.assert_close(last[row], every[row, place], rtol=1e-4, atol=1e-5)


def test_a_model_without_a_head_beneath_it_runs_once_for_none():
    calls = []

    class Whole(torch.nn.Module):
        @property
        def base_model(self):
            return self

        def forward(self, input_ids, use_cache):
            calls.append(use_cache)

    model = Whole()
    assert run_forward(model, {"input_ids": torch.zeros(1, 2).long()}, "none") is None
    assert calls == [False]


def test_writing_is_greedy_and_gives_the_new_tokens_alone():
    model, batch = tiny_model("llava"), tiny_batch("llava", words=(3, 5))
    new = run_generate(model, dict(batch), max_new_tokens=3)
    assert new.shape == (2, 3)
    ids, mask = batch["input_ids"], batch["attention_mask"]
    for step in range(3):
        with torch.no_grad():
            logits = model(**{**batch, "input_ids": ids, "attention_mask": mask}).logits[:, -1]
        chosen = logits.argmax(dim=1)
        alive = (new[:, :step] != 2).all(dim=1)
        assert torch.equal(new[alive, step], chosen[alive])
        ids = torch.cat([ids, new[:, step : step + 1]], dim=1)
        mask = torch.cat([mask, torch.ones(2, 1, dtype=mask.dtype)], dim=1)


def test_nothing_is_written_behind_padding():
    batch = tiny_batch("llava", words=(3, 5), side="right")
    with pytest.raises(AnalysisError, match="padded on the right"):
        run_generate(tiny_model("llava"), dict(batch), max_new_tokens=1)
