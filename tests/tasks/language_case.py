"""A run of a small multimodal model that takes a second."""

from __future__ import annotations

import json
import logging

import simlearn
from tests.data.easy_vqa_files import write_easy_vqa

SMALL = (
    *("model.hidden=32", "model.intermediate=48", "model.layers=1"),
    *("model.encoder_hidden=32", "model.encoder_intermediate=64", "model.encoder_layers=1"),
    *("sampler.media=4", "sampler.texts=2", "evaluation.bootstrap=20", "evaluation.batch_size=16"),
    *("model.encoder_steps=4", "trainer.max_steps=4", "trainer=cpu", "trainer.threads=1"),
    *("trainer.log_every=1", "logger.tensorboard=false"),
)


def small_words(folder):
    """The command line of a run over eight training and four test images, written to a folder."""
    tree = write_easy_vqa(folder, train=8, test=4)
    data = (f"data.root={tree}", "data.val_images=2", "data.text_train=12", "data.text_test=8")
    return (*data, *SMALL)


def run(folder, *words):
    """A finished run in ``folder``: its report."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    return simlearn.run("tiny_mllm", [*words, f"run_dir={folder}"])


def written(folder):
    """``metrics.json`` of a run."""
    return json.loads((folder / "metrics.json").read_text())
