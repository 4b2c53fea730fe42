import json

import numpy as np
import pytest
import torch
from safetensors import numpy as plain
from safetensors.torch import save_file

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.tensor_file import read_tensors, write_tensors

TENSORS = {
    "rows": torch.tensor([[1, 2], [3, 4]], dtype=torch.int32),
    "none": torch.empty(0, 2, dtype=torch.int64),
    "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "one": torch.tensor(3.25, dtype=torch.float64),
}
FACTS = {"names": ["text", "画像"], "shape": [2, 4], "none": None}


def test_written_and_read(tmp_path):
    path = tmp_path / "new" / "folder" / "a.safetensors"
    write_tensors(path, TENSORS, form="things 1", facts=FACTS)
    tensors, facts = read_tensors(path, form="things 1")
    assert facts == FACTS and set(tensors) == set(TENSORS)
    for name, value in TENSORS.items():
        assert tensors[name].dtype == value.dtype and torch.equal(tensors[name], value)
    assert [p.name for p in path.parent.iterdir()] == ["a.safetensors"]
    del tensors
    write_tensors(path, {"rows": TENSORS["rows"].T}, form="things 1", facts=[])
    assert read_tensors(path, form="things 1")[0]["rows"].tolist() == [[1, 3], [2, 4]]


def test_anyone_can_read_it(tmp_path):
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"rows": TENSORS["rows"]}, form="things 1", facts=FACTS)
    np.testing.assert_array_equal(plain.load_file(path)["rows"], [[1, 2], [3, 4]])
    size = int.from_bytes(path.read_bytes()[:8], "little")
    told = json.loads(path.read_bytes()[8 : 8 + size])["__metadata__"]
    assert json.loads(told["facts"]) == FACTS and told["form"] == "things 1"


def test_a_file_of_another_form_or_of_nobody_is_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, form="things 2", facts=FACTS)
    with pytest.raises(
        AnalysisError, match="must be a file of 'things 1', it is one of 'things 2'"
    ):
        read_tensors(path, form="things 1")
    save_file({"rows": TENSORS["rows"]}, path)
    with pytest.raises(AnalysisError, match="it is one of None"):
        read_tensors(path, form="things 1")
    save_file({"rows": TENSORS["rows"]}, path, {"form": "things 1", "facts": "{}", "digest": "0"})
    with pytest.raises(AnalysisError, match="was changed after it was written"):
        read_tensors(path, form="things 1")
    with pytest.raises(AnalysisError, match=r"no\.safetensors: cannot be read"):
        read_tensors(tmp_path / "no.safetensors", form="things 1")


def test_changed_and_cut_files_are_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"rows": TENSORS["rows"]}, form="things 1", facts=FACTS)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(whole)
        for at in rng.integers(len(data), size=rng.integers(1, 4)):
            data[at] = rng.integers(256)
        if rng.random() < 0.3:
            data = data[: rng.integers(len(data))]
        path.write_bytes(bytes(data))
        try:
            tensors, facts = read_tensors(path, form="things 1")
        except AnalysisError:
            continue
        assert facts == FACTS and torch.equal(tensors["rows"], TENSORS["rows"])


def test_an_unwritable_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("no folder")
    path = tmp_path / "file" / "a.safetensors"
    with pytest.raises(AnalysisError, match=r"a\.safetensors: cannot be written"):
        write_tensors(path, TENSORS, form="things 1", facts=FACTS)
