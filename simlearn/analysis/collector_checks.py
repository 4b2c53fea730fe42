"""What makes collected activations wrong without anybody noticing, and its refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.layer_sums import LayerSums
from simlearn.analysis.sites import Site


def refuse_unreadable(model: nn.Module) -> None:
    """Raise where hooks are left out or activations are random.

    Raises:
        AnalysisError: a compiled module, or a model in training mode.
    """
    for path, module in model.named_modules():
        own = module.__dict__.get("forward")
        if (
            hasattr(module, "_orig_mod")
            or getattr(module, "_compiled_call_impl", None) is not None
            or hasattr(own, "_torchdynamo_orig_callable")
        ):
            raise AnalysisError(
                f"{path or 'the model'} is compiled, and compiled code may leave hooks out: "
                "collect from the model before torch.compile"
            )
    if model.training:
        raise AnalysisError("the model is in training mode: call model.eval() first")


def check_fired(sites: Sequence[Site], seen: Mapping[int, int], expected: int | None) -> None:
    """Refuse a pass in which a site was not called as it should be.

    Args:
        sites: all of a part.
        seen: calls of each layer.
        expected: calls of each; ``None`` for any number that is the same for all and not 0.

    Raises:
        AnalysisError: naming the layer, its path and the likely causes.
    """
    calls = expected if expected is not None else max(1, *(seen[site.layer] for site in sites))
    for site in sites:
        if seen[site.layer] != calls:
            raise AnalysisError(
                f"layer {site.layer} of the {site.part} part ({site.path}) fired "
                f"{seen[site.layer]} times in one pass, must be {calls}. A fused or compiled "
                "kernel (use_kernels, Liger, torch.compile) or a quantised MLP does not call it, "
                "and a module that layers share is called several times: load the model without "
                "kernels, or collect another kind"
            )


def not_finite(sums: LayerSums) -> Tensor:
    """Bool ``(2, M)``: modalities whose maximum, or whose sum, is not a number."""
    top = sums.max.isnan() | (sums.max == torch.inf)
    flags = torch.stack([top, ~sums.sum.isfinite() & (sums.n > 0).unsqueeze(-1)])
    return flags.any(-1).any(1)


def check_finite(flags: Sequence[tuple[Site, Tensor]], names: Sequence[str]) -> None:
    """Refuse sums that are not finite; waits for the device once.

    Args:
        flags: of each layer, from :func:`not_finite`.
        names: the ``M`` modalities.

    Raises:
        AnalysisError: naming the first such layer and its modalities.
    """
    if not flags:
        return
    broken = torch.stack([flag.to(flags[0][1].device) for _, flag in flags])
    if not bool(broken.any()):
        return
    for (site, _), (top, total) in zip(flags, broken.tolist(), strict=True):
        which = [n for n, bad in zip(names, top if any(top) else total, strict=True) if bad]
        if which:
            raise AnalysisError(
                f"activations of layer {site.layer} ({site.path}) are not finite for "
                f"{', '.join(which)} tokens: run the model in bfloat16 or float32, and look at its "
                "weights and inputs"
            )
