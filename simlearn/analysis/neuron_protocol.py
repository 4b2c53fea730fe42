"""How modality-specific neurons are mined, masked and measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from simlearn.analysis.aggregate import WEIGHTS
from simlearn.analysis.answer_protocol import Method, Split
from simlearn.analysis.selection import STRATEGIES
from simlearn.analysis.splits import SPLITS

Attention = Literal["reference", "received", "none"]
MOST_RATIOS = 20


@dataclass(frozen=True, kw_only=True)
class NeuronMasks:
    """MINER (arXiv 2410.04819): scores, selection, deactivation, and the controls beside it.

    Args:
        weights: name of the weighting of the five scores, one of ``aggregate.WEIGHTS``.
        strategy: how neurons are selected, one of ``selection.STRATEGIES`` but "random".
        split: which modalities are kept apart, one of ``splits.SPLITS``.
        attn: attention behind the scores attn_k and attn_q: "reference" as the released code has
            it, "received" the mass that a token gets, "none" for weights without them.
        causal: of "reference": the second softmax runs over allowed pairs alone.
        ratio: share of the neurons that the report is about, one of ``ratios``.
        ratios: shares that are masked one after the other.
        controls: random masks of the same size in every layer, beside each mined one.
        value: what a masked neuron's activation becomes; ``None`` for the smallest of each call.
        complement: also mask everything but the selected neurons, at ``ratio``.
        transfer: also mask what each data set alone selects, at ``ratio``, where there are two.
        geometry: measure where the modalities lie, before and after deactivation.
        batch_size: questions run at once.
        method: as for :class:`QuestionAnswering`.
        max_new_tokens: of "generate".
        bootstrap: resamples for the 95 % intervals.
        split_asked: "test", or "val".

    Raises:
        ValueError: a number out of its range, or an unknown word.
    """

    weights: str = "default"
    strategy: str = "LA_MU"
    split: str = "special_text_separate"
    attn: Attention = "reference"
    causal: bool = False
    ratio: float = 0.02
    ratios: tuple[float, ...] = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
    controls: int = 20
    value: float | None = 0.0
    complement: bool = True
    transfer: bool = True
    geometry: bool = True
    batch_size: int = 64
    method: Method = "next_token"
    max_new_tokens: int = 32
    bootstrap: int = 2000
    split_asked: Split = "test"

    def __post_init__(self) -> None:
        for name, words in (
            ("weights", tuple(WEIGHTS)),
            ("strategy", tuple(s for s in STRATEGIES if s != "random")),
            ("split", tuple(SPLITS)),
            ("attn", get_args(Attention)),
            ("method", get_args(Method)),
            ("split_asked", get_args(Split)),
        ):
            if getattr(self, name) not in words:
                raise ValueError(
                    f"evaluation.{name} is {getattr(self, name)!r}, must be one of "
                    f"{', '.join(words)}"
                )
        for name in ("batch_size", "max_new_tokens", "bootstrap", "controls"):
            if getattr(self, name) < 1:
                raise ValueError(f"evaluation.{name} is {getattr(self, name)}, must be at least 1")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"evaluation.value is {self.value}, must be a number or null")
        if not 1 <= len(self.ratios) <= MOST_RATIOS or not all(0 < r <= 1 for r in self.ratios):
            raise ValueError(
                f"evaluation.ratios are {list(self.ratios)}: 1 to {MOST_RATIOS} shares in (0, 1]"
            )
        if self.ratio not in self.ratios:
            raise ValueError(
                f"evaluation.ratio is {self.ratio}, which is none of evaluation.ratios "
                f"{list(self.ratios)}"
            )
        if self.attn == "none" and any(WEIGHTS[self.weights][3:]):
            raise ValueError(
                f"evaluation.weights={self.weights} weighs attention and evaluation.attn is none: "
                "use evaluation.weights=mean_max, or evaluation.attn=reference"
            )
