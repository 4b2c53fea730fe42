"""Second lesson: the loss of answer and end, by hand; the encoder's own rate; draws by step."""

from __future__ import annotations

import pytest
import torch

from simlearn.analysis import answer_learner as module
from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.answer_learner import AnswerLearner
from simlearn.analysis.answer_tensors import answer_tensors
from simlearn.analysis.encoder_learner import encoder_of
from simlearn.analysis.media_tensors import media_tensors
from simlearn.data.question_batches import QuestionBatches, QuestionSampler
from simlearn.learners import SGD, AdamW
from tests.analysis.tiny_case import TAUGHT, tiny_case


def learner_of(family, *, media=5, texts=3, optimizer=None, seed=0, **options):
    kind, model, processor, questions = tiny_case(family)
    return (
        AnswerLearner(
            model,
            media_tensors(family, processor, questions),
            answer_tensors(processor, questions, place=kind.place, tokens=kind.tokens),
            QuestionSampler(questions, QuestionBatches(media=media, texts=texts), seed=seed),
            optimizer or AdamW(lr=0.01),
            seed=seed,
            **options,
        ),
        ModelAdapter(model, processor),
        questions,
    )


def step(learner, batch):
    """Loss of a step, and what was logged."""
    logged = {}

    def log_step(_, values):
        logged.update({name: float(v) for name, v in values.items()})

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "log_step", log_step)
        return learner.training_step(batch, 0)["loss"], logged


def by_hand(adapter, questions, rows):
    """Mean over questions and over (answer, end), each question alone and unpadded."""
    losses = []
    tokenizer = adapter.processor.tokenizer
    for row in rows.tolist():
        q = questions[row]
        batch = adapter.encode([q])
        answer = tokenizer.convert_tokens_to_ids(q.answers[0])
        more = torch.tensor([[answer]])
        batch["input_ids"] = torch.cat([batch["input_ids"], more], 1)
        batch["attention_mask"] = torch.cat([batch["attention_mask"], torch.ones_like(more)], 1)
        if "mm_token_type_ids" in batch:
            kinds = batch["mm_token_type_ids"]
            batch["mm_token_type_ids"] = torch.cat([kinds, torch.zeros_like(more).to(kinds)], 1)
        logits = adapter.forward(batch, logits="all")[0].log_softmax(-1)
        losses += [-float(logits[-2, answer]), -float(logits[-1, 2])]
    return sum(losses) / len(losses)


@pytest.mark.parametrize("family", TAUGHT)
def test_the_loss_is_that_of_answers_and_ends(family):
    learner, adapter, questions = learner_of(family, text_weight=0.25, turns=False)
    with_medium, without, turns = learner.rows(4)
    assert turns is None and len(with_medium) == 5 and len(without) == 3
    with torch.no_grad():
        loss, logged = step(learner, (with_medium, without, turns))
        media, texts = (by_hand(adapter, questions, r) for r in (with_medium, without))
    assert logged["loss_media"] == pytest.approx(media, rel=2e-4)
    assert logged["loss_text"] == pytest.approx(texts, rel=2e-4)
    assert float(loss) == pytest.approx(media + 0.25 * texts, rel=2e-4)


@pytest.mark.parametrize("family", TAUGHT)
def test_every_part_learns(family):
    learner, _, _ = learner_of(family)
    loss, _ = step(learner, learner.rows(0))
    loss.backward()
    still = {
        name
        for name, p in learner.model.named_parameters()
        if p.requires_grad and (p.grad is None or not p.grad.any())
    }
    # a key's bias shifts all attention logits alike; CLIP's last norm is of the class token alone
    assert all("k_proj.bias" in n or "post_layernorm" in n for n in still), still


def test_turned_pictures_give_another_loss_and_texts_none():
    learner, _, _ = learner_of("llava")
    with_medium, without, turns = learner.rows(1)
    assert turns.shape == with_medium.shape and turns.any()
    with torch.no_grad():
        plain, a = step(learner, (with_medium, without, None))
        turned, b = step(learner, (with_medium, without, turns))
    assert float(plain) != float(turned) and a["loss_text"] == b["loss_text"]


@pytest.mark.parametrize(("media", "texts"), [(5, 0), (0, 3)])
def test_one_side_alone(media, texts):
    learner, _, _ = learner_of("llava", media=media, texts=texts, text_weight=0.5)
    loss, logged = step(learner, learner.rows(0))
    (value,) = logged.values()
    assert float(loss) == pytest.approx(value * (1 if media else 0.5))


def test_a_step_is_a_function_of_seed_and_number():
    one, two, other = (learner_of("llava", seed=s)[0] for s in (0, 0, 1))
    for number in (9, 0, 4):
        for a, b in zip(one.rows(number), two.rows(number), strict=True):
            assert torch.equal(a, b)
    assert not torch.equal(one.rows(0)[0], other.rows(0)[0])
    assert not torch.equal(one.rows(0)[2], one.rows(1)[2])


@pytest.mark.parametrize("family", TAUGHT)
@pytest.mark.parametrize("kind", [AdamW, SGD])
def test_the_encoder_learns_at_its_own_rate(family, kind):
    learner, _, _ = learner_of(
        family, optimizer=kind(lr=0.5, schedule="constant", warmup=0.0), encoder_factor=0.1
    )

    class Steps:
        estimated_stepping_batches = 10

    learner._trainer = Steps()
    optimizer = learner.configure_optimizers()["optimizer"]
    rates = {id(p): g["lr"] for g in optimizer.param_groups for p in g["params"]}
    slow = {id(p) for p in encoder_of(learner.model).parameters() if p.requires_grad}
    every = {id(p) for p in learner.parameters() if p.requires_grad}
    assert rates.keys() == every and slow < every
    for key, rate in rates.items():
        assert rate == pytest.approx(0.05 if key in slow else 0.5)
    for group in optimizer.param_groups:
        assert all((p.ndim > 1) == (group["weight_decay"] > 0) for p in group["params"])


def test_a_frozen_encoder_stays():
    learner, _, _ = learner_of("llava", optimizer=SGD(lr=0.5, warmup=0.0), encoder_factor=0.0)

    class Steps:
        estimated_stepping_batches = 10

    learner._trainer = Steps()
    optimizer = learner.configure_optimizers()["optimizer"]
    before = {k: v.clone() for k, v in learner.model.state_dict().items()}
    step(learner, learner.rows(0))[0].backward()
    optimizer.step()
    moved = {k for k, v in learner.model.state_dict().items() if not torch.equal(v, before[k])}
    assert moved and not any("vision_tower" in k for k in moved)
