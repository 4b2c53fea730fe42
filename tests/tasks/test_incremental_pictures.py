"""Pictures of a stream, from results made by hand."""

from __future__ import annotations

import re

import pytest
import torch

from simlearn.tasks.incremental_ideal import Ideal
from simlearn.tasks.incremental_pictures import experience_names, incremental_figures, joined_log
from simlearn.tasks.run_context import RunContext
from simlearn.trainer.log_folder import log_folder
from tests.tasks.incremental_case import SIZES, patches, results

DATA = patches((4, 4, 4, 4))


@pytest.fixture
def run(tmp_path):
    return RunContext("r", {}, "", tmp_path, seed=0)


def with_picture(found, number, classes, hollow=0):
    """Embeddings of two test images per class, the last ``hollow`` of them replayed."""
    y = torch.arange(classes).repeat_interleave(2)
    z = torch.randn(len(y), 3, generator=torch.Generator().manual_seed(number))
    marks = torch.arange(len(y)) >= len(y) - hollow
    found[number]["picture"] = {"z": z, "y": y, "hollow": marks}
    return found


def log(run, number, steps):
    folder = log_folder(run.run_dir, number)
    folder.mkdir(parents=True)
    lines = [f"{step},train/loss,{number + step / 10}" for step in steps]
    (folder / "metrics.csv").write_text("\n".join(["step,name,value", *lines]) + "\n")


def figures(run, found, ideal=None):
    return {figure.name: figure for figure in incremental_figures(run, DATA, SIZES, found, ideal)}


def test_curves_and_matrix_come_always(run):
    found = results()
    made = figures(run, found)
    assert list(made) == ["forgetting", "accuracy_matrix"]
    alt = made["forgetting"].alt
    for name, rows in (
        ("base classes", [r["ncm"][0] for r in found]),
        ("new classes", [r["ncm"][-1] for r in found]),
        ("all seen", [float(r["correct"].float().mean()) for r in found]),
    ):
        assert f"{name} from {100 * rows[0]:.1f} % to {100 * rows[-1]:.1f} %" in plain(alt)
    assert "ideal" not in alt
    for names in ("class 0, class 1", "class 3"):
        assert names in made["accuracy_matrix"].svg


def plain(text):
    return re.sub("\u00a0", " ", text)


def test_the_ceiling_is_weighted_by_test_images(run):
    ideal = Ideal([[0.8, None, None], [0.6, 0.9, None], [0.5, 0.7, 1.0]], "")
    alt = plain(figures(run, results(), ideal)["forgetting"].alt)
    last = (0.5 * 10 + 0.7 * 5 + 1.0 * 5) / 20
    assert f"ideal, all seen from 80.0 % to {100 * last:.1f} %" in alt


def test_pictures_are_projected_together(run):
    found = with_picture(with_picture(results(), 0, 2), 2, 4, hollow=3)
    figure = figures(run, found)["embedding"]
    alt = plain(figure.alt)
    assert "after experience 1" in alt and "after experience 3" in alt
    assert "after experience 2" not in alt
    assert "4 points" in alt and "8 points" in alt
    assert "% of the variance" in plain(figure.caption + alt)


def test_logs_are_joined_with_their_steps_counted_on(run):
    log(run, 0, (1, 2))
    log(run, 2, (1, 3))
    rows = joined_log(run, 3)
    assert [row[0] for row in rows] == [1, 2, 3, 5]
    assert [row[2] for row in rows] == pytest.approx([0.1, 0.2, 2.1, 2.3])
    assert joined_log(run, 1) == rows[:2]
    assert "curves" in figures(run, results())


def test_names_of_experiences():
    assert experience_names(DATA.names, SIZES) == ["class 0, class 1", "class 2", "class 3"]
    assert experience_names((), ()) == []
