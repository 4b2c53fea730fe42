"""A recipe's values when its option stays, and when it is swapped."""

from __future__ import annotations

import pytest

ROOT = "data.root=/x"


def test_values_for_the_recipes_own_option_are_strict(shipped, faults):
    (shipped[1] / "bad.yaml").write_text("loss: {margn: 1}\n")
    assert "bad.yaml:1: unknown key 'loss.margn'" in faults("recipe=bad", ROOT)[0]


def test_another_option_takes_the_values_that_it_knows(composes):
    composed = composes("recipe=faces", "loss=contrastive", ROOT)
    assert composed.config.loss == {"class": "Contrastive", "margin": 0.3, "reduction": "pairs"}
    assert len(composed.notes) == 1
    assert composed.notes[0].endswith(
        "recipes/faces.yaml:13: 'loss.mining' is left out, loss=contrastive does not take it"
    )


def test_a_value_of_another_type_is_left_out_too(shipped, composes):
    (shipped[1] / "own.yaml").write_text("loss: {margin: [1, 2]}\n")
    composed = composes("recipe=own", "loss=contrastive", ROOT)
    assert composed.config.loss.margin == 1.0
    assert "'loss.margin' is left out" in composed.notes[0]


def test_a_group_left_out_takes_nothing(composes):
    composed = composes("recipe=faces", "loss=null", ROOT)
    assert composed.config.loss is None
    assert len(composed.notes) == 2


def test_the_same_class_under_another_name_takes_all(composes):
    composed = composes("recipe=faces", "trainer=cpu", ROOT)
    assert composed.config.trainer.max_steps == 100
    assert composed.notes == ()


def test_a_recipe_that_inherits_may_swap(shipped, composes):
    (shipped[1] / "child.yaml").write_text(
        "defaults: [faces, _self_, {override /loss: contrastive}]\nloss: {reduction: mean}\n"
    )
    composed = composes("recipe=child", ROOT)
    assert composed.config.loss == {"class": "Contrastive", "margin": 0.3, "reduction": "mean"}
    assert [note.split("'")[1] for note in composed.notes] == ["loss.mining"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("loss: 3", "bad.yaml:1: 'loss' holds a mapping of values"),
        ("loss: null", "'override /loss: OPTION'"),
        ("loss: {margin: 1, class: Triplet}", "bad.yaml:1: a recipe names no class"),
    ],
)
def test_faults(shipped, faults, text, words):
    (shipped[1] / "bad.yaml").write_text(text)
    assert words in faults("recipe=bad", ROOT)[0]
