"""Freeze the stages of a backbone below a cut."""

from __future__ import annotations

from simlearn.backbones.base import Backbone


def freeze_below(backbone: Backbone, cut: str) -> None:
    """Freeze every stage below ``cut``: no gradient, and eval mode whatever ``train()`` says.

    Parameters and buffers (the statistics of a batch norm) then stay as they are, bit for bit, and
    so do the activations at the cut. "input" freezes nothing and takes back an earlier call.

    Args:
        backbone: changed in place.
        cut: one of ``backbone.cuts``.

    Raises:
        ValueError: unknown cut.
    """
    below = tuple(list(backbone.stages)[: backbone.position(cut)])
    for name, stage in backbone.stages.items():
        if name in below or name in backbone.frozen:
            stage.requires_grad_(name not in below)
    backbone.frozen = below
    backbone.train(backbone.training)
