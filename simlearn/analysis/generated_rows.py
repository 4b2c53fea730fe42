"""Which rows of a batch still write, while a model generates."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from simlearn.analysis.layer_sums import TokenPlan, plan_tokens

if TYPE_CHECKING:
    from simlearn.analysis.adapter import ModelAdapter


class GeneratedRows:
    """Follows the ids that are fed back; a context manager.

    A row is left out from its end-of-sequence token on (``generation_config.eos_token_id``),
    so that what is counted of a row does not depend on the rows beside it. The last token that is
    written is never fed back and not counted.

    Args:
        adapter: of the model.
        names: the modalities, with "generated" among them.
    """

    def __init__(self, adapter: ModelAdapter, names: Sequence[str]) -> None:
        self.adapter, self.place, self.size = adapter, names.index("generated"), len(names)
        self._ids = torch.zeros((0, 0), dtype=torch.int64)
        self._over = torch.zeros(0, dtype=torch.bool)
        self._handle: Any = None

    def __enter__(self) -> GeneratedRows:
        embeddings = self.adapter.model.get_input_embeddings()
        self._handle = embeddings.register_forward_pre_hook(self._hear)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._handle.remove()

    def start(self, rows: int) -> None:
        """The prompts of so many rows are read."""
        self._over = torch.zeros(rows, dtype=torch.bool, device=self.adapter.device)

    def plan(self) -> TokenPlan:
        """The plan of a decoding step: one "generated" token of each row that still writes."""
        ends = self.adapter.model.generation_config.eos_token_id
        for end in ends if isinstance(ends, (list, tuple)) else [ends]:
            if end is not None:
                self._over = self._over | (self._ids[:, -1] == end)
        onehot = self._over.new_zeros((len(self._over), self.size, 1))
        onehot[:, self.place, 0] = ~self._over
        return plan_tokens(onehot)

    def _hear(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        """Ids on their way into the embeddings."""
        self._ids = args[0]
