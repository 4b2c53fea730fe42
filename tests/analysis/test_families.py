import pytest

from simlearn.analysis.families import FAMILIES, family_of


@pytest.mark.parametrize(
    ("model_type", "name", "counting"),
    [
        ("llava", "LLaVA", "patches"),
        ("llava_next", "LLaVA-NeXT", "tiles"),
        ("qwen2_vl", "Qwen2-VL", "grid"),
        ("qwen2_5_vl", "Qwen2.5-VL", "grid"),
        ("qwen2_audio", "Qwen2-Audio", "mel"),
    ],
)
def test_entries(model_type, name, counting):
    family = family_of(model_type)
    assert (family.name, family.counting, family.known) == (name, counting, True)


def test_special_tokens_are_those_of_the_authors():
    assert set(family_of("qwen2_vl").special) == {
        "<|im_start|>",
        "<|im_end|>",
        "<|vision_start|>",
        "<|vision_end|>",
    }
    assert set(family_of("qwen2_audio").special) == {
        "<|im_start|>",
        "<|im_end|>",
        "<|audio_bos|>",
        "<|audio_eos|>",
    }
    assert family_of("llava").special == ()


def test_unknown_family_leaves_all_to_structure():
    family = family_of("idefics3")
    assert family.name == "idefics3"
    assert not family.known
    assert family.counting == "unknown"
    assert family.special == ()


def test_model_types_are_transformers_own_and_unique():
    from transformers import CONFIG_MAPPING

    types = [t for family in FAMILIES for t in family.model_types]
    assert len(set(types)) == len(types)
    assert set(types) <= set(CONFIG_MAPPING)
