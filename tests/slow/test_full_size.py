"""The full-size recipe fits a CPU's memory."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_two_steps_and_an_evaluation_in_under_12_gib(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from full_size import run_full_size

    result = run_full_size(tmp_path)
    assert result["steps"] == 2
    assert result["test_videos"] == 8
    assert result["parameters"] == 77_995_776 + 4096 * 128 + 128
    assert result["peak_gib"] < 12
