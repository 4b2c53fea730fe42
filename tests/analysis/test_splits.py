import pytest
import torch

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.splits import (
    SPLITS,
    drop_absent,
    merge_codes,
    split_groups,
    split_masks,
    split_name,
)
from simlearn.analysis.tokens import TokenModality

CODES = torch.tensor([[0, 2, 3, 3, 1, 1], [2, 1, 4, 5, 6, 1]], dtype=torch.int8)
TOKENS = TokenModality(CODES)


def test_groups_are_those_of_the_released_configuration():
    assert {split: tuple(groups) for split, groups in SPLITS.items()} == {
        "special_text_separate": ("text", "special", "image", "video", "audio"),
        "special_text_as_one": ("special_text", "image", "video", "audio"),
        "prompt": ("prompt",),
    }


def test_masks_are_the_union_of_the_members():
    names, masks = split_masks(TOKENS, "special_text_as_one")
    assert names == ("special_text", "image", "video", "audio") and masks.shape == (2, 4, 6)
    assert masks[0, 0].int().tolist() == [0, 1, 0, 0, 1, 1]
    assert masks[1, 0].int().tolist() == [1, 1, 0, 0, 0, 1]
    assert masks[1, 3].int().tolist() == [0, 0, 0, 1, 0, 0]
    _, prompt = split_masks(TOKENS, "prompt")
    assert prompt[:, 0].int().tolist() == [[0, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 1]]


@pytest.mark.parametrize("split", SPLITS)
def test_merged_codes_have_the_same_masks_under_the_merged_name(split):
    merged = merge_codes(TOKENS, split)
    names, masks = split_masks(TOKENS, split)
    for name in ("text", "special", "image", "video", "audio"):
        called = split_name(name, split)
        if called in names:
            assert torch.equal(merged.select(name), masks[:, names.index(called)])
        else:
            assert not merged.select(name).any()
    for name in ("pad", "generated"):
        assert torch.equal(merged.select(name), TOKENS.select(name))
    assert merged.codes.dtype == torch.int8
    assert CODES[0, 1] == 2  # the given ones stay as they are


def test_modalities_without_a_score_are_dropped():
    scores = torch.rand(3, 2, 4) + 0.1
    scores[1] = 0
    kept, names = drop_absent(scores, ("text", "video", "image"))
    assert names == ("text", "image") and torch.equal(kept, scores[[0, 2]])


def test_faults_are_named():
    with pytest.raises(AnalysisError, match="'special_text' is no split; did you mean 'special_te"):
        split_groups("special_text")
