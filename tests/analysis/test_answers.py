import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.answer_metrics import judge
from simlearn.analysis.answers import answer_scores, prepare_answers, score_prepared
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.intervene import deactivate
from simlearn.analysis.tiny_models import TinyLlava, TinyQwen2Audio, TinyQwen2VL
from simlearn.data.questions import Question
from tests.analysis.models import tiny_model

WORDS = ("what", "colour", "is", "it", "the", "word", "red", "blue", "green", "dark", "?")
SMALL = {"hidden": 32, "intermediate": 48, "layers": 2, "heads": 2, "encoder_hidden": 32}
SMALL |= {"encoder_intermediate": 64, "encoder_heads": 2}
MODELS = {"llava": TinyLlava, "qwen2_vl": TinyQwen2VL, "qwen2_audio": TinyQwen2Audio}


def adapter_of(name, seed=0):
    model, processor = MODELS[name](**SMALL).build(WORDS, seed=seed)
    adapter = ModelAdapter(model, processor)
    if name == "qwen2_audio":
        sounds = processor.feature_extractor
        sounds.n_samples = int(sounds.n_samples)
    model.lm_head.weight.data[: len(processor.tokenizer) - len(WORDS)] = 0  # writes only words
    for layer in adapter.decoder.layers:  # random weights hardly look at the prompt otherwise
        layer.mlp.down_proj.weight.data *= 100
    return adapter


def questions_of(name):
    """Pictures or sounds and plain texts of several lengths, one of them without an answer."""
    rng = np.random.default_rng(0)
    found = []
    for i in range(7):
        medium = {}
        if i % 2 == 0 and name == "qwen2_audio":
            noise = rng.uniform(-0.5, 0.5, 5000).astype(np.float32)
            medium = {"audio": noise, "rate": 8000}
        elif i % 2 == 0:
            medium = {"image": rng.integers(0, 256, (48, 48, 3), dtype=np.uint8)}
        text = "what colour is " + "the " * (i % 3) + "word ?"
        answers = [("red",), ("dark blue", "green"), ("blue",), (), ("dark green",)][i % 5]
        found.append(Question(id=f"q{i}", text=text, answers=answers, metric="exact", **medium))
    return found


def same(a, b, atol=0.0):
    return (
        a.ids == b.ids
        and a.texts == b.texts
        and torch.equal(a.correct, b.correct)
        and all(
            torch.allclose(getattr(a, n), getattr(b, n), atol=atol, rtol=0, equal_nan=True)
            for n in ("score", "loss", "margin")
        )
    )


@pytest.mark.parametrize("name", MODELS)
def test_order_and_batches_do_not_matter(name):
    adapter, questions = adapter_of(name), questions_of(name)
    whole = answer_scores(adapter, questions)
    assert whole.ids == tuple(f"q{i}" for i in range(7))
    for size in (1, 3):
        assert same(answer_scores(adapter, questions, batch_size=size), whole, atol=1e-4)
    turned = answer_scores(adapter, questions[::-1], batch_size=2)
    assert turned.ids == whole.ids[::-1] and turned.texts == whole.texts[::-1]
    assert torch.allclose(turned.loss.flip(0), whole.loss, atol=1e-4, equal_nan=True)


@pytest.mark.parametrize("name", MODELS)
def test_loss_is_that_of_transformers_own_labels(name):
    """One question at a time, with the model's own mean loss over the answer's tokens."""
    adapter, questions = adapter_of(name), questions_of(name)[:3]
    found = answer_scores(adapter, questions)
    tokenizer = adapter.processor.tokenizer
    for row, question in enumerate(questions):
        batch = adapter.encode([question])
        answer = tokenizer(question.answers[0], add_special_tokens=False).input_ids
        ids = torch.cat([batch["input_ids"], torch.tensor([answer])], dim=1)
        longer = {**batch, "input_ids": ids, "attention_mask": torch.ones_like(ids)}
        if "mm_token_type_ids" in batch:
            tail = torch.zeros(1, len(answer), dtype=batch["mm_token_type_ids"].dtype)
            longer["mm_token_type_ids"] = torch.cat([batch["mm_token_type_ids"], tail], dim=1)
        labels = torch.full_like(ids, -100)
        labels[0, -len(answer) :] = torch.tensor(answer)
        adapter.reset()
        with torch.no_grad():
            logits = adapter.model(**longer).logits
        loss = torch.nn.functional.cross_entropy(logits[0, :-1], labels[0, 1:])
        assert float(found.loss[row]) == pytest.approx(float(loss), abs=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_next_token_says_what_greedy_decoding_says(name):
    """Ask for what the model would write anyway, and for something else."""
    adapter, questions = adapter_of(name), questions_of(name)
    asked = []
    for q in questions:
        new = adapter.generate(adapter.encode([q]), max_new_tokens=2)
        words = adapter.processor.tokenizer.decode(new[0])
        other = "red" if not words.endswith("red") else "blue"
        wrong = f"{words.split()[0]} {other}"
        asked += [replace(q, answers=(words,)), replace(q, answers=(wrong,))]
    asked = [replace(q, id=str(i)) for i, q in enumerate(asked)]
    found = answer_scores(adapter, asked, batch_size=4)
    assert found.correct.tolist() == [True, False] * 7
    assert bool((found.margin[::2] > 0).all())
    assert bool((found.margin[1::2] < found.margin[::2]).all())


@pytest.mark.parametrize("name", MODELS)
def test_generated_answers_are_judged(name):
    adapter, questions = adapter_of(name), questions_of(name)
    questions[0] = replace(questions[0], metric="substring", answers=("x", "e"))
    found = answer_scores(adapter, questions, method="generate", max_new_tokens=3)
    for row, question in enumerate(questions):
        new = adapter.generate(adapter.encode([question]), max_new_tokens=3)
        text = adapter.processor.tokenizer.decode(new[0], skip_special_tokens=True).strip()
        assert found.texts[row] == text
        if question.answers:
            right = judge(question.metric, text, question.answers)
            assert float(found.score[row]) == right
            assert bool(found.correct[row]) == (right == 1.0)
    forced = answer_scores(adapter, questions)
    assert torch.allclose(found.loss, forced.loss, equal_nan=True)


def test_scores_between_0_and_1_are_kept():
    adapter = adapter_of("llava")
    plain = questions_of("llava")[1]
    first = answer_scores(adapter, [plain], method="generate", max_new_tokens=4)
    words = first.texts[0].split()
    assert len(words) >= 2
    graded = replace(plain, metric="wrr", answers=(" ".join([*words, "xyz"]),))
    found = answer_scores(adapter, [graded], method="generate", max_new_tokens=4)
    assert float(found.score) == pytest.approx(len(words) / (len(words) + 1))
    assert not bool(found.correct)


@pytest.mark.parametrize("method", ["next_token", "generate"])
@pytest.mark.parametrize("name", MODELS)
def test_prepared_questions_give_the_same_before_and_inside_a_mask(name, method):
    adapter, questions = adapter_of(name), questions_of(name)
    more = {"method": method, "max_new_tokens": 3}
    prepared = prepare_answers(adapter, questions, batch_size=3)
    plain = answer_scores(adapter, questions, batch_size=3, **more)
    assert same(score_prepared(adapter, prepared, **more), plain)
    mask = {"a": [(0, n) for n in range(0, 48, 2)]}
    with deactivate(adapter, mask):
        masked = score_prepared(adapter, prepared, **more)
        assert same(masked, answer_scores(adapter, questions, batch_size=3, **more))
    assert not torch.allclose(masked.loss, plain.loss, equal_nan=True)
    assert same(score_prepared(adapter, prepared, **more), plain)


def test_questions_without_an_answer_are_nan_and_wrong():
    adapter, questions = adapter_of("llava"), questions_of("llava")
    for method in ("next_token", "generate"):
        found = answer_scores(adapter, questions, method=method, max_new_tokens=2)
        assert found.loss.isnan().nonzero().tolist() == [[3]]
        assert found.margin.isnan().nonzero().tolist() == [[3]]
        assert found.score.isnan().nonzero().tolist() == [[3]]
        assert not bool(found.correct[3])
    none = answer_scores(adapter, [])
    assert none.ids == () and none.loss.shape == (0,)


def test_progress_and_errors():
    adapter, questions = adapter_of("llava"), questions_of("llava")
    told = []
    answer_scores(adapter, questions, batch_size=3, progress=lambda *a: told.append(a))
    assert told[0] == ("answers", 3, 7) and told[-1] == ("answers", 7, 7)
    with pytest.raises(ValueError, match='must be "next_token" or "generate"'):
        answer_scores(adapter, questions, method="beam")
    with pytest.raises(ValueError, match="batch_size is 0"):
        prepare_answers(adapter, questions, batch_size=0)
    with pytest.raises(AnalysisError, match="need the model's processor"):
        answer_scores(ModelAdapter(tiny_model("llava")), questions)
    adapter.decoder.norm.weight.data[0] = math.nan
    with pytest.raises(AnalysisError, match="are not finite"):
        answer_scores(adapter, questions)
