"""Checkpoint files: whole or not there, no code of theirs runs, each fault named."""

from __future__ import annotations

import os
import random
import resource
from types import SimpleNamespace

import pytest
import torch

from simlearn.trainer import checkpoint
from simlearn.trainer.checkpoint import (
    FORMAT_VERSION,
    KEY,
    AtomicCheckpointIO,
    Checkpointer,
    CheckpointError,
    check_fingerprint,
    model_fingerprint,
    read_checkpoint,
    rewind_to_epoch_start,
)

FACTS = {"model": {"a": "(4, 3)"}, "data": "abc", "number of classes": 4}


def content(**header):
    """What a small checkpoint holds."""
    plain = {"format_version": FORMAT_VERSION, "epoch": 1, "batch": 0, "step": 3, "best": {}}
    return {
        "state_dict": {"a": torch.arange(12.0).reshape(4, 3), "b": torch.arange(5)},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(3)}}}],
        KEY: {**plain, "facts": FACTS, **header},
    }


def write(path, what):
    AtomicCheckpointIO().save_checkpoint(what, path)
    return path


def test_written_and_read_with_folders_made(tmp_path):
    path = write(tmp_path / "new/folder/last.ckpt", content())
    found = read_checkpoint(path)
    assert found[KEY] == content()[KEY]
    assert torch.equal(found["state_dict"]["a"], content()["state_dict"]["a"])
    assert [p.name for p in path.parent.iterdir()] == ["last.ckpt"]


def failing_save(error):
    def save(what, file):
        file.write(b"half of it")
        raise error

    return save


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (RuntimeError("cannot be saved"), "cannot be saved"),
        (KeyboardInterrupt("now"), "now"),
    ],
)
def test_a_failing_save_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, error, shown):
    path = write(tmp_path / "last.ckpt", content())
    before = path.read_bytes()
    monkeypatch.setattr(torch, "save", failing_save(error))
    with pytest.raises(type(error), match=shown):
        write(path, content(step=9))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]


@pytest.mark.parametrize(
    "what", [{"a": torch.ones(40_000)}, {str(i): torch.ones(999) for i in range(50)}]
)
def test_a_disk_that_fills_up_while_writing(tmp_path, what):
    """A limit on the size of files is met in the middle, as the end of a disk is."""
    path = write(tmp_path / "last.ckpt", content())
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"last\.ckpt: cannot be written \(File too large\)"):
            write(path, what)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_disk_that_is_full_at_the_end_of_the_write(tmp_path, monkeypatch):
    path = write(tmp_path / "last.ckpt", content())
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="the checkpoint before it is untouched. Free disk space"):
        write(path, content(step=9))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]


class Opens:
    """Unpickling it creates a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def test_a_pickled_object_is_refused_and_does_not_run(tmp_path):
    path, mark = tmp_path / "evil.ckpt", tmp_path / "it_ran"
    torch.save({**content(), "callbacks": Opens(mark)}, path)
    with pytest.raises(CheckpointError, match=r"evil\.ckpt: damaged, or not .* plain tensors"):
        read_checkpoint(path)
    assert not mark.exists()
    torch.load(path, weights_only=False)[KEY]  # what it would have done
    assert mark.exists()


@pytest.mark.parametrize("what", [{"state_dict": {}}, [1, 2], torch.zeros(3), {}, None])
def test_a_foreign_file(tmp_path, what):
    torch.save(what, tmp_path / "foreign.pt")
    with pytest.raises(CheckpointError, match=r"foreign\.pt: not a checkpoint of simlearn"):
        read_checkpoint(tmp_path / "foreign.pt")


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04", b"\x80\x02}q\x00."])
def test_a_file_of_another_kind(tmp_path, data):
    (tmp_path / "x.ckpt").write_bytes(data)
    with pytest.raises(CheckpointError, match=r"x\.ckpt: (damaged|not a checkpoint)"):
        read_checkpoint(tmp_path / "x.ckpt")


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint there; .* Start it anew"):
        read_checkpoint(tmp_path / "last.ckpt")
    with pytest.raises(CheckpointError, match="damaged, or not a checkpoint"):
        read_checkpoint(tmp_path)


def test_a_newer_format(tmp_path):
    path = write(tmp_path / "new.ckpt", content(format_version=FORMAT_VERSION + 1))
    with pytest.raises(CheckpointError, match=r"new\.ckpt: format 2, .* reads up to 1\. Install"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"format_version": "1"}, "format_version is '1'"),
        ({"format_version": None}, "format_version is None"),
        ({"epoch": -1}, "epoch is -1, must be a number from 0 upward"),
        ({"batch": 1.5}, "batch is 1.5"),
        ({"step": torch.tensor(3)}, "step is tensor"),
        ({"facts": [1]}, "facts is no mapping"),
    ],
)
def test_a_broken_header(tmp_path, change, fault):
    path = write(tmp_path / "broken.ckpt", content(**change))
    with pytest.raises(CheckpointError, match=rf"broken\.ckpt: damaged \({fault}"):
        read_checkpoint(path)


@pytest.mark.parametrize("state", [None, [1], {"a": 1}, {3: torch.zeros(2)}])
def test_a_broken_state(tmp_path, state):
    path = write(tmp_path / "broken.ckpt", {**content(), "state_dict": state})
    with pytest.raises(CheckpointError, match="state_dict is no mapping of names to tensors"):
        read_checkpoint(path)
    with pytest.raises(CheckpointError, match="'simlearn' is no mapping"):
        read_checkpoint(write(path, {**content(), KEY: 5}))


def test_a_file_cut_anywhere(tmp_path):
    data, path = write(tmp_path / "whole.ckpt", content()).read_bytes(), tmp_path / "cut.ckpt"
    cuts = [*range(0, len(data), 97), len(data) - 1]
    assert len(cuts) > 20
    for cut in cuts:
        path.write_bytes(data[:cut])
        with pytest.raises(CheckpointError, match=r"cut\.ckpt: damaged"):
            read_checkpoint(path)


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_random_bytes_in_a_file(tmp_path, count):
    """Each mutant loads, with all that a resumed run asks for, or is refused by name."""
    data, path = write(tmp_path / "whole.ckpt", content()).read_bytes(), tmp_path / "mutant.ckpt"
    r, loaded, refused = random.Random(1), 0, 0
    for _ in range(count):
        mutant = bytearray(data)
        for _ in range(r.choice((1, 1, 2, 8))):
            mutant[r.randrange(len(mutant))] = r.randrange(256)
        path.write_bytes(mutant)
        try:
            found = read_checkpoint(path)
        except CheckpointError as error:
            assert str(path) in str(error)
            refused += 1
        else:
            assert found[KEY]["epoch"] >= 0 and isinstance(found["state_dict"], dict)
            loaded += 1
    assert loaded > count // 20 and refused > count // 20
    assert loaded + refused == count


def test_fingerprint_of_a_model():
    net = torch.nn.Linear(3, 4)
    assert model_fingerprint(net.state_dict()) == {"weight": "(4, 3)", "bias": "(4,)"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": {"a": "(4, 5)"}}, r"another model \(a: \(4, 3\) there, \(4, 5\) here\)"),
        ({"model": {"a": "(4, 3)", "z": "(1,)"}}, r"another model \(z: None there, \(1,\) here\)"),
        ({"model": {}}, r"another model \(a: \(4, 3\) there, None here\)"),
        ({"data": "abd"}, r"another data \(abc there, abd here\)"),
        ({"number of classes": 5}, r"another number of classes \(4 there, 5 here\)"),
        ({"crop": 0.5}, r"another crop \(None there, 0.5 here\)"),
    ],
)
def test_the_entry_that_differs_is_named(tmp_path, change, message):
    path = tmp_path / "last.ckpt"
    assert check_fingerprint(content()[KEY]["facts"], FACTS, path) is None
    assert check_fingerprint(content()[KEY]["facts"], {"data": "abc"}, path) is None
    with pytest.raises(CheckpointError, match=message) as error:
        check_fingerprint(content()[KEY]["facts"], {**FACTS, **change}, path)
    assert str(path) in str(error.value)
    assert "same data and configuration, or start a new run" in str(error.value)


def test_rewinding_to_an_epochs_start():
    counts = {"ready": 3, "started": 3, "processed": 3, "completed": 2}
    loops = {
        "fit_loop": {
            "epoch_progress": {"total": dict(counts), "current": dict(counts)},
            "epoch_loop.batch_progress": {
                "total": dict(counts),
                "current": dict(counts),
                "is_last_batch": True,
            },
        }
    }
    rewind_to_epoch_start(loops, 5)
    fit_loop = loops["fit_loop"]
    assert fit_loop["epoch_progress"] == {k: dict.fromkeys(counts, 5) for k in ("total", "current")}
    batch = fit_loop["epoch_loop.batch_progress"]
    assert batch["current"] == dict.fromkeys(counts, 0)
    assert batch["total"] == {**counts, "completed": 3}
    assert batch["is_last_batch"] is False


@pytest.mark.parametrize(
    ("every", "minutes", "step", "seconds", "due"),
    [
        (0, 10.0, 7, 600.0, False),
        (0, 10.0, 7, 600.5, True),
        (0, 0.0, 1, 0.5, True),
        (0, 10.0, 0, 0.0, False),  # never by steps, also not at step 0
        (3, 10.0, 2, 0.0, False),
        (3, 10.0, 3, 0.0, True),
        (3, 10.0, 4, 0.0, False),
        (3, 10.0, 6, 0.0, True),
        (3, 10.0, 4, 700.0, True),
    ],
)
def test_when_it_is_time_for_a_checkpoint(
    monkeypatch, tmp_path, every, minutes, step, seconds, due
):
    now = [50.0]
    monkeypatch.setattr(checkpoint, "time", SimpleNamespace(monotonic=lambda: now[0]))
    checkpointer = Checkpointer(tmp_path, facts={}, minutes=minutes, every_steps=every)
    now[0] += seconds
    assert checkpointer.due(SimpleNamespace(global_step=step)) is due


def test_the_clock_of_checkpoints_starts_again_with_each(monkeypatch, tmp_path):
    now, saved = [0.0], []
    monkeypatch.setattr(checkpoint, "time", SimpleNamespace(monotonic=lambda: now[0]))
    checkpointer = Checkpointer(tmp_path, facts={}, minutes=1.0)
    trainer = SimpleNamespace(
        global_step=1, current_epoch=0, num_training_batches=9, save_checkpoint=saved.append
    )
    for batch in range(5):
        now[0] += 40
        checkpointer.on_train_batch_end(trainer, None, None, None, batch)
    assert saved == [tmp_path / "last.ckpt"] * 2 and not checkpointer.due(trainer)
