"""A model in this process: replies do not depend on the batch, faults stay with their request."""

from __future__ import annotations

import io
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.errorradar.endpoint import EndpointError, Failure, Reply, Request
from simlearn.analysis.errorradar.local_model import LocalModel, end_ids
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.intervene import deactivate
from simlearn.analysis.model_sources import TinyShipped
from simlearn.analysis.word_tokenizer import word_tokenizer
from simlearn.data.easy_vqa import EasyVQA
from simlearn.data.text_questions import text_questions
from tests.analysis.small_llava import small_llava, words
from tests.analysis.tiny_case import tiny_case

ASKED = [q.text for q in text_questions(9, seed=1, split="test")]
"""Questions that stand for prompts."""


def png(number, size=(20, 24)):
    g = np.random.default_rng(number)
    file = io.BytesIO()
    Image.fromarray(g.integers(0, 256, (*size, 3), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def requests(*, images=True, system=""):
    """Prompts of nine lengths, two of three with a figure."""
    return [
        Request(
            f"k{n}",
            f"r{n}",
            "step",
            "image random 1",
            system,
            f"{text} {' '.join(text.split()[:n])}",
            png(n, (20 + n, 24)) if images and n % 3 else None,
        )
        for n, text in enumerate(ASKED)
    ]


def text_model():
    """A random Llama with a tokenizer and without chat template."""
    import transformers as hf

    tokenizer = word_tokenizer(words())
    tokenizer.chat_template = None
    torch.manual_seed(0)
    config = hf.LlamaConfig(
        vocab_size=len(tokenizer),
        **{"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2},
        **{"num_attention_heads": 2, "num_key_value_heads": 2},
        **{"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2},
    )
    return ModelAdapter(hf.LlamaForCausalLM(config).eval(), tokenizer, text_only=True)


def qwen():
    """A random Qwen2-VL."""
    _, model, processor, _ = tiny_case("qwen2_vl")
    return ModelAdapter(model, processor)


@cache
def adapter_of(name):
    """One of four models."""
    return {
        "llava": small_llava,
        "qwen": qwen,
        "text": text_model,
        "shipped": lambda: TinyShipped().open("cpu"),
    }[name]()


def replies(adapter, asked, *, batch=4, tokens=8, **more):
    """What comes back, by key."""
    session = LocalModel(batch_size=batch, max_tokens=tokens).open(adapter)
    return {one.key: one for one in session.ask(iter(asked), **more)}


def essence(reply):
    """All of a reply but the seconds."""
    return {name: value for name, value in vars(reply).items() if name != "seconds"}


@pytest.mark.parametrize("name", ["llava", "qwen", "text", "shipped"])
def test_replies_do_not_depend_on_the_batch(name):
    adapter, asked = adapter_of(name), requests(images=name != "text")
    alone = replies(adapter, asked, batch=1)
    assert set(alone) == {one.key for one in asked}
    for batch in (4, 100):
        together = replies(adapter, asked[::-1], batch=batch)
        for request in asked:
            reply = together[request.key]
            assert essence(reply) == essence(alone[request.key])
            assert (reply.id, reply.task, reply.variant) == (
                *(request.id, request.task),
                request.variant,
            )
            assert reply.seconds > 0 and 1 <= reply.completion_tokens <= 8


@pytest.mark.parametrize("name", ["llava", "qwen", "text"])
def test_replies_are_what_a_naive_loop_writes(name):
    """Greedy decoding by hand: the whole row again for every token."""
    adapter, asked = adapter_of(name), requests(images=name != "text", system="you teach")[:4]
    found = replies(adapter, asked)
    from simlearn.analysis.errorradar.request_questions import request_question

    tokenizer = getattr(adapter.processor, "tokenizer", adapter.processor)
    for request in asked:
        batch = adapter.encode([request_question(request)])
        start, written = batch["input_ids"].shape[1], []
        while len(written) < 8:
            with torch.no_grad():
                token = int(adapter.forward(batch, logits="last")[0].argmax())
            written.append(token)
            if token == 2:
                break
            one = torch.tensor([[token]])
            batch["input_ids"] = torch.cat([batch["input_ids"], one], dim=1)
            batch["attention_mask"] = torch.ones_like(batch["input_ids"])
            batch.pop("mm_token_type_ids", None)
        reply = found[request.key]
        assert reply.text == tokenizer.decode(written, skip_special_tokens=True)
        assert (reply.prompt_tokens, reply.completion_tokens) == (start, len(written))
        assert reply.finish == ("stop" if written[-1] == 2 else "length")


def test_the_shipped_model_answers_and_stops():
    adapter = adapter_of("shipped")
    asked = EasyVQA(train=1, test=12).open().splits["test"]
    found = replies(
        adapter,
        [Request(f"{n}", q.id, "step", "", "", q.text, q.image) for n, q in enumerate(asked)],
    )
    right = [found[f"{n}"].text == q.answers[0] for n, q in enumerate(asked)]
    assert sum(right) >= 0.8 * len(right)
    assert {reply.finish for reply in found.values()} == {"stop"}
    assert {reply.completion_tokens for reply in found.values()} == {2}
    (cut,) = replies(adapter, [Request("k", "r", "step", "", "", asked[0].text)], tokens=1).values()
    assert (cut.finish, cut.completion_tokens) == ("length", 1)


def test_nothing_asked_gives_nothing():
    assert replies(adapter_of("llava"), []) == {}


def test_requests_are_taken_as_they_are_needed():
    taken = []

    def source():
        for request in requests(images=False):
            taken.append(request.key)
            yield request

    given = LocalModel(batch_size=2, max_tokens=1).open(adapter_of("llava")).ask(source())
    assert taken == []
    next(given)
    assert taken == ["k0", "k1"]
    assert len(list(given)) == 8 and len(taken) == 9


def test_an_unreadable_figure_is_a_failure_of_that_request_alone(tmp_path):
    asked = requests()
    broken = {"k1": b"GIF89a", "k4": tmp_path / "no.png", "k5": png(1)[:100]}
    wrong = [
        Request(r.key, r.id, r.task, r.variant, "", r.text, broken.get(r.key, r.image))
        for r in asked
    ]
    plain, found = replies(adapter_of("llava"), asked), replies(adapter_of("llava"), wrong)
    assert set(found) == set(plain)
    for key, one in found.items():
        if key in broken:
            assert isinstance(one, Failure) and "cannot be read as an image" in one.reason
            assert (one.id, one.task, one.variant) == (f"r{key[1:]}", "step", "image random 1")
        else:
            assert essence(one) == essence(plain[key])


def test_a_figure_that_the_processor_refuses_does_not_take_its_batch_along():
    asked = requests()
    thin = [Request("thin", "r", "step", "", "", ASKED[0], png(0, (1, 900))), *asked]
    plain, found = replies(adapter_of("qwen"), asked), replies(adapter_of("qwen"), thin)
    failure = found.pop("thin")
    assert isinstance(failure, Failure) and "ratio" in failure.reason
    assert {k: essence(r) for k, r in found.items()} == {k: essence(r) for k, r in plain.items()}


@pytest.mark.parametrize(("name", "place"), [("llava", "<image>"), ("qwen", "<|video_pad|>")])
def test_text_that_stands_for_a_picture_is_a_failure(name, place):
    asked = [*requests()[:3], Request("bad", "r", "step", "", "", f"see {place} now", png(0))]
    found = replies(adapter_of(name), asked)
    assert isinstance(found["bad"], Failure) and place in found["bad"].reason
    assert sum(isinstance(one, Reply) for one in found.values()) == 3


def test_a_model_that_only_reads_text_says_how_to_leave_figures_out():
    session = LocalModel(batch_size=1, max_tokens=2).open(adapter_of("text"))
    given = session.ask(requests())
    assert isinstance(next(given), Reply)  # the first has no figure
    with pytest.raises(EndpointError, match=r"record r1 has a figure.*evaluation\.images=false"):
        next(given)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_the_stop_flag_is_obeyed_after_each_batch(after):
    flag = SimpleNamespace(signal=None if after else "SIGTERM")
    session = LocalModel(batch_size=2, max_tokens=1).open(adapter_of("llava"))
    found = []
    for reply in session.ask(requests(images=False), stop=flag):
        found.append(reply.key)
        if len(found) == 2 * after - 1:  # while the batch's last reply is still to be given
            flag.signal = "SIGINT"
    assert found == [f"k{n}" for n in range(2 * after)]


def test_masks_laid_over_the_model_change_replies_and_leave_no_trace():
    adapter, asked = adapter_of("shipped"), requests(images=False)
    layers, width = adapter.shape
    every = torch.cartesian_prod(torch.arange(layers), torch.arange(width))
    plain = replies(adapter, asked)
    with deactivate(adapter, {"all": every}):
        masked = replies(adapter, asked)
    assert any(masked[key].text != plain[key].text for key in plain)
    again = replies(adapter, asked)
    assert [essence(r) for r in again.values()] == [essence(r) for r in plain.values()]


def test_settings_of_the_model_do_not_make_replies_depend_on_the_padding():
    """A penalty on repeated tokens would count padding, which is often the end token."""
    import transformers as hf

    adapter, asked = small_llava(), requests()
    adapter.model.generation_config = hf.GenerationConfig(
        do_sample=True,
        temperature=0.3,
        repetition_penalty=1.9,
        no_repeat_ngram_size=2,
        num_beams=3,
        pad_token_id=0,
        eos_token_id=[2, 3],
    )
    found = replies(adapter, asked)
    plain = replies(adapter_of("llava"), asked)
    assert {k: r.text for k, r in found.items()} == {k: r.text for k, r in plain.items()}


def test_the_identity_is_of_model_and_settings_not_of_the_batch():
    def told(adapter, **changed):
        return LocalModel(**{"batch_size": 2, "max_tokens": 5, **changed}).open(adapter).identity()

    own = told(adapter_of("llava"))
    assert own == told(small_llava(), batch_size=7)
    assert own["max_tokens"] == 5 and own["decoding"] == "greedy"
    others = [told(small_llava(seed=1)), told(small_llava(), max_tokens=6), told(qwen())]
    assert all(other != own for other in others)
    session = LocalModel().open(adapter_of("shipped"))
    assert (session.name, session.weights, session.spent()) == ("shipped_llava", "open", "")


def test_what_ends_a_reply():
    tokenizer = SimpleNamespace(eos_token_id=2)
    for own, wanted in ((None, {2}), (7, {2, 7}), ([7, 8], {2, 7, 8})):
        model = SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=own))
        assert end_ids(model, tokenizer) == wanted
    none = SimpleNamespace(generation_config=SimpleNamespace())
    assert end_ids(none, SimpleNamespace(eos_token_id=None)) == frozenset()


def test_what_cannot_be_opened_says_why():
    for name in ("batch_size", "max_tokens"):
        with pytest.raises(ValueError, match=rf"endpoint\.{name} is 0, must be at least 1"):
            LocalModel(**{name: 0})
    assert LocalModel.needs_model and not LocalModel().dry_run
    with pytest.raises(EndpointError, match="model=tiny_shipped"):
        LocalModel().open()
    bare = ModelAdapter(small_llava().model)
    with pytest.raises(EndpointError, match="has no processor"):
        LocalModel().open(bare)


def test_too_little_memory_names_the_batch(monkeypatch):
    adapter = small_llava()

    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(adapter, "generate", full)
    with pytest.raises(EndpointError, match=r"lower endpoint\.batch_size \(4\)"):
        replies(adapter, requests())


def test_a_tokenizer_that_cannot_pad_stops_everything():
    adapter = text_model()
    adapter.processor.pad_token = None
    with pytest.raises(AnalysisError, match="no token to pad with"):
        replies(adapter, requests(images=False))
