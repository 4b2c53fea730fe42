"""Rows of data sets on disk, as the ``datasets`` library writes them."""

from __future__ import annotations

import builtins
import io
import json
import socket

import pytest
from PIL import Image

from simlearn.analysis.errorradar.dataset_folder import file_rows, folder_rows, table_rows
from simlearn.analysis.errorradar.records import read_records
from simlearn.data.randomness import numpy_generator
from tests.analysis.errorradar.row_cases import plain_row, refused, write_csv, write_jsonl
from tests.data.ytf_tree import mutants

datasets = pytest.importorskip("datasets")


def png():
    file = io.BytesIO()
    Image.new("RGB", (3, 2), "blue").save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def bars():
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.fixture
def data(bars):
    rows = [plain_row(k) for k in range(70)]
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    columns["image"] = [{"bytes": png(), "path": "a.png"} if k % 2 else None for k in range(70)]
    kinds = ["VIS", "CAL", "REAS", "KNOW", "MIS"]
    columns["error_category"] = [kinds.index(row["error_category"]) for row in rows]
    text = datasets.Value("string")
    features = {key: text for key in columns} | {
        "steps": datasets.Features({"x": [text]})["x"],
        "error_step": datasets.Value("int64"),
        "error_category": datasets.ClassLabel(names=kinds),
        "image": datasets.Image(),
    }
    return datasets.Dataset.from_dict(columns, features=datasets.Features(features))


@pytest.fixture
def offline(monkeypatch):
    """Nothing of a folder may reach beyond this machine."""

    def refuse(*arguments):
        raise AssertionError("something was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def check(found):
    found = list(found)
    assert len(found) == 70
    for k, record in enumerate(found):
        row = plain_row(k)
        assert (record.id, list(record.steps)) == (row["id"], row["steps"])
        assert record.error_category == row["error_category"]
        assert record.image == (png() if k % 2 else None)


def test_saved_folders_and_repositories(tmp_path, data, offline, capfd):
    data.save_to_disk(tmp_path / "one", num_shards=3)
    datasets.DatasetDict({"test": data, "train": data.select(range(5))}).save_to_disk(
        tmp_path / "dict"
    )
    repository = tmp_path / "a [0-9]* b" / "data"
    repository.mkdir(parents=True)
    for k in range(2):
        data.shard(2, k, contiguous=True).to_parquet(repository / f"test-0000{k}-of-00002.parquet")
    (repository.parent / "load.py").write_text("raise SystemExit('run')")
    (repository.parent / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files: https://example.invalid/x.parquet\n"
    )
    capfd.readouterr()
    check(read_records(tmp_path / "one"))
    check(read_records(tmp_path / "dict", split="test"))
    check(read_records(repository.parent))
    assert len(list(read_records(tmp_path / "dict", split="train"))) == 5
    assert "set data.split to one of 'test', 'train'" in refused(read_records, tmp_path / "dict")
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""


def test_rows_say_where_they_are(tmp_path, data):
    path = tmp_path / "a.parquet"
    data.to_parquet(path)
    found = list(table_rows(path))
    assert [where for where, _ in found] == [f"{path}, row {n}" for n in range(1, 71)]
    assert found[3][1]["error_category"] == "KNOW" and found[1][1]["image"]["bytes"] == png()
    assert [row["id"] for _, row in file_rows(path)] == [row["id"] for _, row in found]


def test_nothing_is_written_and_temporary_folders_go(tmp_path, data, monkeypatch):
    path, temporary = tmp_path / "in" / "a.parquet", tmp_path / "temporary"
    path.parent.mkdir()
    temporary.mkdir()
    data.to_parquet(path)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    rows = folder_rows(path.parent)
    assert next(rows)[1]["id"] == "p0"
    rows.close()
    assert len(list(folder_rows(path.parent))) == 70
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.parquet", "in", "temporary"]


def test_text_files_of_a_folder_keep_their_types(tmp_path):
    rows = [plain_row(k, id=f"00{k}") for k in range(4)]
    for name, write in {"a.jsonl": write_jsonl, "a.csv": write_csv, "a.json": None}.items():
        folder = tmp_path / name.replace(".", "-")
        folder.mkdir()
        if write is None:
            (folder / name).write_text(json.dumps(rows))
        else:
            write(folder / name, rows)
        assert [r.id for r in read_records(folder)] == ["000", "001", "002", "003"]


def test_faults(tmp_path, data, monkeypatch):
    bad = tmp_path / "a.parquet"
    bad.write_bytes(b"PAR1 and nothing else PAR1")
    assert "a.parquet: cannot be read after row 0 (" in refused(table_rows, bad)
    (tmp_path / "a.arrow").write_bytes(b"")
    assert "a.arrow: cannot be read after row 0 (" in refused(table_rows, tmp_path / "a.arrow")
    assert "the record file is not there" in refused(table_rows, tmp_path / "b.parquet")
    assert "'.xlsx' is no kind of record file that is read" in refused(
        file_rows, tmp_path / "a.xlsx"
    )
    odd = tmp_path / "a::b.parquet"
    odd.write_bytes(b"")
    assert "reads '::' in a path as an address; rename it" in refused(table_rows, odd)
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name == "datasets":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    assert "pip install 'simlearn[analysis]'" in refused(table_rows, bad)


def test_mutants_are_read_or_refused(tmp_path, data):
    path = tmp_path / "a.parquet"
    data.select(range(5)).to_parquet(path)
    whole, refusals = path.read_bytes(), 0
    for mutant in mutants(whole, 40, numpy_generator(0, "mutants", "parquet")):
        path.write_bytes(mutant)
        try:
            found = list(read_records(path))
        except Exception as error:
            assert type(error).__name__ == "DataError" and str(path) in str(error)
            refusals += 1
        else:
            assert all(record.question.strip() for record in found)
    assert refusals > 5
