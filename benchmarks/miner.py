"""MINER on small models of our own: do mined neurons matter more than random ones?

    python benchmarks/miner.py                 everything; writes results/miner.json
    python benchmarks/miner.py --only train    the models alone

Models of half a million parameters are trained by the recipe ``tiny_mllm``: the LLaVA with three
seeds, and with one each a narrow LLaVA (feed-forward width half the hidden size, so that neurons
are scarce), a Qwen2-VL and a Qwen2-Audio. All but the last are mined on 300 training questions of
each data set and masked on 300 test questions about pictures and 200 about sentences, at eight
ratios, every mask beside 20 random ones with as many neurons in every layer. Nothing was tuned on
what the masks do. Two runs at a time, one thread each; runs that are finished in ``--work`` are
not run again, and one that was killed goes on where it was.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jobs import Job, code_of, run_all, run_job
from miner_claims import verdicts
from miner_runs import MinedRun, read_mined
from results import write_result

ROOT = Path(__file__).resolve().parents[1]
SEEDS = (1, 2, 3)
COMMON = ("trainer=cpu", "trainer.threads=1", "logger.tensorboard=false")
MODELS: dict[str, tuple[Sequence[int], Sequence[str]]] = {
    "llava": (SEEDS, ()),
    "narrow_llava": ((1,), ("model.intermediate=48",)),
    "qwen2_vl": ((1,), ("model=tiny_qwen2vl",)),
    "qwen2_audio": ((1,), ("model=tiny_qwen2audio", "data=tones", "trainer.max_steps=800")),
}
"""Model -> seeds, and what differs from the recipe."""
MINED = ("llava", "narrow_llava", "qwen2_vl")
NARROW = ("evaluation.ratio=0.05", "evaluation.ratios=[0.05,0.1,0.2,0.3,0.5]")
"""2 % of 144 neurons are none for each of three modalities."""
EASY = ("data.train=300", "data.test=300", "data.text_test=200")


def train_job(name: str, seed: int) -> Job:
    """The training of one model."""
    words = ["recipe=tiny_mllm", f"seed={seed}", *MODELS[name][1], *COMMON]
    return Job({"model": name, "seed": seed}, f"train_{name}_seed{seed}", words)


def mine_job(name: str, seed: int, work: Path) -> Job:
    """The search for neurons in one model."""
    folder = work / "runs" / train_job(name, seed).name / "model"
    words = ["recipe=miner_tiny", f"seed={seed}", "model=pretrained", f"model.path={folder}"]
    words += ["model.dtype=float32", *EASY]
    words += [*(NARROW if name == "narrow_llava" else ()), *COMMON]
    return Job({"model": name, "seed": seed}, f"mine_{name}_seed{seed}", words)


def trained(job: Job, work: Path) -> dict[str, Any]:
    """Train a model and read its accuracies."""
    folder = run_job(job, work)
    found = json.loads((folder / "metrics.json").read_text())
    return {
        **job.key,
        "test": {k: m["value"] for k, m in found["test"].items()},
        "n": {k: m["n"] for k, m in found["test"].items()},
        "baselines": {
            model: {k: m["value"] for k, m in metrics.items()}
            for model, metrics in found["baselines"].items()
        },
        "parameters": found["train"]["parameters"],
        "seconds": found["seconds"],
        "fingerprint": found["protocol"]["fingerprint"],
        "code": code_of(folder),
        "command": "python -m simlearn.train " + " ".join(job.command),
    }


def main() -> None:
    """Train, mine, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "outputs" / "miner")
    parser.add_argument("--only", choices=["train"], default=None)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--name", default="miner", help="result file to write")
    options = parser.parse_args()
    torch.set_num_threads(1)
    pairs = [(name, seed) for name, (seeds, _) in MODELS.items() for seed in seeds]
    rows = run_all(
        [train_job(*pair) for pair in pairs],
        lambda job: trained(job, options.work),
        options.workers,
        "training",
    )
    if options.only == "train":
        print(json.dumps([{**r["test"], "model": r["model"]} for r in rows], indent=2))
        return
    runs: list[MinedRun] = run_all(
        [mine_job(*pair, options.work) for pair in pairs if pair[0] in MINED],
        lambda job: read_mined(job, run_job(job, options.work)),
        options.workers,
        "mining",
    )
    result = {
        "models": rows,
        "mined": [run.row for run in runs],
        "claims": verdicts(runs),
    }
    print(write_result(options.name, result))


if __name__ == "__main__":
    main()
