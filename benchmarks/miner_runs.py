"""What one search for neurons found, read from its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jobs import Job, code_of
from torch import Tensor

from simlearn.analysis.aggregate import aggregate_scores
from simlearn.analysis.mining import dataset_scores
from simlearn.analysis.overlap import overlap_by_third
from simlearn.analysis.sample_scores import SampleScores
from simlearn.analysis.selection import ratio_sweep
from simlearn.analysis.tensor_file import read_tensors

MEASURES = ("score", "loss", "margin")
DIGITS = 5


@dataclass(frozen=True, eq=False)
class MinedRun:
    """One run.

    Attributes:
        row: what goes into the result file.
        values: (group, ratio, dataset, measure) -> (picture -> how much worse the mined mask made
            it, picture -> mean over the random masks).
    """

    row: dict[str, Any]
    values: Mapping[tuple[str, float, str, str], tuple[dict[str, float], dict[str, float]]]


def read_mined(job: Job, folder: Path) -> MinedRun:
    """Read the files of a finished run."""
    found = json.loads((folder / "metrics.json").read_text())
    row = {
        **job.key,
        "ratio": json.loads((folder / "meta.json").read_text())["protocol"]["ratio"],
        "plain": {k: m["value"] for k, m in found["test"].items()},
        "effects": [short(e) for e in found["effects"]],
        "specificity": [short(s) for s in found["specificity"]],
        "selected": found["selected"],
        "per_layer": found["per_layer"],
        "attention_is_mean": found["attention_is_mean"],
        "overlap": overlaps(folder),
        "geometry": rounded(found["geometry"]),
        "seconds": found["seconds"],
        "fingerprint": found["protocol"]["fingerprint"],
        "code": code_of(folder),
        "command": "python -m simlearn.train " + " ".join(job.command),
    }
    return MinedRun(row, drops_by_picture(folder))


def short(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers to five digits; a bootstrap's interval is not known better."""
    found: dict[str, Any] = rounded(dict(entry))
    return found


def rounded(value: Any) -> Any:
    """Floats to ``DIGITS`` digits after the point, inside lists and mappings too."""
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, list | tuple):
        return [rounded(v) for v in value]
    if isinstance(value, Mapping):
        return {k: rounded(v) for k, v in value.items()}
    return value


def overlaps(folder: Path) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Ratio -> pair of modalities -> third of the layers -> [shared, by chance, Jaccard]."""
    scores, names = dataset_scores(
        SampleScores.load(folder / "scores.safetensors"), "special_text_separate"
    )
    protocol = json.loads((folder / "meta.json").read_text())["protocol"]
    sets = ratio_sweep(aggregate_scores(scores), protocol["ratios"], names=names)
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for ratio, chosen in sets.items():
        pairs: dict[str, dict[str, list[float]]] = {}
        for third, part in overlap_by_third(chosen).items():
            for i, a in enumerate(part.names):
                for j, b in enumerate(part.names[:i]):
                    pairs.setdefault(f"{b}, {a}", {})[third] = [
                        int(part.counts[i, j]),
                        round(float(part.expected[i, j]), 3),
                        round(float(part.jaccard[i, j]), 5),
                    ]
        found[f"{ratio:g}"] = pairs
    return found


def drops_by_picture(
    folder: Path,
) -> dict[tuple[str, float, str, str], tuple[dict[str, float], dict[str, float]]]:
    """Mean worsening of each picture's questions (or of each question about a sentence)."""
    plain, facts = read_tensors(folder / "answers.safetensors", form="simlearn answers 1")
    datasets = [name for name, _, _ in facts["ids"]]
    found = {}
    for path in sorted((folder / "masks").glob("*.safetensors")):
        masked, told = read_tensors(path, form="simlearn masked answers 1")
        group, ratio = told["of"]["group"], float(told["of"]["ratio"])
        if len(masked["score"]) < 2:
            continue
        for dataset in dict.fromkeys(datasets):
            rows = torch.tensor([name == dataset for name in datasets])
            pictures = plain["picture"][rows]
            for measure in MEASURES:
                sign = -1.0 if measure == "loss" else 1.0
                worse = sign * (plain[measure][None, rows] - masked[measure][:, rows])
                found[group, ratio, dataset, measure] = (
                    by_picture(worse[0], pictures),
                    by_picture(worse[1:].mean(dim=0), pictures),
                )
    return found


def by_picture(values: Tensor, pictures: Tensor) -> dict[str, float]:
    """Mean value of each picture."""
    names, inverse = torch.unique(pictures, return_inverse=True)
    sums = torch.zeros(len(names), dtype=torch.float64).index_add_(0, inverse, values)
    means = sums / torch.bincount(inverse)
    return {str(n): v for n, v in zip(names.tolist(), means.tolist(), strict=True)}
