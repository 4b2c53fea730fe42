"""ErrorRadar on small models: what they score beside blind answers, and under masks over neurons.

    python benchmarks/errorradar.py                   writes results/errorradar.json
    python benchmarks/errorradar.py --text-model DIR  and asks a language model without figures

A LLaVA of half a million parameters learns from 4,000 drawn problems with all kinds of errors
equally often; neurons of each modality are mined on 300 of its training problems at 10 %, and 300
problems that it has not seen are asked with and without each mask, each beside five random masks
with as many neurons in every layer. DIR is a folder of transformers with a model that reads text
only (SmolLM2-135M-Instruct in our results), asked about the same problems in words. Two runs at a
time, one thread each; a run that is finished in ``--work`` is not run again, and one that was
killed goes on where it was.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from jobs import Job, code_of, run_all, run_job
from results import write_result

ROOT = Path(__file__).resolve().parents[1]
SEEDS = (1,)
STEPS, TRAINED, MINED, ASKED = 2000, 4000, 300, 300
RATIO, CONTROLS = 0.1, 5
COMMON = ("trainer=cpu", "trainer.threads=1", "logger.tensorboard=false")
PROBLEMS = ("data=error_problems", "data.shares=uniform", f"data.n={ASKED}", "data.seed=1000")
KEPT = (
    *("step_accuracy", "step_within_one", "category_accuracy", "category_macro_f1"),
    *("joint_accuracy", "step_parse_failures", "category_parse_failures"),
)


def train_job(seed: int) -> Job:
    """A small LLaVA learns to name the wrong step and the kind of error."""
    words = ["recipe=tiny_mllm", f"seed={seed}", "data=error_questions", "data.shares=uniform"]
    words += [f"data.n_train={TRAINED}", "data.n_test=300", "data.n_val=50"]
    words += ["sampler.media=32", "sampler.texts=0", "sampler.turns=false", "sampler.shares={}"]
    words += ["model.encoder_steps=0", f"trainer.max_steps={STEPS}", *COMMON]
    return Job({"seed": seed}, f"train_seed{seed}", words)


def model_of(seed: int, work: Path) -> Path:
    """Folder of a trained model."""
    return work / "runs" / train_job(seed).name / "model"


def mine_job(seed: int, work: Path) -> Job:
    """Its neurons of every modality."""
    words = ["recipe=miner_tiny", f"seed={seed}", "data=error_questions", "data.shares=uniform"]
    words += [f"data.n_train={TRAINED}", f"data.train={MINED}", "data.n_test=300", "data.test=20"]
    words += ["model=pretrained", f"model.path={model_of(seed, work)}", "model.dtype=float32"]
    words += [f"evaluation.ratio={RATIO}", f"evaluation.ratios=[{RATIO}]", "evaluation.controls=2"]
    words += ["evaluation.geometry=false", "evaluation.batch_size=16", *COMMON]
    return Job({"seed": seed}, f"mine_seed{seed}", words)


def radar_job(seed: int, work: Path) -> Job:
    """The table, without and with masks."""
    neurons = work / "runs" / mine_job(seed, work).name
    words = ["recipe=error_radar_masks", f"seed={seed}", *PROBLEMS]
    words += [f"model.path={model_of(seed, work)}", "model.dtype=float32", "endpoint.max_tokens=2"]
    words += ["endpoint.batch_size=32", "evaluation.ask=separate", "evaluation.style=bare"]
    words += [f"evaluation.neurons={neurons}", f"evaluation.controls={CONTROLS}", *COMMON]
    return Job({"model": "LLaVA", "seed": seed}, f"radar_seed{seed}", words)


def text_job(folder: Path) -> Job:
    """A model that reads text alone, on the same problems."""
    words = ["recipe=error_radar", "endpoint=local", "model=pretrained", f"model.path={folder}"]
    words += ["model.text_only=true", "model.dtype=float32", "evaluation.images=false", *PROBLEMS]
    words += ["endpoint.max_tokens=24", "evaluation.ask=separate", "evaluation.style=bare", *COMMON]
    return Job({"model": folder.name, "seed": 0}, f"text_{folder.name}", words)


def read_run(job: Job, work: Path) -> dict[str, Any]:
    """Run a job and read its numbers."""
    folder = run_job(job, work)
    found = json.loads((folder / "metrics.json").read_text())
    return {
        **job.key,
        "test": {name: found["test"][name] for name in KEPT if name in found["test"]},
        "baselines": {
            model: {name: metric["value"] for name, metric in metrics.items()}
            for model, metrics in found["baselines"].items()
        },
        "per_category": found["error_radar"]["per_category"],
        "confusion": found["error_radar"]["confusion"],
        "masks": found["masks"],
        "masked_neurons": found["masked_neurons"],
        "seconds": found["seconds"],
        "fingerprint": found["protocol"]["fingerprint"],
        "code": code_of(folder),
        "command": "python -m simlearn.train " + " ".join(job.command),
    }


def main() -> None:
    """Train, mine, ask, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "outputs" / "errorradar")
    parser.add_argument("--text-model", type=Path, default=None)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    work = options.work

    def trained(job: Job) -> dict[str, Any]:
        found = json.loads((run_job(job, work) / "metrics.json").read_text())
        return {"seed": job.key["seed"], "seconds": found["seconds"]}

    training = run_all([train_job(s) for s in SEEDS], trained, options.workers, "training")
    run_all(
        [mine_job(s, work) for s in SEEDS],
        lambda job: run_job(job, work),
        options.workers,
        "mining",
    )
    jobs = [radar_job(seed, work) for seed in SEEDS]
    if options.text_model is not None:
        jobs.append(text_job(options.text_model))
    rows = run_all(jobs, lambda job: read_run(job, work), options.workers, "asking")
    settings = {"problems": ASKED, "ratio": RATIO, "random_masks": CONTROLS, "steps": STEPS}
    print(write_result("errorradar", {**settings, "training": training, "rows": rows}))


if __name__ == "__main__":
    main()
