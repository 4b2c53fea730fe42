"""Neurons that were planted in a model are found by their modality, and only by it."""

import pytest
import torch

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.aggregate import WEIGHTS, aggregate_scores
from simlearn.analysis.collector import collect
from simlearn.analysis.neuron_set import NeuronSet
from simlearn.analysis.sample_scores import SampleScores
from simlearn.analysis.selection import select_neurons
from simlearn.analysis.tokens import MODALITIES
from tests.analysis.models import tiny_model

TEXT, IMAGE = MODALITIES.index("text"), MODALITIES.index("image")
PLANTED = {"image": (1, 5), "text": (1, 6)}


@pytest.fixture(scope="module")
def planted():
    """A LLaVA with one neuron for pictures and one for words, and four prompts."""
    model = tiny_model("llava", dtype=torch.float64)
    parts = dict(model.named_parameters())
    (bias,) = (p for name, p in parts.items() if name.endswith("linear_2.bias"))
    (embedding,) = (p for name, p in parts.items() if name.endswith("embed_tokens.weight"))
    (gate,) = (p for name, p in parts.items() if name.endswith("layers.1.mlp.gate_proj.weight"))
    with torch.no_grad():
        bias[0] += 10
        embedding[:, 0] = -10
        gate[5:7] = 0
        gate[5, 0], gate[6, 0] = 5, -5
    g = torch.Generator().manual_seed(0)

    def words(count):
        return torch.randint(5, 100, (4, count), generator=g)

    ids = torch.cat([torch.ones(4, 1, dtype=torch.long), words(3), torch.full((4, 4), 255)], 1)
    ids = torch.cat([ids, words(4)], 1)
    pixels = torch.randn(4, 3, 28, 28, generator=g, dtype=torch.float64)
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "pixel_values": pixels}
    return ModelAdapter(model), batch


def mined(adapter, batches, attn):
    scores = SampleScores(("prompts",), MODALITIES, *adapter.shape)
    collect(adapter, batches, attn=attn, accumulators=[scores])
    return scores


@pytest.mark.parametrize("attn", ["reference", "received", "none"])
def test_planted_neurons_are_found_exactly(planted, attn):
    adapter, batch = planted
    scores = mined(adapter, [batch], attn)
    assert scores.samples.tolist() == [4]
    weights = WEIGHTS["default"] if attn != "none" else (0, 0.75, 0.25, 0, 0)
    score = aggregate_scores(scores.mean(), weights)
    assert float(score[IMAGE, 1, 5]) == pytest.approx(1) and score[TEXT, 1, 5] < 0.05
    assert float(score[TEXT, 1, 6]) == pytest.approx(1) and score[IMAGE, 1, 6] < 0.05
    for strategy, ratio in (("LA_MU", 0.05), ("uniform", 0.07)):  # special makes three modalities
        chosen = select_neurons(score, ratio, strategy, names=MODALITIES)
        found = {name: {tuple(r) for r in rows.tolist()} for name, rows in chosen.items()}
        assert PLANTED["image"] in found["image"] and PLANTED["text"] in found["text"]
        assert PLANTED["image"] not in found["text"] and PLANTED["text"] not in found["image"]
        assert chosen.shape == adapter.shape


def test_in_its_layer_only_the_planted_neuron_stands_out(planted):
    adapter, batch = planted
    score = aggregate_scores(mined(adapter, [batch], "reference").mean())
    for modality, (layer, neuron) in ((IMAGE, PLANTED["image"]), (TEXT, PLANTED["text"])):
        others = torch.arange(adapter.shape[1]) != neuron
        assert score[modality, layer, others].max() < 0.5
    chosen = select_neurons(score[:, 1:2], 1 / 48, names=MODALITIES)
    assert chosen == NeuronSet({name: [] for name in MODALITIES}, shape=(1, 48))  # 1 // 3 is 0
    chosen = select_neurons(score[[IMAGE, TEXT], 1:2], 2 / 48, names=("image", "text"))
    assert chosen["image"].tolist() == [[0, 5]] and chosen["text"].tolist() == [[0, 6]]


def test_batches_of_one_give_the_same_scores(planted):
    adapter, batch = planted
    whole = mined(adapter, [batch], "reference")
    single = mined(
        adapter, [{name: v[i : i + 1] for name, v in batch.items()} for i in range(4)], "reference"
    )
    torch.testing.assert_close(single.total, whole.total, rtol=0, atol=1e-9)
    assert torch.equal(single.samples, whole.samples)
