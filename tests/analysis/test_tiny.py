"""Models saved and opened: half precision, the same inputs, and folders that hold no model."""

from __future__ import annotations

import json
import shutil
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.tiny import MADE, SHIPPED, TinyMLLM, open_model, save_model
from tests.analysis.tiny_case import TAUGHT, read, shown, tiny_case

WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module", params=TAUGHT)
def saved(request, tmp_path_factory):
    """(model, processor, questions, folder)."""
    _, model, processor, questions = tiny_case(request.param)
    folder = tmp_path_factory.mktemp(request.param) / "a" / "model"
    save_model(model, processor, folder, {"seed": 3, "test": {"x": 0.5}})
    return model, processor, questions, folder


@pytest.fixture(scope="module")
def llava(tmp_path_factory):
    """The folder of a saved LLaVA, to be copied and spoilt."""
    _, model, processor, _ = tiny_case("llava")
    folder = tmp_path_factory.mktemp("llava") / "model"
    save_model(model, processor, folder, {})
    return folder


def test_the_file_is_in_half_precision_and_the_model_is_left_alone(saved):
    model, _, _, folder = saved
    half = load_file(folder / WEIGHTS)
    state = model.state_dict()
    assert {v.dtype for v in half.values()} == {torch.float16}
    assert sum(v.numel() for v in half.values()) == sum(v.numel() for v in state.values())
    assert json.loads((folder / "config.json").read_text())["dtype"] == "float32"
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert model.config.dtype in (None, torch.float32)
    assert json.loads((folder / MADE).read_text()) == {"seed": 3, "test": {"x": 0.5}}
    assert not list(folder.glob("*.bin")) and not list(folder.glob("*.py"))


def test_a_loaded_model_has_the_same_inputs_and_nearly_the_same_logits(saved):
    model, processor, questions, folder = saved
    other, own = TinyMLLM.load(folder)
    assert not other.training and not any(p.requires_grad for p in other.parameters())
    assert {p.dtype for p in other.parameters()} == {torch.float32}
    one, two = ModelAdapter(model, processor), ModelAdapter(other, own)
    assert one.fingerprint == two.fingerprint
    for asked in (shown(questions)[:5], read(questions)[:4]):
        a, b = one.encode(asked), two.encode(asked)
        assert a.keys() == b.keys()
        for name in a:
            assert torch.equal(a[name], b[name]), name
        with torch.no_grad():
            x, y = (m.forward(i, logits="last") for m, i in ((one, a), (two, b)))
        assert torch.allclose(x, y, atol=2e-2 * float(x.abs().max()), rtol=0)
        assert not torch.equal(x, y)
    for name, value in other.state_dict().items():
        assert torch.equal(value, model.state_dict()[name].half().float()), name


def test_saved_twice_it_is_the_same_file(saved, tmp_path):
    _, _, _, folder = saved
    model, processor = TinyMLLM.load(folder)
    save_model(model, processor, tmp_path / "b", {})
    one, two = (load_file(f / WEIGHTS) for f in (folder, tmp_path / "b"))
    assert one.keys() == two.keys() and all(torch.equal(one[k], two[k]) for k in one)


def test_other_precisions(saved):
    folder = saved[3]
    for word, dtype in (("auto", torch.float32), ("float16", torch.float16)):
        model, _ = open_model(str(folder), dtype=word)
        assert {p.dtype for p in model.parameters()} == {dtype}


def test_a_path_below_the_home_folder(llava, monkeypatch):
    monkeypatch.setenv("HOME", str(llava.parent))
    assert open_model("~/model")[0].config.model_type == "llava"


def edit(folder, **values):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def cut(name, size):
    return lambda f: (f / name).write_bytes((f / name).read_bytes()[:size])


def to_pickle(folder):
    torch.save(load_file(folder / WEIGHTS), folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()


def wider(folder):
    text = json.loads((folder / "config.json").read_text())["text_config"]
    edit(folder, text_config=text | {"hidden_size": 64})


def with_code(folder):
    edit(folder, model_type="mine", auto_map={"AutoConfig": "mine.A", "AutoModel": "mine.B"})
    (folder / "mine.py").write_text(f"open({str(folder / 'ran')!r}, 'w').close()")


CANNOT = "cannot be opened as a multimodal language model"
SPOILT = {
    "no config": (lambda f: (f / "config.json").unlink(), "holds no config.json; model.path is"),
    "config cut": (cut("config.json", 9), CANNOT),
    "config a list": (lambda f: (f / "config.json").write_text("[]"), CANNOT),
    "config of text": (lambda f: edit(f, model_type="llama"), "LlamaConfig"),
    "config of nothing": (lambda f: edit(f, model_type="zebra"), "`zebra`"),
    "config of the wrong type": (lambda f: edit(f, text_config="wide"), CANNOT),
    "another width": (wider, CANNOT),
    "weights cut": (cut(WEIGHTS, 5000), CANNOT),
    "weights cut in the header": (cut(WEIGHTS, 5), CANNOT),
    "weights empty": (cut(WEIGHTS, 0), CANNOT),
    "no weights": (lambda f: (f / WEIGHTS).unlink(), "no file named model.safetensors"),
    "weights pickled": (to_pickle, "no file named model.safetensors"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), CANNOT),
    "tokenizer empty": (lambda f: (f / "tokenizer.json").write_text("{}"), CANNOT),
    "processor cut": (cut("processor_config.json", 20), "processor_config.json"),
    "with code": (with_code, CANNOT),
}


@pytest.mark.parametrize("name", SPOILT)
def test_folders_that_hold_no_model(llava, tmp_path, name):
    spoil, text = SPOILT[name]
    folder = tmp_path / "model"
    shutil.copytree(llava, folder)
    spoil(folder)
    with pytest.raises(AnalysisError) as caught:
        open_model(str(folder))
    assert text in str(caught.value) and str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (folder / "ran").exists()


def test_weights_that_are_missing_are_not_made_up(llava, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(llava, folder)
    state = load_file(folder / WEIGHTS)
    kept = {k: v for k, v in state.items() if "mlp.down_proj" not in k}
    save_file(kept, folder / WEIGHTS, {"format": "pt"})
    with pytest.raises(
        AnalysisError, match=r"1 weights are not in its files \(.*down_proj.weight,"
    ):
        open_model(str(folder))


@pytest.mark.parametrize(
    "path", ["/no/such/folder", "nobody/nothing", "a b c", "x\0y", "{f}/config.json"]
)
def test_paths_that_lead_nowhere(llava, path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    given = path.format(f=llava)
    with pytest.raises(
        AnalysisError, match="Give the folder of a model saved by transformers"
    ) as caught:
        open_model(given)
    assert f"model.path={given}" in str(caught.value)


def test_transformers_is_not_installed(monkeypatch, llava):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(
        AnalysisError, match=r"need transformers: pip install 'simlearn\[analysis\]'"
    ):
        open_model(str(llava))


def test_a_folder_that_cannot_be_written(tmp_path):
    _, model, processor, _ = tiny_case("llava")
    (tmp_path / "file").write_text("")
    with pytest.raises(AnalysisError, match="file: cannot be written"):
        save_model(model, processor, tmp_path / "file", {})
    assert model.config.dtype in (None, torch.float32)


def test_where_the_shipped_model_is_looked_for(monkeypatch, tmp_path, llava):
    assert SHIPPED.parent.name == "analysis" and SHIPPED.name == "shipped_llava"
    monkeypatch.setattr("simlearn.analysis.tiny.SHIPPED", llava)
    assert TinyMLLM.load()[0].config.model_type == "llava"
