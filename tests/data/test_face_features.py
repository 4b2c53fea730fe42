"""Eyes and mouth move where they should and nowhere else."""

from __future__ import annotations

import numpy as np

from tests.data.drawn_face import aligned, still


def test_shut_eyes_change_the_eyes_only():
    changed = np.abs(aligned(motion=still(blink=1.0)) - aligned()).max(axis=2) > 10
    rows, columns = np.nonzero(changed)
    assert len(rows) > 15
    assert rows.min() >= 24 and rows.max() <= 34
    # both sides, and nothing between the eyes
    assert (columns < 30).any() and (columns > 33).any()
    assert not changed[:, 31:33].any()


def test_talking_opens_a_dark_mouth_in_the_lower_half():
    shut, open_ = aligned(), aligned(motion=still(talk=1.0))
    rows = np.nonzero(np.abs(open_ - shut).max(axis=2) > 10)[0]
    assert rows.min() >= 34
    assert (open_[34:50].max(axis=2) < 90).sum() >= (shut[34:50].max(axis=2) < 90).sum() + 8
