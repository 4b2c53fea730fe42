"""Fill accumulators with the activations of a model, layer by layer, while it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from simlearn.analysis.attention_probe import MODES, AttentionMode, AttentionProbe
from simlearn.analysis.collector_checks import (
    check_finite,
    check_fired,
    not_finite,
    refuse_unreadable,
)
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.generated_rows import GeneratedRows
from simlearn.analysis.layer_sums import TokenPlan, layer_sums, plan_tokens, plan_whole
from simlearn.analysis.memory_guard import check_memory
from simlearn.analysis.phase import Phase
from simlearn.analysis.sites import Kind, Part, Site
from simlearn.analysis.stats import Accumulator, ActivationStats
from simlearn.analysis.tokens import MODALITIES, PAD, TokenModality

if TYPE_CHECKING:
    from simlearn.analysis.adapter import ModelAdapter

WHOLE = ("all",)
"""Modality of the tokens of an encoder or a projector: there is one."""
MEDIA = {
    "text": MODALITIES,
    "vision": ("image", "video"),
    "audio": ("audio",),
    "projector": ("image", "video", "audio"),
}
"""Modalities of the prompt for which a part has to run."""


class Collector:
    """Reduces activations inside hooks; a context manager. Nothing per token survives a layer.

    Before every pass :meth:`watch` says what the tokens are. Then every site must fire: exactly
    once in the language model; in an encoder equally often, as it runs once for pictures and once
    for videos. On leaving, also by an exception, all hooks are gone.

    Args:
        adapter: of the model, in eval mode.
        accumulators: each is given every layer of every pass.
        part: "text", "vision", "audio" or "projector".
        kind: of the sites.
        names: modalities to keep apart; other tokens are left out. Not used for other parts,
            whose tokens are all ``WHOLE`` (padded frames and tiles included).
        phase: "prefill" leaves decoding steps out; "all" counts them under "generated", of each
            row up to its end-of-sequence token.
        attn: where attention weights come from, see
            :func:`~simlearn.analysis.attention_probe.token_weights`.
        causal: of ``attn="reference"``, see there.

    Raises:
        ValueError: choices that do not go together.
        AnalysisError: no such sites.
    """

    def __init__(
        self,
        adapter: ModelAdapter,
        accumulators: Sequence[Accumulator],
        *,
        part: Part = "text",
        kind: Kind = "act",
        names: Sequence[str] = MODALITIES,
        phase: Literal["prefill", "all"] = "prefill",
        attn: AttentionMode = "none",
        causal: bool = False,
    ) -> None:
        if attn not in MODES or phase not in ("prefill", "all"):
            raise ValueError(f"attn={attn!r}, phase={phase!r}: there are {MODES}, prefill and all")
        if attn != "none" and (part != "text" or phase != "prefill"):
            raise ValueError("attention is read in the text part and the prefill only")
        if phase == "all" and (part != "text" or "generated" not in names):
            raise ValueError('phase="all" needs the text part and "generated" among the names')
        self.adapter, self.accumulators = adapter, tuple(accumulators)
        self.part, self.names = part, tuple(names) if part == "text" else WHOLE
        self.sites = adapter.sites(part, kind)
        self._phase = Phase(adapter.decoder)
        self._probe = None if attn == "none" else AttentionProbe(adapter, attn, causal=causal)
        self._rows = GeneratedRows(adapter, self.names) if phase == "all" else None
        self._stack = ExitStack()
        self._labels: Any = None
        self._plan: TokenPlan | None = None
        self._fired: Counter[int] = Counter()
        self._flags: list[tuple[Site, Tensor]] = []

    def __enter__(self) -> Collector:
        refuse_unreadable(self.adapter.model)
        self._forget()
        decoder = self.adapter.decoder
        with ExitStack() as stack:
            stack.enter_context(self._phase)
            stack.callback(decoder.register_forward_pre_hook(self._begin).remove)
            for site in self.sites:
                stack.callback(_attach(site, self._take).remove)
            stack.callback(decoder.register_forward_hook(self._end).remove)
            for part in (self._probe, self._rows):
                if part is not None:
                    stack.enter_context(part)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
        waiting = self._plan is not None
        self._forget()
        if kind is None and waiting:
            raise AnalysisError("watch() announced a pass, and the language model never ran")

    def watch(self, tokens: TokenModality, rows: Any = None) -> None:
        """Say what the next pass is about.

        Args:
            tokens: ``adapter.token_modality(batch)``.
            rows: what the rows are, handed on to the accumulators: for
                :class:`~simlearn.analysis.sample_scores.SampleScores` the number of each one's
                data set.
        """
        self._forget()
        self._labels = rows
        names = self.names if self.part == "text" else MEDIA[self.part]
        self._plan = plan_tokens(tokens.onehot(names))
        if self._probe is not None:
            self._probe.watch(tokens.codes != PAD, self._plan.onehot)

    def _forget(self) -> None:
        """No pass is announced, nothing has fired."""
        self._plan, self._fired, self._flags = None, Counter(), []
        if self._probe is not None:
            self._probe.watch(None, None)

    def _begin(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        """A pass of the language model begins."""
        if self._phase.name == "prefill":
            if self._plan is None:
                raise AnalysisError(
                    "the model ran without watch(adapter.token_modality(batch)) before it"
                )
            if self._rows is not None:
                self._rows.start(len(self._plan.onehot))
        elif self._rows is not None:
            self._plan = self._rows.plan()

    def _take(self, site: Site, x: Tensor) -> None:
        """Reduce one layer."""
        plan = self._plan
        if plan is None:  # a decoding step that is left out
            return
        self._fired[site.layer] += 1
        weights: tuple[Tensor, ...] = ()
        if self.part != "text":
            x = x.reshape(1, -1, x.shape[-1])
            plan = plan_whole(x)
        elif x.ndim != 3 or x.shape[:2] != plan.onehot.shape[::2]:
            raise AnalysisError(
                f"layer {site.layer} ({site.path}) has activations of {tuple(x.shape)}, the batch "
                f"has {plan.onehot.shape[0]} rows of {plan.onehot.shape[2]} tokens"
            )
        elif self._probe is not None and self._fired[site.layer] == 1:
            weights = self._probe.take(site.layer)
        sums = layer_sums(x, plan, *weights)
        self._flags.append((site, not_finite(sums)))
        for accumulator in self.accumulators:
            accumulator.add(site.layer, sums, self._labels)

    def _end(self, module: nn.Module, args: Any, output: Any) -> None:
        """A pass of the language model is over: did every site fire, are the sums finite."""
        plan, seen, flags = self._plan, self._fired, self._flags
        if plan is None:
            return
        self._forget()
        if self.part == "text":
            check_fired(self.sites, seen, 1)
        elif any(b for _, b in plan.extents):
            check_fired(self.sites, seen, None)
        check_finite(flags, self.names)


def _attach(site: Site, take: Any) -> Any:
    """Hang a hook on a site and return its handle."""
    if site.io == "input":
        return site.module.register_forward_pre_hook(lambda module, args: take(site, args[0]))
    return site.module.register_forward_hook(
        lambda module, args, output: take(site, output if isinstance(output, Tensor) else output[0])
    )


def collect(
    adapter: ModelAdapter | nn.Module,
    batches: Iterable[Mapping[str, Tensor]],
    *,
    part: Part = "text",
    attn: AttentionMode = "none",
    causal: bool = False,
    accumulators: Sequence[Accumulator] = (),
    max_bytes: int | None = None,
) -> ActivationStats:
    """Statistics of every neuron over prompts, by modality; memory does not grow with them.

    Args:
        adapter: or the model of transformers; in eval mode, where it is and as it is.
        batches: as a processor returns them, padded left or right.
        part: of the model; those of encoders and projectors have the one modality "all".
        attn: fills ``wsum`` (attn_k), see
            :func:`~simlearn.analysis.attention_probe.token_weights`.
        causal: of ``attn="reference"``.
        accumulators: others that are to be filled as well.
        max_bytes: most memory that the statistics may need; ``None`` for half of what is free.

    Returns:
        Disjoint modalities ``MODALITIES``, whether they occurred or not, padding left out. No
        batch: counts of 0.

    Raises:
        AnalysisError: a model, batch or kernel that does not fit, activations that are not finite,
            or not enough memory.
    """
    from simlearn.analysis.adapter import ModelAdapter

    adapter = adapter if isinstance(adapter, ModelAdapter) else ModelAdapter(adapter)
    stats = stats_for(adapter, part=part)
    everything = (stats, *accumulators)
    collector = Collector(adapter, everything, part=part, attn=attn, causal=causal)
    checked = -1
    with collector, torch.inference_mode():
        for batch in batches:
            if batch["input_ids"].numel() > checked:  # larger than those before
                check_memory(adapter, batch, everything, part=part, attn=attn, max_bytes=max_bytes)
                checked = batch["input_ids"].numel()
            collector.watch(adapter.token_modality(batch))
            adapter.forward(batch, logits="none")
    return stats


def stats_for(adapter: ModelAdapter, *, part: Part = "text") -> ActivationStats:
    """Empty statistics of a part's neurons (kind "act"), on the device of the adapter.

    Raises:
        AnalysisError: no such part, or layers of several widths.
    """
    sites = adapter.sites(part)
    widths = sorted({site.width for site in sites})
    if len(widths) > 1:
        raise AnalysisError(f"layers of the {part} part have {widths} neurons: must be the same")
    names = MODALITIES if part == "text" else WHOLE
    return ActivationStats.zeros(names, len(sites), widths[0], device=adapter.device)
