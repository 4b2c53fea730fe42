"""Means over samples of powers of per-sample gradients: the core of EWC's and MAS's importances."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from simlearn.continual.layer_sums import LayerSums
from simlearn.continual.layer_uses import gradients_at, recorded_uses, used_by_layers_only
from simlearn.continual.model_gradients import SampleLoss, power_sums

Targets = Callable[[Tensor, Tensor], Iterable[tuple[Tensor, Tensor]]]
"""``(output (B, ...), y (B,))`` to pairs of labels (B,) and weights (B,), which are added up."""


def mean_power(
    model: nn.Module,
    loss_fn: SampleLoss,
    batches: Iterable[tuple[Tensor, Tensor]],
    targets: Targets,
    *,
    power: int,
) -> dict[str, Tensor]:
    """Mean over samples of ``sum_t weight_t |d loss(label_t) / d theta| ** power``, per sample.

    Exact, and the same for every size of the batches: a gradient is never averaged before its
    power is taken. The sums are kept in float64. Known layers (Linear, convolutions, norms) cost
    one backward pass of the whole batch; other parameters, and those that are used elsewhere
    besides, run the model for every sample (:mod:`simlearn.continual.model_gradients`). Meanwhile
    the model is in eval mode; its modes, its ``.grad`` and its hooks are as before afterwards, also
    after an error. Samples must not see one another in eval mode, and the first axis of whatever
    the layers take must be the samples'.

    Args:
        model: parameters that do not require a gradient are left out.
        loss_fn: ``(output, labels (B,)) -> (B,)`` losses.
        batches: of inputs ``(B, ...)`` and labels ``(B,)``; moved to the model's device.
        targets: labels whose losses count, and their weights, not negative; told the output
            without a graph. Every batch gives equally many.
        power: 1 or 2.

    Returns:
        By the parameters' names, in their shapes and types; 0 for one that the loss does not use.

    Raises:
        ValueError: no sample, a loss that is not one number per sample, or a batch norm without
            running statistics.
    """
    _check_norms(model)
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    sums = {name: torch.zeros_like(p, dtype=_wide(p)) for name, p in parameters.items()}
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    count = 0
    with in_eval_mode(model), torch.enable_grad(), without_fused_recurrence(model):
        for x, y in batches:
            count += len(x)
            if not len(x) or not parameters:
                continue
            for name, part in _batch_sums(
                model, loss_fn, x.to(device), y.to(device), targets, parameters, power
            ).items():
                sums[name] += part
    if not count:
        raise ValueError(
            "there is no sample to take gradients of: the batches are empty (an iterator can be "
            "read only once)"
        )
    return {name: (total / count).to(parameters[name].dtype) for name, total in sums.items()}


def _batch_sums(
    model: nn.Module,
    loss_fn: SampleLoss,
    x: Tensor,
    y: Tensor,
    targets: Targets,
    parameters: dict[str, nn.Parameter],
    power: int,
) -> dict[str, Tensor]:
    with recorded_uses(model, len(x)) as uses:
        output: Tensor = model(x)
    sums: dict[str, Tensor] = {}
    layers: LayerSums | None = None
    names = {id(p): name for name, p in parameters.items()}
    others = parameters
    for labels, weights in targets(output.detach(), y):
        factor = weights.pow(1 / power)
        loss = _checked(loss_fn(output, labels), len(x)) * factor
        if not loss.requires_grad:
            continue
        total = loss.sum()
        grads = gradients_at(total, uses, keep_graph=True)
        if layers is None:
            known = used_by_layers_only(uses, grads, total)
            layers = LayerSums(uses, known & set(names), power)
            others = {name: p for name, p in parameters.items() if id(p) not in known}
        layers.add(grads)
        rest = power_sums(model, loss_fn, x, labels, factor, others, power)
        sums = {name: sums[name] + rest[name] if name in sums else rest[name] for name in rest}
    found = layers.total() if layers is not None else {}
    return {**sums, **{names[key]: value for key, value in found.items()}}


def _checked(loss: Tensor, rows: int) -> Tensor:
    if loss.shape != (rows,):
        raise ValueError(
            f"loss_fn must give one loss per sample, shape ({rows},), found {tuple(loss.shape)}: "
            "use reduction='none'"
        )
    return loss


@contextmanager
def in_eval_mode(model: nn.Module) -> Iterator[None]:
    """Every module in eval mode; each in its own mode again afterwards."""
    training = [part for part in model.modules() if part.training]
    model.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True


def _check_norms(model: nn.Module) -> None:
    for name, part in model.named_modules():
        if isinstance(part, _BatchNorm) and part.running_mean is None:
            raise ValueError(
                f"the batch norm {name!r} has no running statistics, so that the gradient of a "
                "sample depends on the others of its batch: use track_running_stats=True or "
                "another norm"
            )


def without_fused_recurrence(model: nn.Module) -> AbstractContextManager[None]:
    """CuDNN's recurrent layers have no backward pass in eval mode; PyTorch's own have one."""
    if any(isinstance(part, nn.RNNBase) for part in model.modules()):
        return torch.backends.cudnn.flags(enabled=False)
    return nullcontext()


def _wide(p: Tensor) -> torch.dtype:
    """float64 where the device has it."""
    return torch.float64 if p.device.type != "mps" else p.dtype


def single_target(weights_like: Tensor, labels: Tensor) -> Sequence[tuple[Tensor, Tensor]]:
    """The labels with weight 1 each, in the type of ``weights_like``."""
    return [(labels, torch.ones(len(labels), dtype=weights_like.dtype, device=labels.device))]
