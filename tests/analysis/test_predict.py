import pytest
import torch
from torch.utils.data import DataLoader

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.collector import collect, stats_for
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.predict import NeuronStatistics
from simlearn.analysis.sample_scores import SampleScores
from simlearn.analysis.shards import StatisticsStore
from simlearn.analysis.tokens import MODALITIES
from simlearn.data.questions import Question
from simlearn.trainer.factory import TrainerSettings, make_trainer
from tests.analysis.hook_counts import hook_counts
from tests.analysis.models import tiny_batch, tiny_model


class Encoding(ModelAdapter):
    """Encodes a question by its text, the seed of a batch."""

    def encode(self, questions, *, answers=None):
        (question,) = questions
        return tiny_batch("llava", words=(4,), seed=int(question.text))


QUESTIONS = [Question(f"q{i}", str(i), ("yes",), dataset="ab"[i % 2]) for i in range(5)]


def loader(questions):
    return DataLoader(questions, batch_size=1, collate_fn=lambda rows: {"questions": rows})


def predict(module, batches, folder):
    settings = TrainerSettings(accelerator="cpu", max_steps=1)
    trainer = make_trainer(settings, run_dir=folder, callbacks=[], loggers=[])
    assert trainer.predict(module, batches, return_predictions=False) is None


@pytest.fixture(scope="module")
def adapter():
    adapter = Encoding(tiny_model("llava"))
    adapter.forward(tiny_batch("llava"))  # transformers puts hooks of its own
    return adapter


def straight(adapter, questions=QUESTIONS):
    return collect(adapter, [adapter.encode([q]) for q in questions])


def same(one, two):
    for name in ("count", "pos", "max"):
        assert torch.equal(getattr(one, name), getattr(two, name))
    return torch.allclose(one.sum, two.sum, 0, 1e-12)


def test_questions_through_the_trainer_equal_collect(adapter, tmp_path):
    stats = stats_for(adapter)
    scores = SampleScores(["a", "b"], MODALITIES, *adapter.shape)
    module = NeuronStatistics(
        adapter, {"stats": stats, "scores": scores}, attn="reference", datasets=("a", "b")
    )
    before = hook_counts(adapter.model)
    predict(module, loader(QUESTIONS), tmp_path)
    assert same(stats, straight(adapter)) and bool(stats.wsum.any())
    assert scores.samples.tolist() == [3, 2]
    assert hook_counts(adapter.model) == before
    assert list(module.parameters()) == [] and list(module.children()) == []
    stats.merge(stats_for(adapter))


def test_encoded_batches(adapter, tmp_path):
    stats = stats_for(adapter)
    batches = [tiny_batch("llava", words=(4,), seed=i) for i in range(5)]
    data = DataLoader(batches, batch_size=None)
    predict(NeuronStatistics(adapter, {"stats": stats}), data, tmp_path)
    assert same(stats, straight(adapter))


def test_interrupted_and_resumed_by_sample_id(adapter, tmp_path):
    def go(questions):
        accumulators = {"stats": stats_for(adapter)}
        store = StatisticsStore(tmp_path / "shards", accumulators, every=2)
        left = [q for q in questions if (q.dataset, q.id) not in store.done]
        if left:
            predict(NeuronStatistics(adapter, accumulators, store=store), loader(left), tmp_path)
        else:
            store.finish()
        return accumulators["stats"], len(left)

    layer = adapter.decoder.layers[1]
    calls = []

    def fail(*_):
        calls.append(1)
        if len(calls) == 4:
            raise RuntimeError("power cut")

    handle = layer.register_forward_pre_hook(fail)
    before = hook_counts(adapter.model)
    with pytest.raises(RuntimeError, match="power cut"):
        go(QUESTIONS)
    assert hook_counts(adapter.model) == before
    handle.remove()
    stats, left = go(QUESTIONS)
    assert left == 3 and same(stats, straight(adapter))
    stats, left = go(QUESTIONS)
    assert left == 0 and same(stats, straight(adapter))


def test_errors(adapter, tmp_path):
    stats = stats_for(adapter)
    module = NeuronStatistics(adapter, {"stats": stats}, datasets=("a",))
    with pytest.raises(AnalysisError, match="'q1' is of data set 'b'; there are a"):
        predict(module, loader(QUESTIONS), tmp_path)
    with pytest.raises(AnalysisError, match="statistics of 1 rows .* raise max_bytes"):
        module = NeuronStatistics(adapter, {"stats": stats}, max_bytes=10)
        predict(module, loader(QUESTIONS), tmp_path)
    store = StatisticsStore(tmp_path / "shards", {"stats": stats_for(adapter)})
    with pytest.raises(AnalysisError, match="need batches of questions"):
        module = NeuronStatistics(adapter, store.accumulators, store=store)
        predict(module, DataLoader([tiny_batch("llava")], batch_size=None), tmp_path)


def test_a_model_in_half_precision_stays_as_it_is_under_the_trainers_precision(tmp_path):
    half = Encoding(tiny_model("llava", dtype=torch.bfloat16))
    stats = stats_for(half)
    batches = [tiny_batch("llava", seed=i, dtype=torch.bfloat16) for i in range(2)]
    module = NeuronStatistics(half, {"stats": stats})
    with torch.autocast("cpu", dtype=torch.float16):
        predict(module, DataLoader(batches, batch_size=None), tmp_path)
    assert {p.dtype for p in half.model.parameters()} == {torch.bfloat16}
    assert same(stats, collect(half, batches))
