import math
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from simlearn.analysis.aggregate import WEIGHTS
from simlearn.analysis.neuron_protocol import MOST_RATIOS, NeuronMasks

OPTION = Path(__file__).resolve().parents[2] / "configs/evaluation/neuron_masks.yaml"


def test_the_defaults_are_the_papers():
    protocol = NeuronMasks()
    assert WEIGHTS[protocol.weights] == (0, 0.25, 0.25, 0.5, 0)
    assert (protocol.strategy, protocol.ratio, protocol.value) == ("LA_MU", 0.02, 0.0)
    assert (protocol.attn, protocol.causal, protocol.split) == (
        *("reference", False),
        "special_text_separate",
    )
    assert protocol.ratio in protocol.ratios and protocol.controls >= 20


def test_the_option_file_says_the_same():
    values = yaml.safe_load(OPTION.read_text())
    assert values.pop("class") == "NeuronMasks"
    values["ratios"] = tuple(values["ratios"])
    assert values == {f.name: f.default for f in fields(NeuronMasks)}


@pytest.mark.parametrize(
    ("name", "word", "there"),
    [
        ("weights", "mean-max", "mean_max"),
        ("strategy", "LAMU", "LA_MU"),
        ("strategy", "random", "adaptive"),
        ("split", "special", "special_text_as_one"),
        ("attn", "own", "received"),
        ("method", "argmax", "next_token"),
        ("split_asked", "train", "test"),
    ],
)
def test_unknown_words_are_named_with_those_that_there_are(name, word, there):
    with pytest.raises(
        ValueError, match=rf"evaluation.{name} is '{word}', must be one of .*{there}"
    ):
        NeuronMasks(**{name: word})


@pytest.mark.parametrize("name", ["batch_size", "max_new_tokens", "bootstrap", "controls"])
def test_numbers_below_one(name):
    assert getattr(NeuronMasks(**{name: 1}), name) == 1
    with pytest.raises(ValueError, match=f"evaluation.{name} is 0, must be at least 1"):
        NeuronMasks(**{name: 0})


@pytest.mark.parametrize("ratios", [(), (0.0, 0.02), (0.02, 1.5), (0.02, math.nan), (0.02,) * 21])
def test_ratios_out_of_range(ratios):
    with pytest.raises(ValueError, match=r"1 to 20 shares in \(0, 1\]"):
        NeuronMasks(ratios=ratios)


def test_ratios_at_their_ends():
    assert NeuronMasks(ratio=1, ratios=(1,)).ratio == 1
    assert len(NeuronMasks(ratios=(0.02,) * MOST_RATIOS).ratios) == 20


def test_the_main_ratio_is_one_of_them():
    with pytest.raises(ValueError, match=r"evaluation.ratio is 0.03, which is none of .*\[0.01\]"):
        NeuronMasks(ratio=0.03, ratios=(0.01,))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_is_a_number(value):
    assert NeuronMasks(value=None).value is None and NeuronMasks(value=-1.5).value == -1.5
    with pytest.raises(ValueError, match=f"evaluation.value is {value}, must be a number or null"):
        NeuronMasks(value=value)


def test_weights_of_attention_need_attention():
    weighing = {name for name, weights in WEIGHTS.items() if weights[3] or weights[4]}
    assert weighing and weighing < set(WEIGHTS)
    for name in WEIGHTS:
        if name in weighing:
            with pytest.raises(ValueError, match="weighs attention and evaluation.attn is none"):
                NeuronMasks(weights=name, attn="none")
        else:
            assert NeuronMasks(weights=name, attn="none").weights == name
    assert "mean_max" not in weighing  # the way out that the error names
