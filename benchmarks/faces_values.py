"""One value per held-out person from a run's embeddings, and the paper's claims judged by them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from claims import judge, together
from safetensors import safe_open
from torch import Tensor

from simlearn.evaluation import Embeddings, nshot_svm
from simlearn.evaluation.retrieval import retrieve

SHOTS, DRAWS = 2, 20
BEST = "2-D LSTM with the triplet loss is better"
CLAIMED = {
    "do not beat": "with the contrastive loss {} on clips does not beat Inception on still images",
    "beat": "with the triplet loss {} on clips beats Inception on still images",
    "shots": "{}: triplet features identify better than contrastive ones",
    "best": f"{BEST} than {{}}",
    "photographs": "Inception on photographs: triplet features {} better than contrastive ones",
}
NAMES = {"c3d": "C3D", "lstm2d": "2-D LSTM", "inception": "Inception"}


def identity_means(values: Tensor, y: Tensor, names: Sequence[str]) -> dict[str, float]:
    """Mean of each identity's values by name; rounded to six digits."""
    labels, inverse = torch.unique(y, return_inverse=True)
    total = torch.zeros(len(labels), dtype=torch.float64).index_add_(0, inverse, values.double())
    means = (total / torch.bincount(inverse)).tolist()
    return {names[int(k)]: round(v, 6) for k, v in zip(labels, means, strict=True)}


def top1_by_identity(path: Path, names: Sequence[str]) -> dict[str, float]:
    """Top-1 of a file of video embeddings, per identity with something to find."""
    videos = Embeddings.load(path)
    results = retrieve(videos.z, videos.y)
    return identity_means(results.values((1,))["recall_at_1"], videos.y[results.evaluated], names)


def per_identity(folder: Path, seed: int) -> dict[str, Any]:
    """Top-1, 2-shot identification and top-1 under the controls of one run, per identity.

    Args:
        folder: of the run.
        seed: of the run, which draws the supports as the run did.
    """
    path = folder / "embeddings.safetensors"
    with safe_open(path, "pt") as file:
        people = json.loads(file.metadata()["y"])
    names = [people[str(label)] for label in range(len(people))]
    videos = Embeddings.load(path)
    found = nshot_svm(videos.z, videos.y, videos.group, n=SHOTS, draws=DRAWS, seed=seed)
    shot = found["per_identity"].mean(dim=0).tolist()
    labels = found["identities"].tolist()
    values: dict[str, Any] = {
        "recall_at_1": top1_by_identity(path, names),
        "nshot_2_linear": {names[k]: round(v, 6) for k, v in zip(labels, shot, strict=True)},
    }
    for order in ("shuffled", "repeated"):
        control = folder / f"embeddings_{order}.safetensors"
        if control.is_file():
            values[order] = top1_by_identity(control, names)
    return values


def _column(rows: Sequence[dict[str, Any]], recipe: str, metric: str) -> list[dict[str, float]]:
    """For each seed the values per identity."""
    return [row["per_identity"][metric] for row in rows if row["recipe"] == recipe]


def claims(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every claim of the paper; top-1 retrieval, and 2-shot accuracy for identification."""
    found = []
    seen = "seen on synthetic"

    def add(claim: str, metric: str, first: str, second: str) -> None:
        verdict = judge(
            claim, _column(rows, first, metric), _column(rows, second, metric), seen=seen
        )
        found.append({**verdict, "metric": metric, "first": first, "second": second})

    for net in ("c3d", "lstm2d"):
        claim = CLAIMED["do not beat"].format(NAMES[net])
        add(claim, "recall_at_1", "contrastive_inception", f"contrastive_{net}")
        claim = CLAIMED["beat"].format(NAMES[net])
        add(claim, "recall_at_1", f"triplet_{net}", "triplet_inception")
    for net in NAMES:
        claim = CLAIMED["shots"].format(NAMES[net])
        add(claim, "nshot_2_linear", f"triplet_{net}", f"contrastive_{net}")
    for metric in ("recall_at_1", "nshot_2_linear"):
        for other in dict.fromkeys(row["recipe"] for row in rows):
            if other != "triplet_lstm2d":
                claim = CLAIMED["best"].format(other.replace("_", " "))
                add(claim, metric, "triplet_lstm2d", other)
        against = [f for f in found if f["metric"] == metric and f["claim"].startswith(BEST)]
        overall = together(f"{BEST} than all others", against)
        found.append({**overall, "metric": metric})
    return found


def control_claims(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Whether each network of clips loses when its frames are shuffled, or one is repeated."""
    found = []
    for recipe in dict.fromkeys(row["recipe"] for row in rows if "shuffled" in row["per_identity"]):
        filmed = _column(rows, recipe, "recall_at_1")
        for order in ("shuffled", "repeated"):
            other = [row["per_identity"][order] for row in rows if row["recipe"] == recipe]
            claim = f"{recipe} finds more with frames as filmed than {order}"
            verdict = judge(claim, filmed, other, seen="seen on synthetic")
            found.append({**verdict, "recipe": recipe, "order": order})
    return found


def photo_claims(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The one claim that still photographs can show: triplet over contrastive features."""
    first, second = "triplet_inception", "contrastive_inception"
    found = []
    for metric, does in (("nshot_2_linear", "identify"), ("recall_at_1", "retrieve")):
        claim = CLAIMED["photographs"].format(does)
        verdict = judge(claim, _column(rows, first, metric), _column(rows, second, metric))
        found.append({**verdict, "metric": metric})
    return found
