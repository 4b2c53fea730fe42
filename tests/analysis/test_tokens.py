import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.tokens import MODALITIES, NAMES, TokenModality


@settings(max_examples=20, deadline=None)
@given(codes=st.lists(st.lists(st.integers(0, 6), min_size=4, max_size=4), min_size=1, max_size=3))
def test_every_token_is_in_one_modality_and_padding_in_none(codes):
    tokens = TokenModality(torch.tensor(codes, dtype=torch.int8))
    onehot = tokens.onehot()
    assert onehot.shape == (len(codes), len(MODALITIES), 4) and onehot.dtype == torch.bool
    for row, line in enumerate(codes):
        for place, code in enumerate(line):
            told = [n for m, n in enumerate(MODALITIES) if onehot[row, m, place]]
            assert told == ([] if NAMES[code] == "pad" else [NAMES[code]])


def test_several_names_at_once():
    tokens = TokenModality(torch.tensor([[0, 1, 2, 3, 4, 5, 6]], dtype=torch.int8))
    assert tokens.select("text", "image").tolist() == [[False, True, False, True] + [False] * 3]
    assert tokens.select().tolist() == [[False] * 7]
    with pytest.raises(ValueError, match=r"'picture' is no modality; there are pad, text"):
        tokens.select("picture")
