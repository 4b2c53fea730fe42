"""The report of a class-incremental run: what is kept, what is forgotten, at what cost in bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simlearn.backbones.base import count_parameters
from simlearn.data.labelled_images import ClassData
from simlearn.learners import MetricLearner
from simlearn.report import Metric, Report, Table, environment
from simlearn.tasks.incremental_ideal import Ideal, accuracy_rows, no_ceiling
from simlearn.tasks.incremental_metrics import DIAGNOSTICS, Results, stream_metrics
from simlearn.tasks.incremental_parts import IncrementalParts
from simlearn.tasks.incremental_pictures import incremental_figures
from simlearn.tasks.run_context import RunContext


def incremental_report(
    parts: IncrementalParts,
    run: RunContext,
    data: ClassData,
    sizes: Sequence[int],
    results: Results,
    ideal: Ideal | None,
    baselines: Mapping[str, Mapping[str, Metric]],
    learner: MetricLearner,
    seconds: Mapping[str, float],
) -> Report:
    """Put a report together; nothing is written.

    Args:
        parts: what was run.
        run: its folder, recipe and seed.
        data: the data, for the names of the classes.
        sizes: classes of every experience.
        results: of the loop, one per experience.
        ideal: see :class:`Ideal`; without it there is no omega.
        baselines: metrics of other models.
        learner: the network after the last experience.
        seconds: durations by phase.
    """
    details: dict[str, Any] = {
        "accuracy_matrix": accuracy_rows(results),
        "memory_bytes": results[-1]["memory_bytes"],
        "transient_bytes": max(r["transient_bytes"] for r in results),
        "seconds_per_experience": [round(r["seconds"], 3) for r in results],
        "experiences": [experience_row(r) for r in results],
    }
    if ideal is not None:
        details["ceiling"] = {"matrix": ideal.matrix, "source": ideal.source}
    return Report(
        recipe=run.recipe,
        seed=run.seed,
        card=run.card,
        metrics=stream_metrics(
            results, sizes, ideal, bootstrap=parts.protocol.bootstrap, seed=run.seed
        ),
        baselines=baselines,
        train={
            "parameters": count_parameters(learner),
            "strategy": type(parts.strategy).__name__,
            "steps": sum(int(r.get("steps", 0)) for r in results),
            "empty_batches": sum(int(r.get("empty_batches", 0)) for r in results),
            "collapse_warnings": sum(int(r.get("collapse_warnings", 0)) for r in results),
            "memory_bytes": results[-1]["memory_bytes"],
            "transient_bytes": details["transient_bytes"],
        },
        protocol=protocol_facts(parts, data, sizes),
        seconds=seconds,
        tables=(accuracy_table(results, sizes, data), *diagnostics_table(results)),
        figures=incremental_figures(run, data, sizes, results, ideal),
        config=run.config,
        environment=environment(),
        run_dir=run.run_dir,
        notes=notes(results, ideal),
        details=details,
    )


def notes(results: Results, ideal: Ideal | None) -> tuple[str, ...]:
    """What a reader must know of the numbers."""
    if ideal is None or not no_ceiling(ideal, results[-1]["counts"]):
        return ()
    return (
        "Joint training names no image of some of the classes rightly, so that there is no omega: "
        "train longer (trainer.max_steps), or give evaluation.ideal a number.",
    )


def experience_row(result: Mapping[str, Any]) -> dict[str, Any]:
    """The plain numbers of one experience."""
    return {k: v for k, v in result.items() if isinstance(v, int | float | list)}


def protocol_facts(
    parts: IncrementalParts, data: ClassData, sizes: Sequence[int]
) -> dict[str, object]:
    """What has to be equal for two runs' numbers to stand side by side, but for the ceiling."""
    return {
        **data.facts,
        "data_fingerprint": data.fingerprint,
        "classes_of_experiences": list(sizes),
        "measured_on": parts.protocol.split,
        "score": "ncm: nearest class mean, with the prototypes that the strategy keeps",
        "distance": "euclidean",
    }


def accuracy_table(results: Results, sizes: Sequence[int], data: ClassData) -> Table:
    """Accuracy after every experience, and the bytes behind it."""
    rows, first = [], 0
    for t, (size, r) in enumerate(zip(sizes, results, strict=True), start=1):
        names = data.names[first : first + size]
        first += size
        shown = ", ".join(names) if size <= 6 else f"{', '.join(names[:5])} and {size - 5} more"
        rows.append(
            (
                t,
                shown,
                r["ncm"][0],
                r["ncm"][-1],
                float(r["correct"].float().mean()),
                r["memory_bytes"],
                r["transient_bytes"],
                round(r["seconds"], 1),
            )
        )
    return Table(
        title="Experiences",
        columns=(
            *("experience", "new classes", "ncm_base", "ncm_new", "ncm_all"),
            *("bytes kept", "bytes in training", "seconds"),
        ),
        rows=tuple(rows),
        note="ncm: share of test images whose nearest class mean is that of their class, among all "
        "classes seen so far. Bytes kept: what the strategy needs between experiences, prototypes "
        "included; bytes in training: copies and samples that exist besides while it trains.",
    )


def diagnostics_table(results: Results) -> tuple[Table, ...]:
    """What describes the embedding; nothing where it was not measured."""
    columns = [name for name in DIAGNOSTICS if any(name in r for r in results)]
    if not columns:
        return ()
    rows = tuple((t, *(r.get(name) for name in columns)) for t, r in enumerate(results, start=1))
    return (
        Table(
            title="Diagnostics of the embedding",
            columns=("experience", *columns),
            rows=rows,
            note="None of these is a score. ncm_real: class means of the real training images of "
            "all classes through the present network, which no strategy has. Retrieval and SVM: "
            "test images of all seen classes among themselves. Drift: mean Euclidean way of the "
            "old classes' real means. Purity: share of the nearest neighbours of old classes' "
            "images that are of their class. Intrusion: share of new images whose nearest "
            "prototype is an old class's. Origin probe: how often a linear probe tells generated "
            "from real activations, 0.5 by chance.",
        ),
    )
