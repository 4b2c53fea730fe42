"""First lesson: what questions say of a picture, the encoder's own features, and a falling loss."""

from __future__ import annotations

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from simlearn.analysis.encoder_learner import (
    EncoderLearner,
    attribute_labels,
    encoder_features,
    encoder_of,
)
from simlearn.analysis.media_tensors import media_tensors
from simlearn.analysis.step_loader import step_loader
from simlearn.data.questions import Question
from simlearn.learners import AdamW
from tests.analysis.tiny_case import TAUGHT, shown, tiny_case

PIXEL = np.zeros((1, 1, 3), np.uint8)


def said(*rows):
    """Questions (text, answer, kind, medium) and their media."""
    questions = [
        Question(str(n), text, (answer,) if answer else (), kind, image=PIXEL)
        for n, (text, answer, kind, _) in enumerate(rows)
    ]
    return questions, torch.tensor([row[3] for row in rows], dtype=torch.int64)


def named(labels):
    """kind -> name of every medium's label."""
    return {
        kind: [names[i] if i >= 0 else None for i in found.tolist()]
        for kind, (found, names) in labels.items()
    }


def naive(questions, rows, media):
    """For every kind and medium, look through all questions again."""
    told = [(q, r) for q, r in zip(questions, rows.tolist(), strict=True) if r >= 0 and q.answers]
    named = [(q, r) for q, r in told if q.answers[0] not in ("yes", "no")]
    found = {}
    for kind in sorted({q.kind for q, _ in named}):
        answers = {q.answers[0] for q, _ in named if q.kind == kind}
        column = []
        for medium in range(media):
            outright = [q.answers[0] for q, r in named if (q.kind, r) == (kind, medium)]
            affirmed = []
            for q, r in told:
                words = set(q.text.rstrip("?").split())
                if r == medium and q.answers == ("yes",) and not {"no", "not"} & words:
                    affirmed += words & answers if len(words & answers) == 1 else []
            column.append([*outright[::-1], *affirmed, None][0])
        found[kind] = column
    return found


def test_what_is_asked_and_what_is_affirmed():
    questions, rows = said(
        ("what color is the shape?", "red", "colour", 0),
        ("what color is it?", "blue", "colour", 3),
        ("what shape is there?", "circle", "shape", 1),
        ("is there a blue shape?", "yes", "yes_no", 1),
        ("is there a red shape?", "no", "yes_no", 2),
        ("is there not a red shape?", "yes", "yes_no", 2),
        ("is a circle present?", "yes", "yes_no", 0),
        ("is it a red or a blue shape?", "yes", "yes_no", 2),
        ("is there a blue shape?", "yes", "yes_no", 0),  # against what was said outright
        ("what color is a sentence?", "green", "colour", -1),
        ("what shape?", "", "shape", 2),
    )
    labels = attribute_labels(questions, rows, 5)
    assert named(labels) == {
        "colour": ["red", "blue", None, "blue", None],
        "shape": ["circle", "circle", None, None, None],
    }
    assert labels["colour"][1] == ("blue", "red") and labels["colour"][0].dtype == torch.int64


QUESTION = st.sampled_from(
    [
        ("what color is the shape?", "red", "colour"),
        ("what color is the circle?", "blue", "colour"),
        ("what shape is it?", "circle", "shape"),
        ("what shape is present?", "triangle", "shape"),
        *((f"{start} {thing}?", answer, "yes_no")
          for start in ("is there a", "is there not a", "is no")
          for thing in ("red shape", "circle", "triangle", "blue shape")
          for answer in ("yes", "no")),
    ]
)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(st.tuples(QUESTION, st.integers(-1, 2)), max_size=10))
def test_labels_against_a_naive_reading(drawn):
    questions, rows = said(*((*row, medium) for row, medium in drawn))
    assert named(attribute_labels(questions, rows, 3)) == naive(questions, rows, 3)


def test_the_labels_of_drawings_are_all_known():
    *_, questions = tiny_case("llava")
    pictures = {}
    for q in shown(questions):
        pictures.setdefault(id(q.image), len(pictures))
    rows = torch.tensor(
        [pictures.get(id(q.image), -1) if q.image is not None else -1 for q in questions]
    )
    labels = attribute_labels(questions, rows, len(pictures))
    assert named(labels) == {
        "colour": ["red", "blue", "teal", "gray", "red", "blue"],
        "shape": ["circle", "rectangle", "triangle"] * 2,
    }


@pytest.mark.parametrize("family", TAUGHT)
def test_features_are_those_that_the_projector_is_given(family):
    kind, model, processor, questions = tiny_case(family)
    from simlearn.analysis.adapter import ModelAdapter

    asked = shown(questions)[:3]
    media = media_tensors(family, processor, asked)
    inputs = media.inputs(media.rows)
    given = []
    projector = (
        model.model.visual.merger if family == "qwen2_vl" else model.model.multi_modal_projector
    )
    with torch.no_grad():
        handle = projector.register_forward_pre_hook(lambda _, args: given.append(args[0]))
        adapter = ModelAdapter(model, processor)
        adapter.forward(adapter.encode(asked))
        handle.remove()
        found = encoder_features(model, inputs, 3)
    assert found.shape[0] == 3 and found.shape[2] == kind.encoder_hidden
    wanted = given[0].reshape(found.shape)
    assert torch.allclose(found, wanted, atol=2e-5, rtol=1e-4)


def test_a_model_without_an_encoder():
    class Bare(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = nn.Linear(1, 1)

    with pytest.raises(ValueError, match="Bare has no encoder to teach"):
        encoder_of(Bare())


def learner_of(family, *, labels=None, turns=True, seed=0, **changed):
    kind, model, processor, questions = tiny_case(family, **changed)
    media = media_tensors(family, processor, questions)
    found = attribute_labels(questions, media.rows, len(media.values)) if labels is None else labels
    return EncoderLearner(
        model,
        media,
        found,
        AdamW(lr=5e-3, warmup=0.1, weight_decay=0.0),
        width=kind.encoder_hidden,
        batch=16,
        turns=turns,
        seed=seed,
    )


def fit(learner, steps):
    """Train; the loss of every step."""
    losses = []

    class Watch(pl.Callback):
        def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
            losses.append(float(outputs["loss"]))

    pl.Trainer(
        accelerator="cpu",
        max_steps=steps,
        callbacks=[Watch()],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(learner, step_loader(learner.rows, steps))
    return losses


@pytest.mark.parametrize("family", TAUGHT)
@pytest.mark.filterwarnings("ignore")
def test_it_learns(family):
    losses = fit(learner_of(family, turns=False), 30)
    assert len(losses) == 30
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:3])


def test_media_of_a_step_are_a_function_of_seed_and_step():
    one, two, other = (learner_of("llava", seed=s) for s in (0, 0, 1))
    for step in (7, 0, 3):
        (a, b), (c, d) = one.rows(step), two.rows(step)
        assert torch.equal(a, c) and torch.equal(b, d)
        assert a.shape == b.shape == (16,) and int(a.min()) >= 0 and int(a.max()) < 6
        assert int(b.min()) >= 0 and int(b.max()) < 8
    assert not torch.equal(one.rows(0)[0], one.rows(1)[0])
    assert not torch.equal(one.rows(0)[0], other.rows(0)[0])
    assert learner_of("llava", turns=False).rows(0)[1] is None
    assert all(
        torch.equal(a, b)
        for a, b in zip(one.heads.parameters(), two.heads.parameters(), strict=True)
    )


def test_the_loss_is_the_mean_over_attributes_of_what_is_known():
    labels = {
        "colour": (torch.tensor([0, 1, -1, 1, -1, 0]), ("blue", "red")),
        "shape": (torch.tensor([-1, 2, 0, -1, 1, 1]), ("a", "b", "c")),
        "unknown": (torch.full((6,), -1), ("x", "y")),
    }
    learner = learner_of("llava", labels=labels)
    rows = torch.tensor([0, 1, 2, 5, 5])
    loss = learner.training_step((rows, None), 0)["loss"]
    inputs = learner.media.inputs(rows)
    pooled = encoder_features(learner._whole[0], inputs, 5).mean(1)
    terms = []
    for (label, _), head in zip(labels.values(), learner.heads, strict=True):
        known = [
            -float(head(pooled[i]).log_softmax(0)[int(label[row])])
            for i, row in enumerate(rows.tolist())
            if label[row] >= 0
        ]
        if known:
            terms.append(sum(known) / len(known))
    assert len(terms) == 2
    assert float(loss) == pytest.approx(sum(terms) / 2, rel=1e-5)


@pytest.mark.parametrize("labels", [{}, {"colour": (torch.full((6,), -1), ("a", "b"))}])
def test_nothing_is_known(labels):
    learner = learner_of("llava", labels=labels)
    loss = learner.training_step(learner.rows(0), 0)["loss"]
    loss.backward()
    assert float(loss) == 0.0


@pytest.mark.parametrize("kind", ["", "a.b", "values", "type"])
def test_kinds_of_any_name(kind):
    labels = {kind: (torch.tensor([0, 1] * 3), ("a", "b"))}
    learner = learner_of("llava", labels=labels)
    assert float(learner.training_step(learner.rows(0), 0)["loss"]) > 0


def test_the_encoder_alone_is_trained_and_saved():
    learner = learner_of("llava")
    names = {name.split(".")[0] for name in learner.state_dict()}
    assert names == {"encoder", "heads"}
    own = {id(p) for p in learner.parameters()}
    model = learner._whole[0]
    assert own & {id(p) for p in model.parameters()} == {
        id(p) for p in model.model.vision_tower.parameters()
    }
