import pytest
import torch

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.encoded_media import encode_media, given_features
from simlearn.analysis.errors import AnalysisError
from tests.analysis.models import FAMILIES, tiny_batch, tiny_model


def towers(adapter):
    """Counts passes of the vision tower."""
    calls = []
    tower = adapter.model.get_encoder(modality="image")
    tower.register_forward_hook(lambda *_: calls.append(1))
    return calls


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "qwen2_audio"])
def test_features_give_the_same_results_without_the_tower(family):
    adapter = ModelAdapter(tiny_model(family))
    batch = tiny_batch(family)
    with torch.no_grad():
        base = adapter.forward(batch, logits="all")
    written = adapter.generate(batch, max_new_tokens=4, eos_token_id=None)
    calls = towers(adapter)
    stand_in, features = encode_media(adapter, batch)
    assert len(calls) == 1 and not bool(stand_in["pixel_values"].any())
    assert stand_in["pixel_values"].untyped_storage().nbytes() == 4
    with given_features(adapter, features), torch.no_grad():
        for _ in range(2):
            assert torch.equal(adapter.forward(stand_in, logits="all"), base)
        assert len(calls) == 1
        new = adapter.generate(stand_in, max_new_tokens=4, eos_token_id=None)
    assert torch.equal(new, written)
    assert not adapter.model.base_model._forward_pre_hooks
    with torch.no_grad():
        assert torch.equal(adapter.forward(batch, logits="all"), base)
        assert not torch.equal(adapter.forward(stand_in, logits="all"), base)


@pytest.mark.parametrize("family", ["qwen2_audio", "text"])
def test_what_has_no_pixels_comes_back_as_it_is(family):
    adapter = ModelAdapter(tiny_model("llava" if family == "text" else family))
    batch = tiny_batch(family)
    same, features = encode_media(adapter, batch)
    assert features == {} and all(same[name] is batch[name] for name in batch)
    with given_features(adapter, features):
        assert not adapter.model.base_model._forward_pre_hooks


def test_placeholders_are_checked_and_hooks_leave_after_an_exception():
    adapter = ModelAdapter(tiny_model("llava"))
    batch = tiny_batch("llava")
    with pytest.raises(AnalysisError, match="8 image tokens"):
        encode_media(adapter, {**batch, "pixel_values": batch["pixel_values"][:1]})
    _, features = encode_media(adapter, batch)
    with pytest.raises(RuntimeError, match="own"), given_features(adapter, features):
        raise RuntimeError("own")
    assert not adapter.model.base_model._forward_pre_hooks
