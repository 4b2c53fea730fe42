"""What a search for neurons leaves on disk beside its report."""

from __future__ import annotations

import os
from pathlib import Path

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.neuron_set import NeuronSet
from simlearn.analysis.sample_scores import SampleScores
from simlearn.analysis.scores import METRICS
from simlearn.analysis.shards import SAMPLES
from simlearn.analysis.stats import ActivationStats
from simlearn.analysis.tensor_file import write_tensors
from simlearn.data.questions import QuestionData
from simlearn.report import environment, write_bytes_atomic, write_json_atomic
from simlearn.tasks.answer_measures import media_clusters
from simlearn.tasks.neuron_parts import NeuronParts
from simlearn.tasks.neuron_results import NeuronResults
from simlearn.tasks.run_context import RunContext

SCHEMA = 1
FILES = (
    "stats.safetensors",
    "scores.safetensors",
    "neurons.safetensors",
    "meta.json",
    "samples.jsonl",
    "answers.safetensors",
)
ANSWERS = "simlearn answers 1"


def write_neuron_files(
    results: NeuronResults,
    adapter: ModelAdapter,
    data: QuestionData,
    parts: NeuronParts,
    run: RunContext,
) -> None:
    """Write :data:`FILES` into the run's folder.

    ``stats``: n, pos, sum, wsum, max by modality, layer and neuron; ``scores``: sums of the five
    scores by data set; ``neurons``: the selection at the main ratio; ``samples``: what was mined,
    with its tokens by modality; ``answers``: score, loss and margin of every question without a
    mask (those under masks are in ``masks/``); ``meta``: everything needed to read them. The first
    three are read by ``ActivationStats.load``, ``SampleScores.load`` and ``NeuronSet.load``, or by
    ``safetensors.numpy.load_file``.

    Raises:
        AnalysisError, OSError: the folder cannot be written.
    """
    folder = run.run_dir
    results.stats.save(folder / FILES[0])
    results.sample_scores.save(folder / FILES[1])
    results.sets[parts.protocol.ratio].save(folder / FILES[2])
    plain = results.plain
    write_tensors(
        folder / FILES[5],
        {name: getattr(plain, name).double() for name in ("score", "loss", "margin")}
        | {"picture": media_clusters(results.asked)},
        form=ANSWERS,
        facts={
            "ids": [[q.dataset, q.kind, q.id] for q in results.asked],
            "texts": plain.texts,
        },
    )
    write_bytes_atomic(folder / FILES[4], (folder / "statistics" / SAMPLES).read_bytes())
    found = environment()
    write_json_atomic(
        folder / FILES[3],
        {
            "schema": SCHEMA,
            "model": {
                "fingerprint": adapter.fingerprint,
                "family": adapter.family.name,
                "class": type(adapter.model).__name__,
                "layers": adapter.shape[0],
                "neurons": adapter.shape[1],
                "dtype": str(next(adapter.model.parameters()).dtype),
            },
            "found": adapter.describe(),
            "site": "text/act: output of the activation function, before the product with up_proj",
            "modalities": list(results.stats.names),
            "metrics": list(METRICS),
            "datasets": list(results.sample_scores.datasets),
            "data": {**data.facts, "fingerprint": data.fingerprint},
            "protocol": vars(parts.protocol),
            "seed": run.seed,
            "packages": found["packages"],
            "git": found["git"],
        },
    )


def read_neuron_files(
    folder: str | os.PathLike[str],
) -> tuple[ActivationStats, SampleScores, NeuronSet]:
    """Statistics, scores and selected neurons of a finished run.

    Raises:
        AnalysisError: a file is missing or damaged.
    """
    path = Path(folder)
    return (
        ActivationStats.load(path / FILES[0]),
        SampleScores.load(path / FILES[1]),
        NeuronSet.load(path / FILES[2]),
    )
