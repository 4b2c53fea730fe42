import math

import pytest
import torch

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.geometry import centroid_distances, modality_geometry
from simlearn.analysis.intervene import deactivate
from simlearn.analysis.tokens import MODALITIES
from tests.analysis.models import FAMILIES, tiny_batch, tiny_model


def generator():
    return torch.Generator().manual_seed(0)


def test_centroid_distances_worked():
    c = torch.tensor([[3.0, 0.0], [0.0, 4.0], [-6.0, 0.0]], dtype=torch.float64)
    distance, cosine = centroid_distances(c)
    assert torch.allclose(
        distance, torch.tensor([[0, 5, 9], [5, 0, 52**0.5], [9, 52**0.5, 0]]).double()
    )
    assert torch.allclose(cosine, torch.tensor([[0, 1, 2], [1, 0, 1], [2, 1, 0]]).double())


@pytest.mark.parametrize("family", FAMILIES)
def test_geometry_is_that_of_the_hidden_states(family):
    """Against transformers' own hidden states; the last of them is normed, so it is left out."""
    model = tiny_model(family, dtype=torch.float64)
    adapter = ModelAdapter(model)
    batch = tiny_batch(family, words=(5, 5), dtype=torch.float64)
    found = modality_geometry(adapter, [batch], generator=generator())
    with torch.no_grad():
        states = model(**batch, output_hidden_states=True).hidden_states
    codes = adapter.token_modality(batch).codes
    image = (codes == 3) | (codes == 5)
    for layer in range(2):
        h = states[layer + 1]
        means = {MODALITIES[c - 1]: h[codes == c].mean(dim=0) for c in codes.unique() if c > 0}
        for i, a in enumerate(MODALITIES):
            for j, b in enumerate(MODALITIES):
                own = found.distance[layer, i, j]
                if a in means and b in means:
                    expected = (means[a] - means[b]).norm()
                    assert float(own) == pytest.approx(float(expected), abs=1e-12)
                else:
                    assert math.isnan(own)
    assert int(found.n.sum()) == int((codes != 0).sum())
    assert found.n[list(MODALITIES).index("audio" if family == "qwen2_audio" else "image")] == int(
        image.sum()
    )
    assert found.silhouette.shape == (3,) and found.purity.shape == (3, 6)
    assert torch.equal(found.sampled, found.n)


def test_batches_and_padding_do_not_matter():
    adapter = ModelAdapter(tiny_model("llava", dtype=torch.float64))
    both = [tiny_batch("llava", side=side, dtype=torch.float64) for side in ("left", "right")]
    rows = []
    for row, words in enumerate((5, 3)):
        start = 5 - words
        rows.append(
            {
                "input_ids": both[0]["input_ids"][row : row + 1, start:],
                "attention_mask": both[0]["attention_mask"][row : row + 1, start:],
                "pixel_values": both[0]["pixel_values"][row : row + 1],
            }
        )
    found = [
        modality_geometry(adapter, batches, per_modality=4, k=2, generator=generator())
        for batches in ([both[0]], [both[1]], rows)
    ]
    for other in found[1:]:
        assert torch.equal(other.n, found[0].n) and int(other.sampled.max()) == 4
        for name in ("distance", "cosine", "silhouette", "purity"):
            a, b = getattr(found[0], name), getattr(other, name)
            assert torch.allclose(a, b, atol=1e-9, equal_nan=True), name


def test_image_tokens_that_were_moved_away_stand_apart():
    """Images far from words give silhouette 1 and pure neighbours; switching neurons off shows."""
    model = tiny_model("llava")
    with torch.no_grad():
        model.model.multi_modal_projector.linear_2.bias += 50.0
    adapter = ModelAdapter(model)
    batches = [tiny_batch("llava", words=(6, 6), seed=s) for s in range(2)]
    before = modality_geometry(adapter, batches, generator=generator())
    text, image = MODALITIES.index("text"), MODALITIES.index("image")
    assert float(before.distance[0, text, image]) == pytest.approx(50 * 32**0.5, rel=0.1)
    assert bool((before.purity[:, image] == 1).all())
    assert bool((before.silhouette > 0.5).all())
    with deactivate(adapter, {"a": [(1, n) for n in range(48)]}):
        inside = modality_geometry(adapter, batches, generator=generator())
    assert torch.allclose(inside.distance[0], before.distance[0], equal_nan=True, atol=0)
    assert not torch.allclose(inside.distance[1], before.distance[1], equal_nan=True, atol=0)
    assert all(len(m._forward_hooks) == 0 for m in adapter.decoder.layers)


def test_errors():
    adapter = ModelAdapter(tiny_model("llava"))
    with pytest.raises(AnalysisError, match="give at least one batch"):
        modality_geometry(adapter, [], generator=generator())
    with pytest.raises(ValueError, match="per_modality is 0 and k 5"):
        modality_geometry(adapter, [], per_modality=0, generator=generator())
    broken = tiny_batch("llava")
    broken["pixel_values"][0, 0, 0, 0] = float("nan")
    with pytest.raises(AnalysisError, match="after layer 0 is not finite for (text|image) tokens"):
        modality_geometry(adapter, [broken], generator=generator())
    assert all(len(m._forward_hooks) == 0 for m in adapter.decoder.layers)
