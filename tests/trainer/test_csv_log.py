"""The CSV log: what is written is read, a resumed run continues it, damage costs one line."""

from __future__ import annotations

import math
import os
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.trainer.csv_log import CSVLog, read_csv_log


def logged(folder, rows, after=None):
    log = CSVLog(folder, after=after)
    for step, name, value in rows:
        log.log_metrics({name: value}, step=step)
    log.finalize("success")
    return log.path


ROWS = [(1, "train/loss", 0.5), (1, "train/lr", 1e-3), (5, "val/map_at_r", 1 / 3), (9, "x", 2.0)]


def test_what_is_written_is_read(tmp_path):
    path = logged(tmp_path / "run", ROWS)
    assert path == tmp_path / "run/metrics.csv"
    assert read_csv_log(path) == ROWS
    assert path.read_text().splitlines()[0] == "step,name,value"
    assert (CSVLog(tmp_path).name, CSVLog(tmp_path).version) == ("metrics", "")


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**9),
            st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), min_size=1),
            st.floats(allow_nan=False),
        )
    )
)
def test_any_name_and_value_bit_for_bit(tmp_path_factory, rows):
    assert read_csv_log(logged(tmp_path_factory.mktemp("log"), rows)) == rows


def test_a_row_is_in_the_file_as_soon_as_it_is_logged(tmp_path):
    log = CSVLog(tmp_path)
    log.log_metrics({"a": 1.0, "b": torch.tensor(2.0)}, step=3)
    assert read_csv_log(log.path) == [(3, "a", 1.0), (3, "b", 2.0)]


def test_nan_and_inf(tmp_path):
    path = logged(tmp_path, [(1, "a", math.nan), (2, "b", math.inf), (3, "c", -math.inf)])
    found = read_csv_log(path)
    assert math.isnan(found[0][2])
    assert [value for _, _, value in found[1:]] == [math.inf, -math.inf]


def test_no_file(tmp_path):
    assert read_csv_log(tmp_path / "metrics.csv") == []


def test_a_new_run_begins_anew(tmp_path):
    logged(tmp_path, ROWS)
    assert read_csv_log(logged(tmp_path, [])) == []


@pytest.mark.parametrize("after", [0, 1, 4, 5, 9, 100])
def test_a_resumed_run_drops_the_rows_of_later_steps(tmp_path, after):
    logged(tmp_path, ROWS)
    path = logged(tmp_path, [(200, "new", 7.0)], after=after)
    assert read_csv_log(path) == [r for r in ROWS if r[0] <= after] + [(200, "new", 7.0)]
    assert path.read_text().count("step,name,value") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.csv"]


def test_killed_while_it_resumes_the_old_rows_are_still_there(tmp_path, monkeypatch):
    path = logged(tmp_path, ROWS)

    def killed(handle):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            CSVLog(tmp_path, after=5)
    assert read_csv_log(path) == ROWS
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.csv"]


def test_a_last_line_that_is_cut_is_left_out_with_its_value(tmp_path):
    """``0.3333`` cut to ``0.3`` is a number too, and a wrong one."""
    path = logged(tmp_path, ROWS[:3])
    whole = path.read_bytes()
    begin = whole.rindex(b"5,val")
    for cut in range(begin, len(whole)):
        path.write_bytes(whole[:cut])
        assert read_csv_log(path) == ROWS[:2], whole[begin:cut]
    resumed = logged(tmp_path, [(6, "x", 1.0)], after=5)
    assert read_csv_log(resumed) == [*ROWS[:2], (6, "x", 1.0)]


@pytest.mark.parametrize(
    "line",
    [b"1,a", b"1,a,2,3", b"x,a,1", b"1.5,a,1", b"1,a,one", b"", b'"1,a,1', b"\xff\xfe\x00,1,1"],
)
def test_a_line_that_is_no_row_is_passed_over(tmp_path, line):
    path = tmp_path / "metrics.csv"
    path.write_bytes(b"step,name,value\r\n1,a,2.0\r\n" + line + b"\r\n3,b,4.0\r\n")
    assert read_csv_log(path) == [(1, "a", 2.0), (3, "b", 4.0)]


def test_random_bytes_are_read_without_an_error(tmp_path):
    path, r = logged(tmp_path, ROWS), random.Random(0)
    data, whole = path.read_bytes(), 0
    for _ in range(300):
        mutant = bytearray(data)
        for _ in range(r.choice((1, 3, 10))):
            mutant[r.randrange(len(mutant))] = r.randrange(256)
        path.write_bytes(mutant)
        found = read_csv_log(path)
        assert len(found) <= len(ROWS) + 10
        whole += found == ROWS
    assert 0 < whole < 300
