"""MINER's four findings, judged on the small models by the rule that was fixed before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from claims import DRAWS, judge
from miner_runs import MEASURES, MinedRun

from simlearn.data.randomness import torch_generator
from simlearn.evaluation.intervals import times_drawn

WIDE = 0.1
"""Ratio at which overlaps are counted, where there are enough neurons."""
MEDIA = {"easy_vqa": "image", "tones": "audio"}
"""Data set with a medium -> its modality."""
SEEN = "seen on synthetic"


def verdicts(runs: Sequence[MinedRun]) -> list[dict[str, Any]]:
    """All verdicts, by model, finding and measure."""
    found = []
    for model in dict.fromkeys(run.row["model"] for run in runs):
        own = [run for run in runs if run.row["model"] == model]
        for number, verdict in (
            *((1, v) for v in against_chance(own)),
            *((1, v) for v in specificity(own)),
            *((2, v) for v in lower_layers(own)),
            *((3, v) for v in last_token(own)),
            *((4, v) for v in probing(own)),
        ):
            found.append({"model": model, "seeds": len(own), "finding": number, **verdict})
    return found


def against_chance(runs: Sequence[MinedRun]) -> Iterator[dict[str, Any]]:
    """Finding 1: masking mined neurons hurts more than masking random ones, at every ratio."""
    for group, ratio, dataset, measure in sorted(runs[0].values, key=str):
        key = (group, ratio, dataset, measure)
        if group not in ("union", *MEDIA.values()) or measure == "margin":
            continue
        if group != "union" and ratio != runs[0].row["ratio"]:
            continue
        claim = f"{group} neurons hurt {dataset} questions more than random ones ({measure})"
        first, second = ([run.values[key][side] for run in runs] for side in (0, 1))
        yield {"ratio": ratio, "measure": measure, **judge(claim, first, second, seen=SEEN)}


def specificity(runs: Sequence[MinedRun]) -> Iterator[dict[str, Any]]:
    """Finding 1: a medium's neurons hurt its own questions more than text questions."""
    datasets = {key[2] for key in runs[0].values}
    medium = next(d for d in MEDIA if d in datasets)
    for ratio in sorted({key[1] for key in runs[0].values}):
        for measure in MEASURES[:2]:
            keys = [(MEDIA[medium], ratio, d, measure) for d in (medium, "text")]
            if not all(key in run.values for run in runs for key in keys):
                continue
            sides = [[excess(run, key) for run in runs] for key in keys]
            mean, low, high = two_sets(*sides)
            verdict = SEEN if low > 0 else "not seen" if high < 0 else "undecided"
            yield {
                "ratio": ratio,
                "measure": measure,
                "claim": f"{MEDIA[medium]} neurons hurt {medium} questions more than text "
                f"questions, less what random ones do ({measure})",
                "difference": mean,
                "interval": [low, high],
                "verdict": verdict,
                "smallest": (high - low) / 2,
            }


def excess(run: MinedRun, key: tuple[str, float, str, str]) -> dict[str, float]:
    """By picture: how much more the mined mask hurts than random ones do."""
    mined, random = run.values[key]
    return {name: value - random[name] for name, value in mined.items()}


def two_sets(
    own: Sequence[Mapping[str, float]], other: Sequence[Mapping[str, float]]
) -> tuple[float, float, float]:
    """Difference of two means over independent sets, seeds and items drawn anew.

    Args:
        own: per seed one value per item, the same items for all seeds.
        other: likewise, of other items.

    Returns:
        (difference, low, high).
    """
    a, b = (torch.tensor([list(v.values()) for v in side], dtype=torch.float64)
            for side in (own, other))  # fmt: skip
    g = torch_generator(0, "two sets")
    seeds = times_drawn(len(a), DRAWS, g) / len(a)
    means = []
    for x in (a, b):
        items = torch.cat([times_drawn(x.shape[1], 500, g) for _ in range(DRAWS // 500)])
        means.append((items @ x.T / x.shape[1] * seeds).sum(dim=1))
    drawn = means[0] - means[1]
    low, high = torch.quantile(drawn, torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return float(a.mean() - b.mean()), low, high


def over_seeds(
    claim: str, first: Sequence[Mapping[str, float]], second: Sequence[Mapping[str, float]]
) -> dict[str, Any]:
    """The verdict on one number per model; a single model gives no interval, so no verdict."""
    found = judge(claim, first, second, seen=SEEN)
    return {**found, "verdict": "not judged, one model"} if len(first) == 1 else found


def lower_layers(runs: Sequence[MinedRun]) -> Iterator[dict[str, Any]]:
    """Finding 2: modalities converge in the lower layers, where their neurons overlap more."""
    pair = next(p for p in runs[0].row["overlap"][f"{WIDE:g}"] if p.split(", ")[1] in MEDIA.values()
                and p.startswith("text"))  # fmt: skip
    low, high = (
        [{"all": run.row["overlap"][f"{WIDE:g}"][pair][third][2]} for run in runs]
        for third in ("low", "high")
    )
    claim = f"{pair} neurons overlap more in the low third of the layers than in the high one"
    yield {"ratio": WIDE, "measure": "Jaccard", **over_seeds(claim, low, high)}
    shares = []
    for run in runs:
        own = run.row["per_layer"][f"{run.row['ratio']:g}"]
        counts = torch.tensor(list(own.values())).sum(dim=0)
        shares.append({"all": float(counts[0] / counts.sum())})
    even = [{"all": 1 / len(counts)} for _ in runs]
    claim = "more of the selected neurons lie in the first layer than an even share"
    ratio = runs[0].row["ratio"]
    yield {"ratio": ratio, "measure": "share", **over_seeds(claim, shares, even)}


def last_token(runs: Sequence[MinedRun]) -> Iterator[dict[str, Any]]:
    """Finding 3: mined neurons steer what reaches the last token, more than random ones."""
    mined, random = [], []
    for run in runs:
        geometry = run.row["geometry"]
        before = torch.tensor(geometry["before"]["last_token_attention"])
        after = torch.tensor(geometry["after"]["last_token_attention"])
        others = torch.tensor(geometry["random"])
        mined.append({f"layer {i}": v for i, v in enumerate(moved(before, after))})
        each = torch.tensor([moved(before, other) for other in others])
        random.append({f"layer {i}": v for i, v in enumerate(each.mean(dim=0).tolist())})
    claim = "masking mined neurons moves the last token's attention between modalities more"
    yield {
        "ratio": runs[0].row["ratio"],
        "measure": "attention mass moved",
        **judge(claim, mined, random, seen=SEEN),
    }


def moved(before: torch.Tensor, after: torch.Tensor) -> list[float]:
    """Attention mass that went to another modality, by layer (total variation)."""
    return (0.5 * (after - before).abs().sum(dim=1)).tolist()


def probing(runs: Sequence[MinedRun]) -> Iterator[dict[str, Any]]:
    """Finding 4: a medium's tokens draw near to text over the layers; special tokens stay near."""
    names = runs[0].row["geometry"]["before"]["modalities"]
    tokens = runs[0].row["geometry"]["before"]["tokens"]
    medium = next(n for n in MEDIA.values() if tokens[names.index(n)])
    text, other, special = (names.index(n) for n in ("text", medium, "special"))

    def distances(a: int, b: int, layer: int) -> list[dict[str, float]]:
        return [{"all": r.row["geometry"]["before"]["cosine"][layer][a][b]} for r in runs]

    claim = f"{medium} tokens are nearer to text tokens after the last layer than after the first"
    first, last = distances(text, other, 0), distances(text, other, -1)
    yield {"measure": "cosine distance", **over_seeds(claim, first, last)}
    claim = (
        f"special tokens are nearer to text tokens than {medium} tokens are, after the last layer"
    )
    near = distances(text, special, -1)
    yield {"measure": "cosine distance", **over_seeds(claim, last, near)}
