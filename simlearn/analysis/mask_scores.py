"""Score every planned mask and its controls on the same questions, resumable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.answers import EncodedQuestions, score_prepared
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.intervene import deactivate
from simlearn.analysis.mask_plan import PlannedMask
from simlearn.analysis.neuron_protocol import NeuronMasks
from simlearn.analysis.neuron_set import NeuronSet
from simlearn.analysis.tensor_file import read_tensors, write_tensors
from simlearn.trainer.interrupt import Interrupted, StopFlag

FORM = "simlearn masked answers 1"
VALUES = ("score", "loss", "margin")


@dataclass(frozen=True, eq=False)
class MaskedAnswers:
    """Q questions under a mined mask (row 0) and under its R random ones.

    Attributes:
        score: ``(1 + R, Q)`` float64 in [0, 1].
        loss: ``(1 + R, Q)`` float64, nats.
        margin: ``(1 + R, Q)`` float64, logits.
    """

    score: Tensor
    loss: Tensor
    margin: Tensor


def score_masks(
    adapter: ModelAdapter,
    prepared: Sequence[EncodedQuestions],
    masks: Sequence[PlannedMask],
    protocol: NeuronMasks,
    *,
    folder: Path,
    facts: dict[str, str],
    stop: StopFlag,
    report: Callable[[str, int, int], None],
) -> list[MaskedAnswers]:
    """Put the questions to the model under every mask.

    What stands in ``folder`` from an interrupted run is read, not scored again.

    Args:
        adapter: of the model.
        prepared: the questions, from :func:`simlearn.analysis.answers.prepare_answers`.
        masks: to be scored.
        protocol: value and method.
        folder: gets one file per planned mask.
        facts: that a file must share to be read (model, data, settings).
        stop: asked after every mask.
        report: called with (what, done, total).

    Raises:
        AnalysisError: a file in ``folder`` is damaged or of another run.
        Interrupted: a signal asked to stop; the masks that are complete are kept.
    """
    total, done, found = sum(1 + len(m.controls) for m in masks), 0, []
    for mask in masks:
        path = folder / f"{mask.name}.safetensors"
        own = {**facts, "group": mask.group, "ratio": f"{mask.ratio:g}"}
        if path.exists():
            found.append(_read(path, own))
            done += 1 + len(mask.controls)
            continue
        rows: dict[str, list[Tensor]] = {name: [] for name in VALUES}
        every = (mask.neurons, *mask.controls)
        for number, neurons in enumerate(every, 1):
            scored = _masked(adapter, prepared, neurons, protocol)
            for name, values in rows.items():
                values.append(getattr(scored, name).double())
            done += 1
            report("masks", done, total)
            if number == len(every):
                found.append(_keep(path, rows, own))
            if stop.signal and done < total:
                raise Interrupted(f"stopped by {stop.signal} after {done} masks")
    return found


def _masked(
    adapter: ModelAdapter,
    prepared: Sequence[EncodedQuestions],
    neurons: NeuronSet,
    protocol: NeuronMasks,
) -> MaskedAnswers:
    """Scores ``(Q,)`` under one mask."""
    value: float | Literal["min"] = "min" if protocol.value is None else protocol.value
    with deactivate(adapter, neurons, value):
        scored = score_prepared(
            adapter, prepared, method=protocol.method, max_new_tokens=protocol.max_new_tokens
        )
    return MaskedAnswers(scored.score, scored.loss, scored.margin)


def _keep(path: Path, rows: Mapping[str, Sequence[Tensor]], own: dict[str, str]) -> MaskedAnswers:
    """Write down what a mask and its controls did, and give it back."""
    tensors = {name: torch.stack(list(values)) for name, values in rows.items()}
    write_tensors(path, tensors, form=FORM, facts={"of": own})
    return MaskedAnswers(**tensors)


def _read(path: Path, own: dict[str, str]) -> MaskedAnswers:
    """What an interrupted run had scored."""
    tensors, told = read_tensors(path, form=FORM)
    if told.get("of") != own or set(tensors) != set(VALUES):
        raise AnalysisError(
            f"{path}: was scored with {told.get('of')}, this run has {own}. Delete the folder "
            f"{path.parent.name}, or start a new run"
        )
    return MaskedAnswers(**tensors)
