"""A search for neurons that is stopped or killed anywhere, and goes on, ends with the same."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from safetensors.numpy import load_file

import simlearn
from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.mining import MiningWatch
from simlearn.runner import resume
from simlearn.tasks import neurons
from simlearn.train import main
from simlearn.trainer.interrupt import Interrupted
from simlearn.trainer.progress import ProgressLine
from tests.tasks.neuron_case import differences, run, write_case, write_model, written

FEW = ("evaluation.geometry=false", "evaluation.batch_size=2", "evaluation.ratios=[0.1]")


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """The command line of a run of two questions at once and one ratio."""
    return (*write_case(tmp_path_factory.mktemp("case")), *FEW)


@pytest.fixture(scope="module", autouse=True)
def no_pictures():
    """Half of a run's time; other tests look at them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("simlearn.tasks.neuron_report.neuron_figures", lambda *_: ())
        yield


@pytest.fixture(scope="module")
def whole(words, no_pictures, tmp_path_factory):
    """A run that nothing happened to."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    run(words, folder)
    return folder


def assert_same_run(one, two):
    """Same numbers in ``metrics.json``, same files."""
    assert differences(written(one), written(two)) == []
    for name in ("stats", "scores", "neurons", "answers"):
        a, b = (load_file(folder / f"{name}.safetensors") for folder in (one, two))
        assert a.keys() == b.keys()
        for key in a:
            if a[key].dtype.kind == "i":
                assert np.array_equal(a[key], b[key]), (name, key)
            np.testing.assert_allclose(a[key], b[key], rtol=0, atol=1e-9, err_msg=f"{name} {key}")
    samples = [sorted((f / "samples.jsonl").read_text().splitlines()) for f in (one, two)]
    assert samples[0] == samples[1]
    masks = [sorted(p.name for p in (f / "masks").iterdir()) for f in (one, two)]
    assert masks[0] == masks[1] and len(masks[0]) == 7


def send_at(patched, what, done):
    """SIGTERM comes in this very process when so much is done."""
    call = ProgressLine.__call__

    def reported(self, name, count, total, note=None):
        call(self, name, count, total, note)
        if name == what and count == done:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)  # Python runs the handler now

    patched.setattr(ProgressLine, "__call__", reported)


def test_sigterm_in_mining_and_in_masks(words, whole, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    with monkeypatch.context() as patched:
        send_at(patched, "mining", 6)
        with pytest.raises(Interrupted, match=r"stopped by SIGTERM after 6 samples; go on with: "):
            run(words, folder)
    assert not (folder / "masks").exists() and not (folder / "metrics.json").exists()
    with monkeypatch.context() as patched:
        send_at(patched, "masks", 4)
        with pytest.raises(Interrupted, match=rf"after 4 masks; go on with: .*resume={folder}"):
            resume(folder)
    assert [p.name for p in (folder / "masks").iterdir()] == ["union-0_1.safetensors"]
    assert not (folder / "metrics.json").exists()
    encoded = []
    encode = ModelAdapter.encode
    monkeypatch.setattr(
        ModelAdapter, "encode", lambda self, qs: (encoded.extend(qs), encode(self, qs))[1]
    )
    assert resume(folder) is not None
    assert len(encoded) == 2 * 14  # nothing is mined again, both kinds of question are asked
    assert_same_run(whole, folder)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_signal_while_questions_are_asked_waits_for_the_first_mask(
    words, whole, tmp_path, monkeypatch
):
    folder = tmp_path / "run"
    with monkeypatch.context() as patched:
        send_at(patched, "without media", 2)
        with pytest.raises(Interrupted, match="after 1 masks"):
            run(words, folder)
    assert resume(folder) is not None
    assert_same_run(whole, folder)


@pytest.mark.parametrize("place", ["batch", "between", "report"])
def test_a_failure_anywhere(words, whole, tmp_path, monkeypatch, place):
    """As after a power cut: in a batch, between mining and masks, in the report."""
    folder = tmp_path / "run"
    with monkeypatch.context() as patched:

        def failing(*_args, **_kwargs):
            raise RuntimeError("power cut")

        if place == "batch":
            patched.setattr("simlearn.analysis.mining.EVERY", 2)
            end = MiningWatch.on_predict_batch_end

            def counted(self, *args, **kw):
                end(self, *args, **kw)
                if self.done >= 10:
                    failing()

            patched.setattr(MiningWatch, "on_predict_batch_end", counted)
        elif place == "between":
            patched.setattr(neurons, "plan_masks", failing)
        else:
            patched.setattr(neurons, "neuron_report", failing)
        with pytest.raises(RuntimeError, match="power cut"):
            run(words, folder)
        shards = len(list((folder / "statistics").glob("shard-*")))
        assert shards == (2 if place == "batch" else 1)
    assert not (folder / "metrics.json").exists()
    if place == "report":  # nothing is asked again under a mask
        monkeypatch.setattr("simlearn.analysis.mask_scores._masked", failing)
    assert resume(folder) is not None
    assert_same_run(whole, folder)


def test_a_model_that_was_exchanged_in_between(words, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "run"
    model = write_model(tmp_path / "model")
    own = [word for word in words if not word.startswith("model.path=")]
    with monkeypatch.context() as patched:
        send_at(patched, "mining", 6)
        with pytest.raises(Interrupted):
            run([*own, f"model.path={model}"], folder)
    write_model(model, intermediate=56)
    assert main([f"resume={folder}"]) == 1
    told = capsys.readouterr().err
    assert "statistics/shard-0-000000.safetensors was made with" in told
    assert "name another folder" in told and "Traceback" not in told
    write_model(model)
    assert resume(folder) is not None


def test_masks_of_another_seed_are_not_read(words, tmp_path, monkeypatch, capsys):
    """A folder of masks that somebody copied over."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for seed, folder in enumerate(folders):
        with monkeypatch.context() as patched:
            send_at(patched, "masks", 4)
            with pytest.raises(Interrupted):
                run(words, folder, f"seed={seed}")
    kept = (folders[0] / "masks/union-0_1.safetensors").read_bytes()
    (folders[1] / "masks/union-0_1.safetensors").write_bytes(kept)
    assert main([f"resume={folders[1]}"]) == 1
    told = capsys.readouterr().err
    assert "union-0_1.safetensors: was scored with" in told
    assert "Delete the folder masks, or start a new run" in told
    (folders[1] / "masks/union-0_1.safetensors").write_bytes(kept[:-20])
    assert main([f"resume={folders[1]}"]) == 1
    assert "union-0_1.safetensors: damaged" in capsys.readouterr().err
    (folders[1] / "masks/union-0_1.safetensors").unlink()
    assert resume(folders[1]) is not None


def test_a_statistics_folder_that_is_damaged(words, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "run"
    with monkeypatch.context() as patched:
        send_at(patched, "mining", 6)
        with pytest.raises(Interrupted):
            run(words, folder)
    shard = folder / "statistics/shard-0-000000.safetensors"
    shard.write_bytes(shard.read_bytes()[:100])
    assert main([f"resume={folder}"]) == 1
    assert "shard-0-000000.safetensors: damaged" in capsys.readouterr().err
    with pytest.raises(AnalysisError):
        resume(folder)


def test_a_resumed_run_keeps_its_configuration(whole, capsys):
    before = (whole / "metrics.json").read_bytes()
    assert main([f"resume={whole}", "evaluation.ratio=0.3"]) == 2
    assert "a resumed run keeps its configuration" in capsys.readouterr().err
    assert main([f"resume={whole}"]) == 0
    assert "this run is finished" in capsys.readouterr().out
    assert (whole / "metrics.json").read_bytes() == before


def command(words, folder):
    return [
        sys.executable,
        "-m",
        "simlearn.train",
        "recipe=miner_tiny",
        *words,
        f"run_dir={folder}",
    ]


def wait_for(process, there):
    """Wait until something is there, with the process still at work."""
    end = time.monotonic() + 240
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            if there():
                return
        time.sleep(0.002)
    process.kill()
    raise AssertionError(f"the run ended or hung before its place: {process.communicate()}")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("sig", "place"),
    [(signal.SIGKILL, "mining"), (signal.SIGKILL, "masks"), (signal.SIGTERM, "masks")],
)
def test_a_signal_to_the_command_line(words, tmp_path, sig, place):
    few = ("data.train=70", "data.text_train=70", "data.test=2", "data.text_test=2")
    many = ("evaluation.controls=6", "evaluation.ratios=[0.1, 0.2, 0.3]")
    changed = (*few, "evaluation.batch_size=1", *(many if place == "masks" else ()))
    replaced = tuple(f"{word.partition('=')[0]}=" for word in changed)
    own = [*(word for word in words if not word.startswith(replaced)), *changed]
    folder = tmp_path / "run"
    process = subprocess.Popen(
        command(own, folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    kept = folder / ("statistics" if place == "mining" else "masks")
    wait_for(process, lambda: any(kept.glob("*.safetensors")))
    process.send_signal(sig)
    output, _ = process.communicate(timeout=240)
    assert not (folder / "metrics.json").exists()
    if sig == signal.SIGTERM:
        assert process.returncode == 130 and "Traceback" not in output
        assert f"go on with: python -m simlearn.train resume={folder}" in output
    else:
        assert process.returncode == -sig
    if place == "mining":
        assert not (folder / "masks").exists()
    report = resume(folder)
    assert report is not None and report.train["samples_mined"] == 84
    again = simlearn.run("miner_tiny", [*own, f"run_dir={tmp_path / 'again'}"])
    assert again.train == report.train
    assert differences(written(folder), written(tmp_path / "again")) == []
