"""Find modality-specific neurons, deactivate them, and measure what that costs beside chance."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence

import torch

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.answers import prepare_answers, score_prepared
from simlearn.analysis.geometry import modality_geometry
from simlearn.analysis.intervene import deactivate
from simlearn.analysis.last_token import last_token_attention
from simlearn.analysis.mask_plan import UNION, PlannedMask, plan_masks
from simlearn.analysis.mask_scores import score_masks
from simlearn.analysis.mining import dataset_scores, mine
from simlearn.analysis.neuron_set import NeuronSet
from simlearn.analysis.question_baselines import blank_images, question_only_answers
from simlearn.data.errors import DataError
from simlearn.data.questions import Question, QuestionData
from simlearn.data.randomness import numpy_generator, torch_generator
from simlearn.report import Report, write_report
from simlearn.tasks.neuron_files import write_neuron_files
from simlearn.tasks.neuron_parts import NeuronParts
from simlearn.tasks.neuron_report import neuron_report
from simlearn.tasks.neuron_results import Geometry, Measured, NeuronResults
from simlearn.tasks.run_context import RunContext
from simlearn.trainer.interrupt import stop_signals
from simlearn.trainer.progress import ProgressLine
from simlearn.trainer.stopwatch import Stopwatch

CONTROLS = 5
"""Random masks under which the last token's attention is measured."""
PROMPTS = 200
"""Questions of each data set that geometry and last-token attention look at."""


def find_neurons(parts: NeuronParts, run: RunContext) -> Report:
    """Mine on the training questions, select, and ask the others under every mask.

    Args:
        parts: what the configuration describes.
        run: the run's folder, seed and recipe. With ``resume`` the samples and masks that are
            complete are not run again.

    Returns:
        The report, already written into ``run.run_dir`` beside ``stats.safetensors``,
        ``scores.safetensors``, ``neurons.safetensors``, ``meta.json`` and ``samples.jsonl``.

    Raises:
        AnalysisError, DataError, Interrupted: with the way out in their text.
    """
    watch, line = Stopwatch(), ProgressLine()
    if parts.trainer.devices > 1:
        raise ValueError(
            f"trainer.devices is {parts.trainer.devices}: neurons are mined by one process; a "
            "large model is shared out by model.device_map=auto. Use trainer.devices=1"
        )
    if parts.trainer.threads:
        torch.set_num_threads(parts.trainer.threads)
    if parts.trainer.fast_dev_run:
        parts = parts.small()
    protocol = parts.protocol
    with watch("data"):
        data = parts.source.open(report=line)
        mined_on, asked = data.splits["train"], data.splits[protocol.split_asked]
        if not mined_on or not asked:
            raise DataError(
                f"{type(parts.source).__name__} gave {len(mined_on)} questions to mine from and "
                f"{len(asked)} to be asked: both are needed"
            )
        adapter = parts.model.open(parts.trainer.device)
    with stop_signals() as stop:
        with watch("mining"):
            mined = mine(
                adapter,
                mined_on,
                folder=run.run_dir,
                settings=parts.trainer,
                stop=stop,
                report=line,
                batch_size=protocol.batch_size,
                attn=protocol.attn,
                causal=protocol.causal,
                split=protocol.split,
                facts={"data": data.fingerprint},
            )
        scores, names = dataset_scores(mined.scores, protocol.split)
        sets, masks = plan_masks(
            scores,
            mined.scores.datasets,
            names,
            protocol,
            model=adapter.fingerprint,
            seed=run.seed,
        )
        with watch("questions"):
            prepared = prepare_answers(adapter, asked, batch_size=protocol.batch_size)
            plain = score_prepared(
                adapter,
                prepared,
                method=protocol.method,
                max_new_tokens=protocol.max_new_tokens,
                progress=line,
            )
            blanked = score_prepared(
                adapter,
                prepare_answers(adapter, blank_images(asked), batch_size=protocol.batch_size),
                method=protocol.method,
                max_new_tokens=protocol.max_new_tokens,
                progress=lambda _, done, total: line("without media", done, total),
            )
        with watch("masks"):
            masked = score_masks(
                adapter,
                prepared,
                masks,
                protocol,
                folder=run.run_dir / "masks",
                facts=mask_facts(parts, adapter, data, run.seed),
                stop=stop,
                report=line,
            )
    with watch("geometry"):
        geometry = (
            measure_geometry(adapter, asked, masks, protocol.ratio, run.seed)
            if (protocol.geometry)
            else None
        )
    results = NeuronResults(
        asked=asked,
        names=names,
        scores=scores,
        stats=mined.stats,
        sample_scores=mined.scores,
        sets=sets,
        masks=masks,
        masked=masked,
        plain=plain,
        blanked=blanked,
        lookup=question_only_answers(mined_on, asked),
        geometry=geometry,
    )
    write_neuron_files(results, adapter, data, parts, run)
    report = neuron_report(parts, run, data, adapter, results, watch.seconds)
    write_report(report)
    shutil.rmtree(run.run_dir / "statistics", ignore_errors=True)  # for resuming alone
    return report


def mask_facts(
    parts: NeuronParts, adapter: ModelAdapter, data: QuestionData, seed: int
) -> dict[str, str]:
    """What the scores of a mask depend on beside its group and ratio."""
    p = parts.protocol
    settings = [p.weights, p.strategy, p.split, p.attn, p.causal, p.value, p.method, p.controls]
    settings += [p.max_new_tokens, p.split_asked, seed]
    digest = hashlib.blake2b(json.dumps(settings).encode(), digest_size=8).hexdigest()
    return {"model": adapter.fingerprint, "data": data.fingerprint, "settings": digest}


def measure_geometry(
    adapter: ModelAdapter,
    questions: Sequence[Question],
    masks: Sequence[PlannedMask],
    ratio: float,
    seed: int,
) -> Geometry:
    """Where the modalities lie and what the last token looks at, without and with the mask."""
    chosen = []
    for dataset in dict.fromkeys(q.dataset for q in questions):
        rows = [i for i, q in enumerate(questions) if q.dataset == dataset]
        order = numpy_generator(seed, "prompts", dataset).permutation(len(rows))
        chosen += [questions[rows[i]] for i in sorted(order[:PROMPTS])]
    batches = [
        adapter.encode(own[i : i + 32])
        for medium in (True, False)
        for own in [[q for q in chosen if (q.image is None and q.audio is None) != medium]]
        for i in range(0, len(own), 32)
    ]
    union = next((m for m in masks if m.group == UNION and m.ratio == ratio), None)

    def measured(neurons: NeuronSet | None) -> Measured:
        with deactivate(adapter, {} if neurons is None else neurons):
            generator = torch_generator(seed, "geometry")
            return (
                modality_geometry(adapter, batches, generator=generator),
                last_token_attention(adapter, batches),
            )

    if union is None:
        return Geometry(before=measured(None), after=None, random=())
    random = []
    for control in union.controls[:CONTROLS]:
        with deactivate(adapter, control):
            random.append(last_token_attention(adapter, batches))
    return Geometry(measured(None), measured(union.neurons), tuple(random))
