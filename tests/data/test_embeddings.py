"""The file of embeddings and its damages."""

from __future__ import annotations

import json
import os
import random

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from simlearn.data.embeddings import Embeddings


def example(n=4):
    g = torch.Generator().manual_seed(n)
    rows = torch.arange(n)
    return Embeddings(z=torch.randn(n, 3, generator=g), y=rows % 2, group=rows * 10, index=rows)


@pytest.mark.parametrize("n", [0, 1, 4])
def test_saved_and_loaded(tmp_path, n):
    one, path = example(n), tmp_path / "embeddings.safetensors"
    names = {"videos": json.dumps(["Zoë/1", "O'Keefe/2"]), "identities": "[]"}
    one.save(path, names)
    two = Embeddings.load(path)
    for name in ("z", "y", "group", "index"):
        assert torch.equal(getattr(one, name), getattr(two, name))
        assert getattr(one, name).dtype == getattr(two, name).dtype
    with safe_open(path, "pt") as file:
        assert file.metadata() == names
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_shared_and_transposed_memory_can_be_saved(tmp_path):
    rows = torch.arange(3)
    one = Embeddings(z=torch.randn(2, 3).T, y=rows, group=rows, index=rows)
    one.save(tmp_path / "e")
    assert torch.equal(Embeddings.load(tmp_path / "e").z, one.z)


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "e.safetensors"
    example(2).save(path)
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        example(4).save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_wrong_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Embeddings.load(tmp_path / "nowhere")
    foreign = tmp_path / "foreign.safetensors"
    for content in (
        {"weight": torch.zeros(2, 2)},
        {"z": torch.zeros(2, 2), "y": torch.zeros(2), "group": torch.zeros(2)},
        {
            "z": torch.zeros(2, 2),
            "y": torch.zeros(3),
            "group": torch.zeros(2),
            "index": torch.ones(2),
        },
    ):
        save_file(content, foreign)
        with pytest.raises(ValueError, match=r"foreign\.safetensors: must hold z \(N, d\)"):
            Embeddings.load(foreign)


def mutants(path, count, target):
    """Load ``count`` files with random bytes changed or cut off: whole, or a ValueError."""
    raw, r, outcomes = path.read_bytes(), random.Random(0), {"loaded": 0, "refused": 0}
    for _ in range(count):
        data = bytearray(raw)
        for _ in range(r.choice((1, 1, 2, 8))):
            data[r.randrange(len(data))] = r.randrange(256)
        target.write_bytes(data[: r.choice((len(data), len(data), r.randrange(len(data))))])
        try:
            assert isinstance(Embeddings.load(target), Embeddings)
            outcomes["loaded"] += 1
        except ValueError as error:
            assert str(target) in str(error)
            outcomes["refused"] += 1
    return outcomes


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_damaged_files_are_refused_by_name(tmp_path, count):
    example(4).save(tmp_path / "e", {"videos": "[]"})
    outcomes = mutants(tmp_path / "e", count, tmp_path / "mutant")
    assert min(outcomes.values()) > count // 50
    assert sum(outcomes.values()) == count
