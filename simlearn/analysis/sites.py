"""Where in a model activations are read or changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import nn

Part = Literal["text", "vision", "audio", "projector"]
Kind = Literal["act", "product", "residual", "attn_out"]
KINDS: tuple[Kind, ...] = ("act", "product", "residual", "attn_out")


@dataclass(frozen=True, eq=False)
class Site:
    """One place of one layer.

    Attributes:
        part: "text", "vision", "audio" or "projector".
        kind: "act": output of the MLP's activation function (before the product with ``up_proj``
            in a gated MLP; MINER's and MMNeuron's neurons); "product": input of ``down_proj``;
            "residual": output of the block; "attn_out": output of the attention module.
        layer: number from 0 within the part.
        path: name of ``module`` within the model.
        module: what a hook is put on.
        io: whether the tensor is the module's "output" or its first "input".
        width: size of the tensor's last axis.
    """

    part: Part
    kind: Kind
    layer: int
    path: str
    module: nn.Module
    io: Literal["input", "output"]
    width: int
