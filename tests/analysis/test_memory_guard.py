import pytest
import torch

from simlearn.analysis import memory_guard as module
from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.collector import stats_for
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.memory_guard import check_memory, estimate_memory, free_memory
from tests.analysis.models import tiny_model


@pytest.fixture(scope="module")
def adapter():
    return ModelAdapter(tiny_model("llava"))


def batch(rows, tokens):
    return {"input_ids": torch.zeros((), dtype=torch.int64).expand(rows, tokens)}


def test_estimate_is_what_the_tensors_hold(adapter):
    stats = stats_for(adapter)
    need = estimate_memory(adapter, 2, 1000, [stats])
    assert need.accumulators == 6 * 3 * 48 * (8 + 8 + 8 + 4) + 6 * 3 * 8
    reduced = 2 * 6 * 48 * (8 + 8 + 8 + 8 + 4)
    block = 2 * 1000 * 48
    assert need.layer == 2 * 1000 * 48 * 4 + 9 * block + reduced
    assert need.attention == 0
    assert need.total == need.accumulators + need.layer
    both = estimate_memory(adapter, 2, 1000, [stats, stats], attn="received")
    assert both.accumulators == 2 * need.accumulators
    assert both.attention == 2 * 1000**2 * 8 + module.CHUNK * 12
    assert estimate_memory(adapter, 1, 10, [], attn="received").attention == 100 * 8 + 100 * 4 * 12
    longer = [estimate_memory(adapter, 1, 10**k, [stats], attn="received").total for k in range(5)]
    assert longer == sorted(longer) and longer[-1] > 10**8
    vision = estimate_memory(adapter, 1, 10, [], part="vision")
    assert vision.layer == 10 * 64 * (4 + 9) + 64 * (4 * 8 + 4)


def test_refusal_names_the_numbers_and_what_to_lower(adapter):
    stats = stats_for(adapter)
    need = estimate_memory(adapter, 2, 64, [stats], attn="received").total
    check_memory(adapter, batch(2, 64), [stats], attn="received", max_bytes=need)
    with pytest.raises(AnalysisError) as error:
        check_memory(adapter, batch(2, 64), [stats], attn="received", max_bytes=need - 1)
    text = str(error.value)
    for word in ("2 rows of 64 tokens", "accumulators", "one layer", "attention", " MiB"):
        assert word in text
    for way in ("batch size", "length of the prompts", 'attn="none"', "max_bytes"):
        assert way in text


def test_by_default_a_share_of_what_is_free(adapter, monkeypatch):
    check_memory(adapter, batch(2, 8), [stats_for(adapter)])
    monkeypatch.setattr(module, "free_memory", lambda device: 1000)
    with pytest.raises(AnalysisError, match="statistics of 2 rows of 8 tokens need"):
        check_memory(adapter, batch(2, 8), [])
    monkeypatch.setattr(module, "free_memory", lambda device: None)
    check_memory(adapter, batch(2, 10**9), [])


def test_free_memory_is_read_from_the_system(monkeypatch, tmp_path):
    device = torch.device("cpu")
    assert free_memory(device) > 2**20
    monkeypatch.setattr(module, "MEMINFO", tmp_path / "meminfo")
    assert free_memory(device) > 2**20
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:  7 kB\n")
    assert free_memory(device) == 7 * 1024
    monkeypatch.setattr(module, "MEMINFO", tmp_path / "none")
    monkeypatch.delattr(module.os, "sysconf")
    assert free_memory(device) is None
