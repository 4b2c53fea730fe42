import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.model_inputs import last_tokens, media_types, model_inputs, padded_positions
from simlearn.analysis.tokens import AUDIO, IMAGE, VIDEO
from tests.analysis.models import tiny_batch, tiny_model


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=4))
def test_positions_and_last_token_against_counting(pads):
    width = 9
    mask = torch.ones(len(pads), width, dtype=torch.long)
    for row, (left, right) in enumerate(pads):
        mask[row, :left] = 0
        mask[row, width - right :] = 0
    found, last = padded_positions(mask), last_tokens(torch.zeros_like(mask), mask)
    for row, (left, right) in enumerate(pads):
        assert last[row] == width - 1 - right
        for n, place in enumerate(range(left, width - right)):
            assert found[row, place] == n
    assert last_tokens(mask, None).tolist() == [width - 1] * len(pads)


def test_kinds_of_tokens():
    ids = torch.tensor([[7, 8, 9, 1]])
    assert media_types(ids, {IMAGE: 7, VIDEO: 8, AUDIO: 9}).tolist() == [[1, 2, 3, 0]]


def test_qwen_works_out_its_own_positions_and_llava_is_given_them():
    device = torch.device("cpu")
    batch = tiny_batch("qwen2_vl", words=(3, 5))
    kinds = batch.pop("mm_token_type_ids")
    inputs = model_inputs(tiny_model("qwen2_vl").model, batch, {IMAGE: 250}, device)
    assert torch.equal(inputs["mm_token_type_ids"], kinds) and "position_ids" not in inputs
    batch = tiny_batch("llava", words=(3, 5))
    inputs = model_inputs(tiny_model("llava").model, batch, {IMAGE: 255}, device)
    assert inputs["position_ids"][0].tolist() == [0, 0, *range(8)]
    assert "position_ids" not in batch
