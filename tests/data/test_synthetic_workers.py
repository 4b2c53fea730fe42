"""Processes that draw."""

from __future__ import annotations

import pytest

from simlearn.data.synthetic_settings import Settings
from simlearn.data.synthetic_workers import draw_in_processes

SEED = 100


def test_a_worker_that_fails_is_reported_with_what_it_said(tmp_path):
    wanted = Settings(1, 1, 1, SEED, 0.5, 32)
    with pytest.raises(RuntimeError, match=r"FileNotFoundError.*workers=0"):
        list(draw_in_processes(tmp_path / "missing", wanted, 1))
