"""Records of any file: the same whatever the kind of file, read in turn, every fault named."""

from __future__ import annotations

import itertools
import json
import tracemalloc

import pytest

from simlearn.analysis.errorradar.record import Record
from simlearn.analysis.errorradar.records import open_rows, read_records
from simlearn.data.errors import DataError
from simlearn.data.randomness import numpy_generator
from tests.analysis.errorradar.row_cases import (
    plain_row,
    refused,
    shuffled_lines,
    write_csv,
    write_jsonl,
)
from tests.data.ytf_tree import mutants


def records(count):
    """The records of ``plain_row`` without any reader."""
    rows = [plain_row(k) for k in range(count)]
    return [Record(**{**row, "steps": tuple(row["steps"])}) for row in rows]


def test_every_kind_of_file_gives_the_same(tmp_path):
    rows = [plain_row(k) for k in range(7)]
    write_jsonl(tmp_path / "a.jsonl", rows)
    write_jsonl(tmp_path / "a.ndjson", rows)
    (tmp_path / "a.json").write_text(json.dumps(rows, indent=1))
    write_csv(tmp_path / "a.csv", rows)
    write_csv(tmp_path / "b.csv", rows, ";")
    write_csv(tmp_path / "a.tsv", rows, "\t")
    numbered = [
        {**row, "steps": "\n".join(f"Step {k}: {s}" for k, s in enumerate(row["steps"], 1))}
        for row in rows
    ]
    write_csv(tmp_path / "numbered.csv", numbered)
    for path in tmp_path.iterdir():
        assert list(read_records(path)) == records(7), path
        assert list(read_records(str(path), correct="keep")) == records(7)


def test_correct_solutions(tmp_path):
    rows = [{"problem": "p?", "steps": ["a", "b", "c"], "label": k - 1} for k in range(4)]
    path = write_jsonl(tmp_path / "gsm8k.jsonl", rows)
    kept = list(read_records(path, map="processbench", correct="keep"))
    assert [(r.id, r.error_step) for r in kept] == [("1", 0), ("2", 1), ("3", 2), ("4", 3)]
    assert list(read_records(path, map="processbench")) == kept[1:]
    with pytest.raises(ValueError, match='correct is \'skip\', must be "drop" or "keep"'):
        read_records(path, correct="skip")


def test_columns_and_root(tmp_path):
    (tmp_path / "pics").mkdir()
    (tmp_path / "pics" / "a.png").write_bytes(b"p")
    path = write_jsonl(tmp_path / "a.jsonl", [{**plain_row(1), "pic": "a.png", "image": "gone"}])
    (found,) = read_records(path, {"image": "pic"}, root=tmp_path / "pics")
    assert found.image == tmp_path / "pics" / "a.png"
    (found,) = read_records(path, {"image": ["other", "pic"]}, root=str(tmp_path / "pics"))
    assert found.image.is_file()
    assert "'pic' (image) 'a.png' is not there" in refused(read_records, path, {"image": "pic"})
    assert "line 1: no 'x', which is to be the problem_type" in refused(
        read_records, path, {"problem_type": "x", "image": "none"}
    )
    with pytest.raises(ValueError, match="columns: no field 'img'. Did you mean 'image'?"):
        read_records(path, {"img": "pic"})


def test_ids_stand_once(tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", [plain_row(k % 3) for k in range(4)])
    found = read_records(path)
    assert [r.id for r in itertools.islice(found, 3)] == ["p0", "p1", "p2"]
    with pytest.raises(DataError, match="line 4: the id 'p0' stands here a second time"):
        next(found)
    write_jsonl(path, [plain_row(0, id=None), plain_row(1, id="1")])
    assert "line 2: the id '1' stands here a second time" in refused(read_records, path)
    right = plain_row(0, error_step=0, error_category=None)
    write_jsonl(path, [right, plain_row(0)])
    assert "line 2: the id 'p0'" in refused(read_records, path)


def test_paths_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "gone.jsonl", "x" * 5000, "Qwen/ProcessBench"):
        with pytest.raises(DataError, match="there is no such file or folder. Nothing is down"):
            read_records(path)
    (tmp_path / "a.xlsx").write_bytes(b"")
    with pytest.raises(DataError, match="'.xlsx' is no kind of record file that is read; there ar"):
        read_records(tmp_path / "a.xlsx")
    path = write_jsonl(tmp_path / "a.jsonl", [])
    assert list(read_records(path)) == []
    with pytest.raises(DataError, match="is one file, only folders have splits"):
        open_rows(path, "test")
    with pytest.raises(DataError, match="did you mean 'simlearn'"):
        read_records(path, map="simlern")


def test_memory_is_flat(tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", (plain_row(k) for k in range(4000)))
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_records(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 4000 and path.stat().st_size > 1_000_000
    assert peak < 1_000_000  # the ids' digests and little else


@pytest.mark.parametrize(("suffix", "write"), [(".jsonl", write_jsonl), (".csv", write_csv)])
def test_300_mutants_are_read_or_refused(tmp_path, suffix, write):
    (tmp_path / "a.png").write_bytes(b"p")
    path = write(tmp_path / f"a{suffix}", [plain_row(k, image="a.png") for k in range(4)])
    whole, read = path.read_bytes(), 0
    generator = numpy_generator(0, "mutants", suffix)
    bent = shuffled_lines(whole, 150, generator)
    for data in itertools.chain(mutants(whole, 150, generator), bent):
        path.write_bytes(data)
        try:
            found = list(read_records(path, correct="keep"))
        except DataError as error:
            assert str(path) in str(error)
        else:
            assert all(r.question.strip() and r.steps for r in found)
            assert all(0 <= r.error_step <= r.n_steps for r in found)
            assert len({r.id for r in found}) == len(found)
            assert all(json.dumps(r.steps, ensure_ascii=False).encode() for r in found)
            read += 1
    assert 10 < read < 290


def test_empty_cells_of_a_table_are_there_and_empty(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,question,steps,error_step,kind\n1,q,a,1,CAL\n2,q,a,1,\n3,q,a,,CAL\n")
    rows = read_records(path, {"error_category": "kind"})
    assert [next(rows).error_category for _ in range(2)] == ["CAL", None]
    with pytest.raises(DataError, match=r"line 4: 'error_step' \(error_step\) is empty$"):
        next(rows)
