"""Whether the language model is reading the prompt or writing, by the length of its cache."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Literal

from torch import nn

from simlearn.analysis.errors import AnalysisError


class Phase:
    """Follows a decoder through ``forward`` and ``generate``; a context manager.

    One hook on the decoder itself, as the wrapper around it is not always called. It reads the
    length of the key-value cache: empty at the prompt ("prefill"), filled afterwards ("decode").

    Args:
        decoder: ``ModelAdapter.decoder``.

    Attributes:
        name: phase of the pass that runs or ran last; "prefill" before the first one.
        step: 0 for the prompt, 1, 2, ... for the tokens written after it.
    """

    def __init__(self, decoder: nn.Module) -> None:
        self.decoder = decoder
        self.name: Literal["prefill", "decode"] = "prefill"
        self.step = 0
        self._handle: Any = None

    def __enter__(self) -> Phase:
        self.name, self.step = "prefill", 0
        self._handle = self.decoder.register_forward_pre_hook(self._before, with_kwargs=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._handle.remove()

    def _before(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Sets the phase of the pass that begins.

        Raises:
            AnalysisError: several tokens follow a filled cache: the prompt in chunks or drafts
                that may be taken back; what belongs to which phase is then not known.
        """
        cache = kwargs.get("cache", kwargs.get("past_key_values"))
        if cache is None or int(cache.get_seq_length()) == 0:
            self.name, self.step = "prefill", 0
            return
        tokens = kwargs.get("inputs_embeds", kwargs.get("input_ids"))
        tokens = args[0] if tokens is None and args else tokens
        if tokens is not None and tokens.shape[1] > 1:
            raise AnalysisError(
                f"{tokens.shape[1]} tokens at once after a filled cache: generate without "
                "prefill_chunk_size and without an assistant model"
            )
        self.name, self.step = "decode", self.step + 1
