"""MINER's splits: which modalities are kept apart and which count as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.tokens import NAMES, TEXT, TokenModality
from simlearn.data.exclusions import closest

SPLITS: dict[str, dict[str, tuple[str, ...]]] = {
    "special_text_separate": {n: (n,) for n in ("text", "special", "image", "video", "audio")},
    "special_text_as_one": {
        "special_text": ("text", "special"),
        **{n: (n,) for n in ("image", "video", "audio")},
    },
    "prompt": {"prompt": ("text", "special", "image", "video", "audio")},
}
"""Members of each group, by split; the first is MINER's default. "generated" is in none."""


def split_groups(split: str) -> Mapping[str, tuple[str, ...]]:
    """The groups of a split with their members.

    Raises:
        AnalysisError: no such split.
    """
    if split not in SPLITS:
        near = closest(split, SPLITS)
        hint = f"did you mean {near!r}? " if near else ""
        raise AnalysisError(f"{split!r} is no split; {hint}there are {', '.join(SPLITS)}")
    return SPLITS[split]


def split_masks(tokens: TokenModality, split: str) -> tuple[tuple[str, ...], Tensor]:
    """Tokens of each group of a split.

    Returns:
        The names of the ``G`` groups and bool ``(B, G, T)``.

    Raises:
        AnalysisError: no such split.
    """
    groups = split_groups(split)
    masks = [tokens.select(*members) for members in groups.values()]
    return tuple(groups), torch.stack(masks, dim=1)


def merge_codes(tokens: TokenModality, split: str) -> TokenModality:
    """The same tokens with the members of a merged group coded as text.

    Scores are normalised within a modality, so those of a merged group cannot be had from its
    members' scores: merge before collecting, and rename afterwards with :func:`split_name`.

    Raises:
        AnalysisError: no such split.
    """
    codes = tokens.codes.clone()
    for members in split_groups(split).values():
        if len(members) > 1:
            codes[tokens.select(*members)] = TEXT
    return TokenModality(codes)


def split_name(name: str, split: str) -> str:
    """What a modality of merged codes is called: "text" becomes the name of the merged group.

    Raises:
        AnalysisError: no such split.
    """
    for group, members in split_groups(split).items():
        if len(members) > 1 and name == NAMES[TEXT]:
            return group
    return name


def drop_absent(scores: Tensor, names: Sequence[str]) -> tuple[Tensor, tuple[str, ...]]:
    """Leave out the modalities that did not occur: those whose scores are all 0.

    Args:
        scores: ``(M, L, N)`` aggregated scores.
        names: of the ``M`` modalities.

    Returns:
        Scores ``(M', L, N)`` and names of the others, in their order.
    """
    there = (scores != 0).flatten(1).any(1)
    return scores[there], tuple(
        n for n, is_there in zip(names, there.tolist(), strict=True) if is_there
    )
