"""A search for neurons small enough for a test: a random LLaVA, and a few drawn squares."""

from __future__ import annotations

import json
import logging
import math

from PIL import Image

import simlearn
from simlearn.analysis.tiny import save_model
from simlearn.runner import resume
from tests.analysis.small_llava import shape_questions, small_llava

WORDS = (
    "data.train=12",
    "data.test=8",
    "data.text_train=8",
    "data.text_test=6",
    "data.val_images=1",
    "model=pretrained",
    "model.dtype=float32",
    "evaluation.batch_size=4",
    "evaluation.ratio=0.1",
    "evaluation.ratios=[0.1, 0.3]",
    "evaluation.controls=2",
    "evaluation.bootstrap=20",
    "trainer=cpu",
    "trainer.threads=1",
    "logger.tensorboard=false",
)
"""Twenty questions to mine from, fourteen to be asked, two ratios, two random masks."""
MASKS = (
    *(f"{group}-{ratio}" for ratio in ("0_1", "0_3") for group in ("image", "special", "text")),
    *("union-0_1", "union-0_3", "complement-0_1"),
)
"""Files of the masks, without those of what one data set alone selects."""
TIMES = {"seconds", "created", "run_dir", "environment", "packages", "git"}


def write_questions(root):
    """easy-vqa's own files for some drawn squares."""
    for split, pictures in (("train", 8), ("test", 5)):
        (root / split / "images").mkdir(parents=True)
        rows = []
        for q in shape_questions(pictures, split=split):
            number = int(q.id.partition("-")[0])
            Image.fromarray(q.image).save(root / split / "images" / f"{number}.png")
            rows.append([q.text, q.answers[0], number])
        (root / split / "questions.json").write_text(json.dumps(rows))


def write_model(folder, edit=lambda model: None, **changed):
    """A random LLaVA as transformers saves it, after ``edit``."""
    adapter = small_llava(**changed)
    edit(adapter.model)
    save_model(adapter.model, adapter.processor, folder, {})
    return folder


def write_case(folder):
    """Model and questions; gives the words that name them."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    write_questions(folder / "vqa")
    write_model(folder / "model")
    return (*WORDS, f"data.root={folder / 'vqa'}", f"model.path={folder / 'model'}")


def run(words, folder, *more):
    """A finished run in ``folder``: its report."""
    return simlearn.run("miner_tiny", [*words, *more, f"run_dir={folder}"])


def go_on(folder):
    """The report of a run that is gone on with."""
    return resume(folder)


def written(folder):
    """``metrics.json`` of a run."""
    return json.loads((folder / "metrics.json").read_text())


def differences(one, two, at=""):
    """Where two nested containers differ by more than rounding; durations and places may."""
    if isinstance(one, dict) and isinstance(two, dict):
        keys = [key for key in {**one, **two} if key not in TIMES]
        if any((key in one) != (key in two) for key in keys):
            return [f"{at}: keys {sorted(one)} and {sorted(two)}"]
        return [d for key in keys for d in differences(one[key], two[key], f"{at}/{key}")]
    if isinstance(one, list) and isinstance(two, list):
        if len(one) != len(two):
            return [f"{at}: {len(one)} and {len(two)} entries"]
        pairs = enumerate(zip(one, two, strict=True))
        return [d for i, (a, b) in pairs for d in differences(a, b, f"{at}/{i}")]
    if isinstance(one, float) and isinstance(two, int | float):
        same = math.isclose(one, two, rel_tol=1e-9, abs_tol=1e-9)
        return [] if same else [f"{at}: {one} and {two}"]
    return [] if one == two else [f"{at}: {one!r} and {two!r}"]
