import json
import logging
from contextlib import ExitStack
from functools import cache

import pytest
import torch
from torch.utils.data import DataLoader
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from simlearn.analysis.collector import collect
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.mining import dataset_scores, mine
from simlearn.analysis.predict import NeuronStatistics
from simlearn.analysis.sample_scores import SampleScores
from simlearn.analysis.scores import miner_scores
from simlearn.analysis.splits import split_masks
from simlearn.analysis.tokens import MODALITIES
from simlearn.data.questions import Question
from simlearn.trainer.factory import TrainerSettings, make_trainer
from simlearn.trainer.interrupt import Interrupted, StopFlag
from tests.analysis.small_llava import sentence_questions, shape_questions, small_llava

QUIET = TrainerSettings(accelerator="cpu", max_epochs=1)


@pytest.fixture(scope="module")
def adapter():
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    return small_llava(dtype=torch.float64)


@pytest.fixture(scope="module")
def questions():
    """Fourteen questions: about five pictures, and four without one, not in order."""
    shapes, sentences = shape_questions(5), sentence_questions(4)
    return [*sentences[:1], *shapes[:7], *sentences[1:], *shapes[7:]]


def run(adapter, questions, folder, *, stop=None, report=lambda *_: None, **changed):
    stop = stop or StopFlag()
    given = {"batch_size": 3, **changed}
    return mine(
        adapter, questions, folder=folder, settings=QUIET, stop=stop, report=report, **given
    )


@cache
def by_hand(adapter, question):
    """Activations ``(T, N)`` and attention logits ``(1, H, T, T)`` of every layer, for a prompt."""
    batch, acts, found = adapter.encode([question]), [], []
    states = []
    with ExitStack() as stack, torch.no_grad():
        for block in adapter.decoder.layers:
            hook = block.mlp.act_fn.register_forward_hook(lambda m, a, out: acts.append(out[0]))
            stack.callback(hook.remove)
            hook = block.input_layernorm.register_forward_hook(lambda m, a, out: states.append(out))
            stack.callback(hook.remove)
        adapter.model(**batch)
        for block, act, x in zip(adapter.decoder.layers, acts, states, strict=True):
            attention, count = block.self_attn, x.shape[1]
            q, k = (
                layer(x).view(1, count, -1, attention.head_dim).transpose(1, 2)
                for layer in (attention.q_proj, attention.k_proj)
            )
            cos, sin = adapter.decoder.rotary_emb(x, torch.arange(count)[None])
            q, k = apply_rotary_pos_emb(q, k, cos, sin)
            logits = q @ k.transpose(-1, -2) / attention.head_dim**0.5
            found.append((act, logits))
    return found


def attention(logits, causal):
    if causal:
        logits = logits.masked_fill(~torch.ones_like(logits).tril().bool(), -torch.inf)
    return logits.softmax(-1)[0].mean(0)


def naive_scores(adapter, questions, split, attn, causal):
    """``{data set: (5, M, L, N)}``: one prompt at a time, plain means."""
    found = {}
    for q in questions:
        names, masks = split_masks(adapter.token_modality(adapter.encode([q])), split)
        layers = [
            miner_scores(
                act,
                masks[0],
                None if attn == "none" else attention(logits, causal),
                causal=causal,
            )
            for act, logits in by_hand(adapter, q)
        ]
        found.setdefault(q.dataset, []).append(torch.stack(layers, dim=2))
    return names, {name: sum(rows) / len(rows) for name, rows in found.items()}


@pytest.mark.parametrize(
    ("split", "attn", "causal"),
    [
        ("special_text_separate", "reference", False),
        ("special_text_separate", "reference", True),
        ("special_text_as_one", "reference", False),
        ("prompt", "reference", False),
        ("special_text_separate", "none", False),
    ],
)
def test_scores_are_those_of_single_prompts(adapter, questions, tmp_path, split, attn, causal):
    mined = run(adapter, questions, tmp_path, split=split, attn=attn, causal=causal)
    scores, kept = dataset_scores(mined.scores, split)
    names, naive = naive_scores(adapter, questions, split, attn, causal)
    assert mined.scores.datasets == tuple(naive) == ("text", "shapes")
    assert mined.scores.samples.tolist() == [4, 10]
    groups = {
        "special_text_separate": ("text", "special", "image"),
        "special_text_as_one": ("special_text", "image"),
        "prompt": ("prompt",),
    }[split]
    assert kept == groups and scores.shape == (2, 5, len(kept), *adapter.shape)
    for d, dataset in enumerate(naive):
        wanted = naive[dataset][:, [names.index(name) for name in kept]]
        torch.testing.assert_close(scores[d], wanted, rtol=0, atol=1e-6)
    assert bool((scores[:, 3:] != 0).any()) == (attn != "none")
    if "image" in kept:  # no sentence has a picture
        assert not scores[0, :, kept.index("image")].any()
        assert scores[1, :, kept.index("image")].any()


@pytest.mark.parametrize("split", ["special_text_separate", "special_text_as_one", "prompt"])
def test_statistics_are_those_of_plain_loops(adapter, questions, tmp_path, split):
    stats = run(adapter, questions, tmp_path, split=split, attn="none").stats
    assert stats.names == MODALITIES
    tokens = {}
    for q in questions:
        names, masks = split_masks(adapter.token_modality(adapter.encode([q])), split)
        for name, mask in zip(names, masks[0], strict=True):
            rows = [act[mask] for act, _ in by_hand(adapter, q)]
            tokens.setdefault(name, []).append(torch.stack(rows, dim=1))  # (n, L, N)
    merged = {"special_text": "text", "prompt": "text"}
    seen = set()
    for name, parts in tokens.items():
        x = torch.cat(parts)
        if not len(x):
            continue
        m = stats.names.index(merged.get(name, name))
        seen.add(m)
        assert stats.count[m].tolist() == [len(x)] * 2
        assert torch.equal(stats.pos[m], (x > 0).sum(0))
        torch.testing.assert_close(stats.sum[m], x.sum(0), rtol=0, atol=1e-9)
        torch.testing.assert_close(stats.max[m], x.amax(0).float())
    for m in set(range(6)) - seen:
        assert not stats.count[m].any() and not stats.pos[m].any()
        assert (stats.max[m] == -torch.inf).all()


def test_the_split_of_the_predict_module_alone(adapter, questions, tmp_path):
    """``NeuronStatistics(split=...)`` without a store, beside ``collect`` of merged tokens."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    whole = collect(adapter, [adapter.encode([q]) for q in questions])
    codes = {name: m for m, name in enumerate(whole.names)}
    for split, merged in (("special_text_as_one", ("text", "special")), ("prompt", MODALITIES)):
        stats = type(whole).zeros(MODALITIES, *adapter.shape)
        module = NeuronStatistics(adapter, {"stats": stats}, split=split)
        trainer = make_trainer(QUIET, run_dir=tmp_path, callbacks=[], loggers=[])
        batches = DataLoader([{"questions": [q]} for q in questions], batch_size=None)
        trainer.predict(module, batches, return_predictions=False)
        wanted = sum(whole.count[codes[name]] for name in merged)
        assert torch.equal(stats.count[codes["text"]], wanted)
        assert torch.equal(stats.pos[codes["text"]], sum(whole.pos[codes[name]] for name in merged))
        left = set(MODALITIES) - set(merged)
        for name in left:
            assert torch.equal(stats.pos[codes[name]], whole.pos[codes[name]])
        for name in set(merged) - {"text"}:
            assert not stats.count[codes[name]].any()


def stopping(after):
    """A flag, and a report that sets it when so many samples are done."""
    stop, told = StopFlag(), []

    def report(what, done, total):
        told.append((what, done, total))
        if done >= after:
            stop.signal = "SIGTERM"

    return stop, report, told


def assert_same(one, two):
    for name in ("count", "pos", "max"):
        assert torch.equal(getattr(one.stats, name), getattr(two.stats, name)), name
    for name in ("sum", "wsum"):
        a, b = getattr(one.stats, name), getattr(two.stats, name)
        torch.testing.assert_close(a, b, rtol=0, atol=1e-9)
    assert torch.equal(one.scores.samples, two.scores.samples)
    torch.testing.assert_close(one.scores.total, two.scores.total, rtol=0, atol=1e-9)


@pytest.mark.parametrize("after", [1, 5, 13])
def test_interrupted_and_resumed_is_uninterrupted(adapter, questions, tmp_path, monkeypatch, after):
    whole = run(adapter, questions, tmp_path / "whole")
    stop, report, told = stopping(after)
    with pytest.raises(Interrupted, match=r"stopped by SIGTERM after (3|6|13) samples"):
        run(adapter, questions, tmp_path / "cut", stop=stop, report=report)
    done = told[-1][1]
    assert done >= after and all(what == "mining" and total == 14 for what, _, total in told)
    lines = (tmp_path / "cut/statistics/samples.jsonl").read_text().splitlines()
    before = {tuple(json.loads(line)[k] for k in ("dataset", "id")) for line in lines}
    assert len(before) == len(lines) == done  # written before leaving, not lost
    asked = []
    encode = type(adapter).encode
    monkeypatch.setattr(
        type(adapter), "encode", lambda self, qs: (asked.extend(qs), encode(self, qs))[1]
    )
    resumed = run(adapter, questions, tmp_path / "cut", report=(again := stopping(99))[1])
    assert again[2][-1] == ("mining", 14, 14)
    assert {(q.dataset, q.id) for q in asked} | before == {(q.dataset, q.id) for q in questions}
    assert len(asked) == 14 - done
    assert_same(whole, resumed)
    first, second = (
        sorted((tmp_path / name / "statistics/samples.jsonl").read_text().splitlines())
        for name in ("whole", "cut")
    )
    assert first == second and len(first) == 14
    asked.clear()
    assert_same(whole, run(adapter, questions, tmp_path / "cut"))  # complete: only read
    assert asked == []


def test_interrupted_again_and_again(adapter, questions, tmp_path):
    whole = run(adapter, questions, tmp_path / "whole")
    for _ in range(3):
        stop, report, _told = stopping(0)
        with pytest.raises(Interrupted):
            run(adapter, questions, tmp_path / "cut", stop=stop, report=report)
    assert_same(whole, run(adapter, questions, tmp_path / "cut"))


def test_a_signal_at_the_last_batch_does_not_stop(adapter, questions, tmp_path):
    stop, report, told = stopping(14)
    mined = run(adapter, questions, tmp_path, stop=stop, report=report)
    assert stop.signal and told[-1] == ("mining", 14, 14)
    assert int(mined.scores.samples.sum()) == 14


def test_a_failure_loses_no_whole_shard(adapter, questions, tmp_path, monkeypatch):
    """As after a kill: nothing is flushed in between but what had its shard."""
    whole = run(adapter, questions, tmp_path / "whole", batch_size=1)
    monkeypatch.setattr("simlearn.analysis.mining.EVERY", 4)

    def report(what, done, total):
        if done == 10:
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        run(adapter, questions, tmp_path / "cut", batch_size=1, report=report)
    shards = sorted(p.name for p in (tmp_path / "cut/statistics").glob("shard-*"))
    assert shards == ["shard-0-000000.safetensors", "shard-0-000001.safetensors"]
    assert_same(whole, run(adapter, questions, tmp_path / "cut", batch_size=1))


@pytest.mark.parametrize(
    "changed",
    [
        {"attn": "none"},
        {"causal": True},
        {"split": "prompt"},
        {"facts": {"data": "other"}},
    ],
)
def test_statistics_of_another_run_are_refused(adapter, questions, tmp_path, changed):
    stop, report, _ = stopping(0)
    with pytest.raises(Interrupted):
        run(adapter, questions, tmp_path, stop=stop, report=report, facts={"data": "this"})
    kept = {p.name: p.read_bytes() for p in (tmp_path / "statistics").iterdir()}
    with pytest.raises(AnalysisError, match=r"was made with .*this run has .*name another folder"):
        run(adapter, questions, tmp_path, **{"facts": {"data": "this"}, **changed})
    assert {p.name: p.read_bytes() for p in (tmp_path / "statistics").iterdir()} == kept
    assert run(adapter, questions, tmp_path, facts={"data": "this"})


def test_statistics_of_another_model_are_refused(adapter, questions, tmp_path):
    run(adapter, questions, tmp_path)
    other = small_llava(intermediate=56)
    with pytest.raises(AnalysisError, match=adapter.fingerprint):
        run(other, questions, tmp_path)


def test_a_damaged_shard_is_named(adapter, questions, tmp_path):
    run(adapter, questions, tmp_path)
    shard = tmp_path / "statistics/shard-0-000000.safetensors"
    shard.write_bytes(shard.read_bytes()[:-7])
    with pytest.raises(AnalysisError, match="shard-0-000000.safetensors"):
        run(adapter, questions, tmp_path)


def test_the_order_and_size_of_batches_do_not_matter(adapter, questions, tmp_path):
    one = run(adapter, questions, tmp_path / "one", batch_size=64)
    two = run(adapter, questions, tmp_path / "two", batch_size=1)
    for name in ("count", "pos"):
        assert torch.equal(getattr(one.stats, name), getattr(two.stats, name))
    torch.testing.assert_close(one.scores.total, two.scores.total, rtol=0, atol=1e-9)
    turned = run(adapter, questions[::-1], tmp_path / "turned")
    assert turned.scores.datasets == ("shapes", "text")
    torch.testing.assert_close(turned.scores.total.flip(0), one.scores.total, rtol=0, atol=1e-9)


def test_hooks_are_gone_and_gradients_off(adapter, questions, tmp_path):
    from tests.analysis.hook_counts import hook_counts

    before = hook_counts(adapter.model)
    run(adapter, questions, tmp_path)
    assert hook_counts(adapter.model) == before
    assert all(p.grad is None for p in adapter.model.parameters())


def test_a_question_that_repeats_is_refused(adapter, questions, tmp_path):
    with pytest.raises(AnalysisError, match="would be counted twice"):
        run(adapter, [*questions, questions[0]], tmp_path)


def test_a_data_set_that_is_named_nothing(adapter, tmp_path):
    """Questions without a data set's name are one data set."""
    plain = [Question(str(n), "is the shape red?", ("yes",)) for n in range(3)]
    mined = run(adapter, plain, tmp_path)
    assert mined.scores.datasets == ("",) and mined.scores.samples.tolist() == [3]


def test_names_without_a_modality_are_dropped():
    scores = SampleScores(("a", "b"), MODALITIES, 2, 3)
    scores.samples += 2
    scores.total[0, 1, MODALITIES.index("image"), 1, 2] = 1.0
    scores.total[1, 2, MODALITIES.index("text"), 0, 0] = 4.0
    mean, names = dataset_scores(scores, "special_text_as_one")
    assert names == ("special_text", "image") and mean.shape == (2, 5, 2, 2, 3)
    assert float(mean[0, 1, 1, 1, 2]) == 0.5 and float(mean[1, 2, 0, 0, 0]) == 2.0
    assert float(mean.sum()) == 2.5
