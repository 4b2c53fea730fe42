"""The drawn faces are hard for pixels and easy with labels."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_pixels_are_weak_and_people_are_visible(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from synthetic_faces import pixel_ceiling, supervised_ceiling

    pixels = pixel_ceiling(100)
    assert len(pixels) == 5
    assert 0.1 < pixels["best"] < 0.6
    assert supervised_ceiling(100)["top1"] >= 0.95
