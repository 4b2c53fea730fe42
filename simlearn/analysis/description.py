"""What an adapter found in a model, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.sites import KINDS

if TYPE_CHECKING:
    from simlearn.analysis.adapter import ModelAdapter


def describe_adapter(adapter: ModelAdapter) -> str:
    """Lines: class and family; layers x width and path of each part and kind; unused layers."""
    name, family = type(adapter.model).__name__, adapter.family
    entry = (
        f"family {family.name}"
        if family.known
        else f"no entry for {family.name}: resolved by structure; the model itself checks how many "
        "features its media give"
    )
    lines = [f"{name} ({entry})"]
    for part in adapter.parts():
        for kind in KINDS:
            try:
                sites = adapter.sites(part, kind)
            except AnalysisError:
                lines.append(f"  {part} {kind}: none")
                continue
            widths = "/".join(str(w) for w in dict.fromkeys(s.width for s in sites))
            first = sites[0]
            lines.append(f"  {part} {kind}: {len(sites)} x {widths}, {first.io} of {first.path}")
    if "vision" in adapter.parts() and (unused := unused_vision_layers(adapter)):
        lines.append(
            f"  vision layers {', '.join(map(str, unused))} cannot affect the text: "
            f"vision_feature_layer = {adapter.model.config.vision_feature_layer}"
        )
    return "\n".join(lines)


def unused_vision_layers(adapter: ModelAdapter) -> list[int]:
    """Vision layers behind the last one that features are taken from.

    ``vision_feature_layer`` of LLaVA counts hidden states: 0 before the first block, -1 behind the
    last, -2 before the last.
    """
    taken = getattr(adapter.model.config, "vision_feature_layer", None)
    if taken is None:
        return []
    layers = len(adapter.sites("vision", "residual"))
    used = max(t % (layers + 1) for t in ([taken] if isinstance(taken, int) else taken))
    return list(range(used, layers))
