"""Where a transformers model keeps its decoder, its encoders and their neurons, by structure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, cast

from torch import nn

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.sites import Kind, Part, Site

ACTIVATIONS = ("act_fn", "activation_fn", "act", "intermediate_act_fn")
ATTENTIONS = ("self_attn", "attn", "attention", "self_attention")
_MLPS = ("mlp", "feed_forward", "ffn")
_ACTIVATION_CLASS = re.compile(r"(ELU|SiLU|Activation|Tanh|Mish)\w*$")
_PROJECTOR = re.compile(r"(^|\.)(connector|merger|\w*projector|\w*projection)$")


@dataclass(frozen=True, eq=False)
class FeedForward:
    """The feed-forward part of a block.

    Attributes:
        act: module of the activation function.
        width: neurons.
        down: linear map behind the activation (``down_proj``, ``fc2``); ``None`` where it stands
            in another module.
        gated: whether the activation is multiplied by ``up_proj`` before ``down``.
        stream: size of what ``down`` writes (or, without it, of what is read).
    """

    act: nn.Module
    width: int
    down: nn.Module | None
    gated: bool
    stream: int


def find_decoder(model: Any) -> nn.Module:
    """The language model's blocks: ``get_decoder()`` to its fixpoint; it has ``.layers``.

    Raises:
        AnalysisError: there are no such blocks.
    """
    decoder = model
    while (inner := decoder.get_decoder()) is not decoder:
        decoder = inner
    if not isinstance(getattr(decoder, "layers", None), nn.ModuleList):
        raise AnalysisError(
            f"{type(model).__name__}: get_decoder() leads to {type(decoder).__name__}, which has "
            f"no list `layers`; its children are {', '.join(dict(decoder.named_children()))}"
        )
    return decoder


def find_encoder(model: Any, modality: str) -> nn.Module | None:
    """The encoder of "image" or "audio" by ``get_encoder``; ``None`` where there is none."""
    encoder = model.get_encoder(modality=modality)
    none = encoder is model or encoder is model.base_model or encoder is find_decoder(model)
    return None if none else encoder


def find_projector(model: nn.Module, decoder: nn.Module) -> nn.Module | None:
    """The module between encoder and language model, by name: the one nearest to the root."""
    inside = {id(m) for m in decoder.modules()}
    named = [
        (name, module)
        for name, module in model.named_modules()
        if _PROJECTOR.search(name) and id(module) not in inside
    ]
    return min(named, key=lambda pair: pair[0].count("."))[1] if named else None


def find_blocks(tower: nn.Module) -> list[nn.Module]:
    """The blocks of a tower: its ``layers``, else its largest list of modules of one class."""
    layers = getattr(tower, "layers", None)
    if isinstance(layers, nn.ModuleList):
        return list(layers)
    lists: list[nn.Module] = [
        m for m in tower.modules() if isinstance(m, nn.ModuleList) and len({*map(type, m)}) == 1
    ]
    return list(max(lists, key=_size).children()) if lists else []


def find_feed_forward(block: nn.Module) -> FeedForward | None:
    """The feed-forward part of a block, in its MLP or (Qwen2-Audio) in the block itself."""
    holders = [getattr(block, name, None) for name in _MLPS]
    for holder in (*holders, block, getattr(block, "intermediate", None)):
        for name in ACTIVATIONS:
            act = getattr(holder, name, None)
            if isinstance(holder, nn.Module) and isinstance(act, nn.Module):
                return _feed_forward(holder, act)
    return None


def projector_feed_forward(projector: nn.Module) -> FeedForward | None:
    """The activation of a projector, by name or class; ``None`` where it is linear."""
    for holder in projector.modules():
        for name, child in holder.named_children():
            kind = type(child).__name__
            if name in ACTIVATIONS or (_ACTIVATION_CLASS.search(kind) and not _size(child)):
                return _feed_forward(holder, child)
    return None


def find_sites(model: nn.Module, part: Part, blocks: list[nn.Module], width: int = 0) -> list[Site]:
    """All sites of a part, of all kinds, in the order of its blocks.

    An activation module that several blocks share is no place for a hook: the input of the
    linear map behind it is the same tensor, unless the MLP is gated; then there is no "act" site.

    Args:
        model: holds the blocks; names are looked up in it.
        part: what the blocks are of.
        blocks: of the part; the projector alone for "projector".
        width: size of the residual stream (of the projector's output); 0: as the block has it.
    """
    names = {id(m): name for name, m in model.named_modules()}
    uses = Counter(id(child) for parent in model.modules() for child in parent.children())
    sites = []

    def put(kind: Kind, layer: int, module: nn.Module, io: Any, size: int) -> None:
        sites.append(Site(part, kind, layer, names[id(module)], module, io, size))

    for layer, block in enumerate(blocks):
        mlp = projector_feed_forward(block) if part == "projector" else find_feed_forward(block)
        if mlp is not None:
            if uses[id(mlp.act)] == 1:
                put("act", layer, mlp.act, "output", mlp.width)
            elif mlp.down is not None and not mlp.gated:
                put("act", layer, mlp.down, "input", mlp.width)
            if mlp.down is not None:
                put("product", layer, mlp.down, "input", mlp.width)
        own = width if width else _stream(block, mlp)
        put("residual", layer, block, "output", own)
        attention = next((m for n, m in block.named_children() if n in ATTENTIONS), None)
        if attention is not None and part != "projector":
            put("attn_out", layer, attention, "output", own)
    return sites


def _feed_forward(holder: nn.Module, act: nn.Module) -> FeedForward | None:
    """Sizes of a feed-forward part, from the linear maps beside its activation."""
    linears = [m for m in holder.children() if hasattr(m, "in_features")]
    if not linears:
        return None
    if isinstance(holder, nn.Sequential):
        children = list(holder)
        linears = [m for m in linears if children.index(m) > children.index(act)] or linears
        down = linears[0] if children.index(linears[0]) > children.index(act) else None
    else:
        named = getattr(holder, "down_proj", None) or getattr(holder, "fc2", None)
        down = named or (linears[-1] if len(linears) > 1 else None)
    width: Any = down.in_features if down is not None else linears[-1].out_features
    gated = len(linears) > 2 or (
        down is not None and linears[0] is not down and linears[0].out_features != width
    )
    stream: Any = down.out_features if down is not None else linears[0].in_features
    plain = isinstance(holder, nn.Sequential)
    return FeedForward(act, int(width), down, gated and not plain, int(stream))


def _stream(block: nn.Module, mlp: FeedForward | None) -> int:
    """Size of a block's residual stream: of what its MLP writes or reads, else of its norms."""
    if mlp is not None:
        return mlp.stream
    norms = [m for m in block.modules() if "Norm" in type(m).__name__ and hasattr(m, "weight")]
    return int(cast(Any, norms[0]).weight.shape[-1]) if norms else 0


def _size(module: nn.Module) -> int:
    """Number of a module's parameters."""
    return sum(p.numel() for p in module.parameters())
