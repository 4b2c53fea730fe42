"""Which files make up a split."""

from __future__ import annotations

import pytest

from simlearn.analysis.errorradar.dataset_files import split_files
from simlearn.data.errors import DataError


def make(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder


def found(folder, split=None):
    return [str(path.relative_to(folder)) for path in split_files(folder, split)]


@pytest.mark.parametrize(
    ("names", "split", "wanted"),
    [
        (["a.jsonl"], None, ["a.jsonl"]),
        (["a.jsonl"], "a", ["a.jsonl"]),
        (["data/test-00001-of-00002.parquet", "data/test-00000-of-00002.parquet"], None,
         ["data/test-00000-of-00002.parquet", "data/test-00001-of-00002.parquet"]),
        (["gsm8k.json", "math.json", "README.md", "load.py", ".cache/x.json"], "math",
         ["math.json"]),
        (["test/0000.parquet", "test/0001.parquet", "train/0000.parquet"], "test",
         ["test/0000.parquet", "test/0001.parquet"]),
        (["10.parquet", "9.parquet"], "data", ["9.parquet", "10.parquet"]),
        (["test/data-00000-of-00001.arrow", "train/data-00000-of-00001.arrow",
          "test/state.json", "test/cache-1f.arrow", "dataset_dict.json"], "test",
         ["test/data-00000-of-00001.arrow"]),
        (["data-00000-of-00001.arrow", "state.json", "dataset_info.json"], None,
         ["data-00000-of-00001.arrow"]),
        (["problems.jsonl", "made.json", "images/a.png"], None, ["problems.jsonl"]),
    ],
)  # fmt: skip
def test_splits(tmp_path, names, split, wanted):
    assert found(make(tmp_path, *names), split) == wanted


@pytest.mark.parametrize(
    ("names", "split", "reason"),
    [
        (["README.md"], None, "holds no .parquet, .arrow"),
        (["a.jsonl", "b.jsonl"], None, "has several splits; set data.split to one of 'a', 'b'"),
        (["test.jsonl"], "tset", "has no split 'tset'; did you mean 'test'? There are 'test'"),
        (["x/test.csv", "y/test.csv"], "test", "the split 'test' is in several folders, "),
        (["a.csv", "a.jsonl"], None, "the split 'a' is there as .csv and .jsonl; give the file"),
        (["t-00000-of-00002.parquet"], None, "should have 2 parts, numbered from 0; there are 1"),
        (["t-00001-of-00002.parquet", "t-00002-of-00002.parquet"], None, "should have 2 parts"),
        (["t-00000-of-00001.parquet", "t.parquet"], None, "should have 1 parts"),
        (["t-00000-of-00000.parquet"], None, "should have 0 parts"),
        (["a.csv", "a.CSV"], None, "the split 'a' is in more than one file; give one"),
    ],
)
def test_faults(tmp_path, names, split, reason):
    with pytest.raises(DataError) as caught:
        found(make(tmp_path, *names), split)
    assert reason in str(caught.value)
