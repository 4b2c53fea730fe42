"""When the state between two experiences is saved, and what is saved."""

from __future__ import annotations

import pytest

from simlearn.continual.fine_tune import FineTune
from simlearn.continual.one_fit import learn_short_stream
from simlearn.trainer.checkpoint import KEY, read_checkpoint
from tests.continual.short_stream import maker, nothing, stream, training


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, [12]),
        ({"checkpoint_steps": 1}, [4, 8, 12]),
        ({"checkpoint_steps": 4}, [4, 8, 12]),
        ({"checkpoint_steps": 5}, [8, 12]),
        ({"checkpoint_minutes": 0.0}, [4, 8, 12]),
    ],
)
def test_boundaries_at_which_the_state_is_saved(tmp_path, monkeypatch, settings, wanted):
    from simlearn.trainer.checkpoint import AtomicCheckpointIO

    steps, save = [], AtomicCheckpointIO.save_checkpoint

    def note(self, checkpoint, path, storage_options=None):
        steps.append((checkpoint[KEY]["step"], len(checkpoint["results"]), path.name))
        save(self, checkpoint, path, storage_options)

    monkeypatch.setattr(AtomicCheckpointIO, "save_checkpoint", note)
    learn_short_stream(maker(), FineTune(), stream(), training(tmp_path, **settings), nothing)
    assert steps == [(step, step // 4, "stream.ckpt") for step in wanted]


def test_what_is_saved(tmp_path):
    strategy = FineTune()
    _, rows = learn_short_stream(maker(), strategy, stream(), training(tmp_path), nothing)
    content = read_checkpoint(tmp_path / "checkpoints/stream.ckpt")
    assert content["results"] == rows
    assert (content["strategy"]["means"] == strategy.means).all()
    assert (content[KEY]["epoch"], content[KEY]["batch"], content[KEY]["step"]) == (0, 12, 12)
    assert content[KEY]["facts"]["one fit"] is True
    assert content[KEY]["facts"]["data"] == "patterns"
    assert len(content["optimizer_states"]) == len(content["lr_schedulers"]) == 1


def test_rows_of_the_experiences(tmp_path):
    class Heavy(FineTune):
        def transient_bytes(self):
            return 7 + len(self.means)

    _, rows = learn_short_stream(maker(), Heavy(), stream(), training(tmp_path), nothing)
    assert [row["transient_bytes"] for row in rows] == [7, 9, 11]
    assert [row["memory_bytes"] for row in rows] == [2 * 4 * 4 * n for n in (1, 2, 3)]
    assert [row["empty_batches"] for row in rows] == [0, 0, 0]
    assert (
        set(rows[0])
        == set(rows[2])
        == {
            *("measured", "seconds", "transient_bytes", "memory_bytes"),
            *("steps", "empty_batches", "collapse_warnings"),
        }
    )
