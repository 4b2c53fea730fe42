from collections import Counter

import pytest
import torch

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.answers import answer_scores, prepare_answers
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.intervene import deactivate
from simlearn.analysis.mask_plan import PlannedMask
from simlearn.analysis.mask_scores import VALUES, MaskedAnswers, score_masks
from simlearn.analysis.neuron_protocol import NeuronMasks
from simlearn.analysis.neuron_set import NeuronSet
from simlearn.analysis.tensor_file import read_tensors
from simlearn.trainer.interrupt import Interrupted, StopFlag
from tests.analysis.hook_counts import hook_counts
from tests.analysis.small_llava import sentence_questions, shape_questions, small_llava

FACTS = {"model": "f00d", "data": "beef", "settings": "0"}
PROTOCOL = NeuronMasks(ratio=0.1, ratios=(0.1,), batch_size=3)


@pytest.fixture(scope="module")
def adapter():
    """Answers of this one fall apart quickly: the head is made loud."""
    adapter = small_llava()
    with torch.no_grad():
        adapter.model.get_output_embeddings().weight.mul_(20)
    return adapter


@pytest.fixture(scope="module")
def questions():
    return [*shape_questions(2, split="test"), *sentence_questions(3, split="test")]


@pytest.fixture(scope="module")
def prepared(adapter, questions):
    return prepare_answers(adapter, questions, batch_size=3)


def neurons(adapter, *rows, group="image"):
    return NeuronSet({group: rows}, shape=adapter.shape, model=adapter.fingerprint)


@pytest.fixture(scope="module")
def masks(adapter):
    """A union with two controls, and a complement without one."""
    wide = [(k, n) for k in range(2) for n in range(0, 48, 2)]
    other = [(k, n) for k in range(2) for n in range(1, 48, 2)]
    half = [(0, n) for n in range(48)]
    return [
        PlannedMask(
            "union",
            0.1,
            neurons(adapter, *wide),
            (neurons(adapter, *other, group="random"), neurons(adapter, *half, group="random")),
        ),
        PlannedMask("complement", 0.1, neurons(adapter, *other, group="complement"), ()),
    ]


def run(adapter, prepared, masks, folder, *, stop=None, report=lambda *_: None, **changed):
    given = {"protocol": PROTOCOL, "facts": FACTS, **changed}
    return score_masks(
        adapter,
        prepared,
        masks,
        given.pop("protocol"),
        folder=folder,
        stop=stop or StopFlag(),
        report=report,
        **given,
    )


@pytest.fixture
def passes(monkeypatch):
    """How often the model was asked, by kind of call."""
    counts = Counter()
    for name in ("forward", "generate"):
        own = getattr(ModelAdapter, name)

        def counted(self, *args, _own=own, _name=name, **kw):
            counts[_name] += 1
            return _own(self, *args, **kw)

        monkeypatch.setattr(ModelAdapter, name, counted)
    return counts


@pytest.mark.parametrize(
    ("method", "value"), [("next_token", 0.0), ("next_token", None), ("generate", -1.0)]
)
def test_scores_are_those_of_each_mask_by_itself(
    adapter, questions, prepared, masks, tmp_path, method, value
):
    protocol = NeuronMasks(
        **{"ratio": 0.1, "ratios": (0.1,), "batch_size": 3},
        **{"method": method, "value": value, "max_new_tokens": 3},
    )
    found = run(adapter, prepared, masks, tmp_path, protocol=protocol)
    assert [len(one.score) for one in found] == [3, 1]
    plain = answer_scores(adapter, questions, batch_size=3)
    for mask, answers in zip(masks, found, strict=True):
        for row, chosen in enumerate((mask.neurons, *mask.controls)):
            with deactivate(adapter, chosen, "min" if value is None else value):
                wanted = answer_scores(
                    adapter, questions, batch_size=3, method=method, max_new_tokens=3
                )
            for name in VALUES:
                values = getattr(answers, name)
                assert values.dtype == torch.float64 and values.shape[1] == 7
                torch.testing.assert_close(
                    values[row], getattr(wanted, name).double(), rtol=0, atol=1e-5, equal_nan=True
                )
            assert not torch.allclose(answers.loss[row], plain.loss.double(), atol=1e-3)
    assert not torch.allclose(found[0].loss[0], found[0].loss[1])


def test_files_hold_the_scores_and_are_read_instead_of_asked(
    adapter, prepared, masks, tmp_path, passes
):
    first = run(adapter, prepared, masks, tmp_path / "masks")
    assert passes["forward"] == 4 * len(prepared) == 12 and passes["generate"] == 0
    files = sorted(p.name for p in (tmp_path / "masks").iterdir())
    assert files == ["complement-0_1.safetensors", "union-0_1.safetensors"]
    tensors, facts = read_tensors(tmp_path / "masks" / files[1], form="simlearn masked answers 1")
    assert facts == {"of": {**FACTS, "group": "union", "ratio": "0.1"}}
    assert all(torch.equal(tensors[name], getattr(first[0], name)) for name in VALUES)
    passes.clear()
    again = run(adapter, prepared, masks, tmp_path / "masks")
    assert not passes
    for one, two in zip(first, again, strict=True):
        assert isinstance(two, MaskedAnswers)
        assert all(torch.equal(getattr(one, name), getattr(two, name)) for name in VALUES)
    (tmp_path / "masks" / files[0]).unlink()
    run(adapter, prepared, masks, tmp_path / "masks")
    assert passes["forward"] == len(prepared)  # the complement has no control


def test_interrupted_after_every_mask_and_resumed(adapter, prepared, masks, tmp_path, passes):
    whole = run(adapter, prepared, masks, tmp_path / "whole")
    passes.clear()
    for after, kept in ((1, []), (2, []), (3, ["union-0_1.safetensors"])):
        stop, told = StopFlag(), []

        def report(what, done, total, stop=stop, told=told, after=after):
            told.append((what, done, total))
            stop.signal = "SIGINT" if done == after else None

        with pytest.raises(Interrupted, match=f"stopped by SIGINT after {after} masks"):
            run(adapter, prepared, masks, tmp_path / "cut", stop=stop, report=report)
        assert told == [("masks", n, 4) for n in range(1, after + 1)]
        assert [p.name for p in (tmp_path / "cut").glob("*")] == kept
    passes.clear()
    told = []
    resumed = run(adapter, prepared, masks, tmp_path / "cut", report=lambda *row: told.append(row))
    assert passes["forward"] == len(prepared) and told == [("masks", 4, 4)]
    for one, two in zip(whole, resumed, strict=True):
        assert all(torch.equal(getattr(one, name), getattr(two, name)) for name in VALUES)


def test_a_signal_at_the_last_mask_does_not_stop(adapter, prepared, masks, tmp_path):
    stop = StopFlag()

    def report(what, done, total):
        stop.signal = "SIGTERM" if done == total else None

    assert len(run(adapter, prepared, masks, tmp_path, stop=stop, report=report)) == 2


@pytest.mark.parametrize("what", list(FACTS))
def test_scores_of_another_run_are_refused(adapter, prepared, masks, tmp_path, what, passes):
    run(adapter, prepared, masks[1:], tmp_path / "masks")
    kept = {p.name: p.read_bytes() for p in (tmp_path / "masks").iterdir()}
    passes.clear()
    with pytest.raises(AnalysisError, match=r"complement-0_1.*was scored with .*'other'") as caught:
        run(adapter, prepared, masks, tmp_path / "masks", facts={**FACTS, what: "other"})
    assert "Delete the folder masks, or start a new run" in str(caught.value)
    assert kept == {name: (tmp_path / "masks" / name).read_bytes() for name in kept}


@pytest.mark.parametrize("cut", [0, 10, -9])
def test_a_damaged_file_is_named(adapter, prepared, masks, tmp_path, cut):
    run(adapter, prepared, masks[1:], tmp_path)
    path = tmp_path / "complement-0_1.safetensors"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(AnalysisError, match=r"complement-0_1.safetensors: damaged"):
        run(adapter, prepared, masks[1:], tmp_path)


def test_a_changed_file_is_named(adapter, prepared, masks, tmp_path):
    run(adapter, prepared, masks[1:], tmp_path)
    path = tmp_path / "complement-0_1.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(AnalysisError, match="was changed after it was written"):
        run(adapter, prepared, masks[1:], tmp_path)


def test_a_mask_of_another_model_is_refused(adapter, prepared, tmp_path):
    for other, text in (
        (NeuronSet({"image": [(0, 1)]}, shape=adapter.shape, model="0123"), "of model 0123"),
        (NeuronSet({"image": [(0, 1)]}, shape=(3, 48)), "3 layers of 48 neurons, this one has 2"),
    ):
        before = hook_counts(adapter.model)
        with pytest.raises(AnalysisError, match=text):
            run(adapter, prepared, [PlannedMask("image", 0.1, other, ())], tmp_path)
        assert hook_counts(adapter.model) == before and not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written(adapter, prepared, masks, tmp_path):
    (tmp_path / "masks").write_text("in the way")
    with pytest.raises(AnalysisError, match=r"masks.* cannot be written"):
        run(adapter, prepared, masks[1:], tmp_path / "masks")


def test_the_model_is_left_as_it_was(adapter, questions, prepared, masks, tmp_path):
    before = answer_scores(adapter, questions, batch_size=3)
    hooks = hook_counts(adapter.model)
    run(adapter, prepared, masks, tmp_path)
    after = answer_scores(adapter, questions, batch_size=3)
    assert torch.equal(before.loss, after.loss) and hook_counts(adapter.model) == hooks


def test_no_mask_at_all(adapter, prepared, tmp_path):
    assert run(adapter, prepared, [], tmp_path) == []
