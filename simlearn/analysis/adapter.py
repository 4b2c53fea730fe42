"""One view of every multimodal language model: its parts, sites, tokens and passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from simlearn.analysis.description import describe_adapter
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.families import family_of
from simlearn.analysis.model_checks import (
    check_model,
    check_tokenizer,
    fingerprint_of,
    special_ids,
)
from simlearn.analysis.model_inputs import model_inputs
from simlearn.analysis.passes import Logits, run_forward, run_generate
from simlearn.analysis.placeholders import (
    check_placeholders,
    media_features,
    placeholder_ids,
    token_codes,
)
from simlearn.analysis.sites import Kind, Part, Site
from simlearn.analysis.structure import (
    find_blocks,
    find_decoder,
    find_encoder,
    find_projector,
    find_sites,
)
from simlearn.analysis.tokens import TokenModality

if TYPE_CHECKING:
    from simlearn.data.questions import Question


class ModelAdapter:
    """A transformers model as it is, with its places and tokens named.

    Nothing of the model is changed. Families of the table (:mod:`simlearn.analysis.families`) and
    others alike are resolved by ``get_decoder``, ``get_encoder`` and structure.

    Args:
        model: LLaVA, LLaVA-NeXT, Qwen2-VL, Qwen2.5-VL, Qwen2-Audio or one built alike.
        processor: its processor (or tokenizer): names special tokens, encodes questions.
        text_only: take a model that only reads text.

    Attributes:
        model, processor: as given.
        family: entry of the table; ``family.known`` is ``False`` where there is none.
        decoder: the language model: has ``layers`` and a final norm.
        placeholders: id of the placeholder by media code (3 image, 4 video, 5 audio).
        special: ids of the tokens that are "special".
        shape: ``(L, N)``: blocks and neurons (kind "act") of the language model.
        fingerprint: 16 hex digits of configuration class, model type and text sizes.

    Raises:
        AnalysisError: a text-only, sequence-to-sequence, compiled or headless model; neurons
            that are not found; a processor of another model.
    """

    def __init__(self, model: Any, processor: Any = None, *, text_only: bool = False) -> None:
        check_model(model)
        self.model = model
        self.processor = processor
        self.family = family_of(model.config.model_type)
        self.decoder = find_decoder(model)
        self._towers = self._find_towers()
        if not text_only and not set(self.parts()) & {"vision", "audio"}:
            raise AnalysisError(
                f"{type(model).__name__} only reads text: no vision or audio encoder was found. "
                "Give a multimodal model (LlavaForConditionalGeneration, "
                "Qwen2VLForConditionalGeneration, ...), or text_only=True to analyse its text"
            )
        self.placeholders = {} if text_only else placeholder_ids(model.config)
        if not text_only and not self.placeholders:
            raise AnalysisError(
                f"{type(model.config).__name__} names no placeholder token: set image_token_id, "
                "video_token_id or audio_token_id to its id"
            )
        if processor is not None:
            check_tokenizer(model, processor, self.placeholders)
        self.special = special_ids(model, processor, self.family.special, self.family.known)
        self._sites: dict[str, list[Site]] = {}
        acts = self.sites()
        self.shape = (len(acts), acts[0].width)
        self.fingerprint = fingerprint_of(model, self.shape)
        self._stateful = [m for m in model.modules() if hasattr(m, "rope_deltas")]

    @property
    def device(self) -> torch.device:
        """Where the input embeddings are, and a batch has to be."""
        return self.model.get_input_embeddings().weight.device

    def parts(self) -> tuple[str, ...]:
        """Those that there are, of "text", "vision", "audio", "projector"."""
        return tuple(self._towers)

    def sites(self, part: Part | str = "text", kind: Kind | str = "act") -> list[Site]:
        """Places of one kind, in the order of the layers.

        Args:
            part: one of :meth:`parts`.
            kind: "act", "product", "residual" or "attn_out", see
                :class:`~simlearn.analysis.sites.Site`.

        Raises:
            AnalysisError: the model has none; the text names those that there are.
        """
        if part not in self._towers:
            raise AnalysisError(
                f"{type(self.model).__name__} has no part {part!r}; it has "
                f"{', '.join(self.parts())}"
            )
        if part not in self._sites:
            tower, text = self._towers[part], self.model.config.get_text_config(decoder=True)
            blocks = [tower] if part == "projector" else find_blocks(tower)
            width = text.hidden_size if part in ("text", "projector") else 0
            self._sites[part] = find_sites(self.model, cast(Part, part), blocks, width)
        found = [s for s in self._sites[part] if s.kind == kind]
        layers = sum(s.kind == "residual" for s in self._sites[part])
        if len(found) < layers:
            kinds = dict.fromkeys(s.kind for s in self._sites[part])
            raise AnalysisError(
                f"{len(found)} of {layers} layers of the {part} part of "
                f"{type(self.model).__name__} have a place {kind!r}; there are {', '.join(kinds)}. "
                "Layers of experts, fused ones and gated ones that share one activation module "
                "have no output of an activation to read"
            )
        return found

    def token_modality(self, batch: Mapping[str, Tensor]) -> TokenModality:
        """The code of every token by its id, on the batch's device; checks the batch.

        Padding is where ``attention_mask`` is 0; bos, eos, pad and the family's marks are
        "special" where they are attended to. What ``generate`` writes is not in a batch yet.

        Raises:
            AnalysisError: as for :meth:`check`.
        """
        self.check(batch)
        return TokenModality(
            token_codes(
                batch["input_ids"], batch.get("attention_mask"), self.placeholders, self.special
            )
        )

    def check(self, batch: Mapping[str, Tensor]) -> None:
        """Compare placeholder tokens with the features that the media give.

        No encoder runs. Of families that are not in the table only the presence of media is
        checked here, the number by the model's own check. Old batches of Qwen2-Audio with one
        placeholder per audio are refused: the model would lengthen the prompt within, and no code
        would fit its tokens; a current processor repeats the placeholder.

        Raises:
            AnalysisError: both counts and the way out.
        """
        ids = batch["input_ids"]
        check_placeholders(
            {code: ids == token for code, token in self.placeholders.items()},
            media_features(self.model, self.family, batch),
        )

    def forward(self, batch: Mapping[str, Tensor], *, logits: Logits = "none") -> Tensor | None:
        """One pass over the prompts; whether with gradients is the caller's decision.

        Args:
            batch: as a processor returns it; padded left or right; moved to :attr:`device`.
            logits: "none": the language model's head does not run; "last": of each row's last
                token that is attended to; "all".

        Returns:
            ``None``, ``(B, V)`` or ``(B, T, V)``.

        Raises:
            AnalysisError: as for :meth:`check`.
            ValueError: an unknown ``logits``.
        """
        if logits not in ("none", "last", "all"):
            raise ValueError(f"logits is {logits!r}, must be 'none', 'last' or 'all'")
        self.check(batch)
        self.reset()
        return run_forward(self.model, self._inputs(batch), logits)

    def generate(self, batch: Mapping[str, Tensor], *, max_new_tokens: int, **kw: Any) -> Tensor:
        """Write answers, greedily unless told otherwise; nothing is compiled.

        Args:
            batch: padded left; moved to :attr:`device`.
            max_new_tokens: at most so many.
            kw: of transformers' ``generate``.

        Returns:
            Ids of the new tokens ``(B, new)``; pad ids behind an end.

        Raises:
            AnalysisError: as for :meth:`check`; rows that are padded right.
        """
        self.check(batch)
        self.reset()
        out = run_generate(self.model, self._inputs(batch), max_new_tokens=max_new_tokens, **kw)
        self.reset()
        return out

    def reset(self) -> None:
        """Forget what the model keeps from pass to pass: the ``rope_deltas`` of Qwen2-VL."""
        for module in self._stateful:
            module.rope_deltas = None

    def unembed(self, h: Tensor, *, norm: bool = True) -> Tensor:
        """Logits of hidden states, as the head would give them (logit lens).

        Args:
            h: ``(..., d)``; the output of a block, before the final norm.
            norm: apply the final norm first; ``False`` for what is normed already.

        Returns:
            ``(..., V)``, without soft capping or scaling that a family adds behind its head.
        """
        last = getattr(self.decoder, "norm", None) or getattr(
            self.decoder, "final_layer_norm", None
        )
        return self.model.get_output_embeddings()(last(h) if norm and last is not None else h)

    def encode(self, questions: Sequence[Question]) -> dict[str, Tensor]:
        """Questions as a batch on :attr:`device`, padded left.

        Through the chat template of the processor; without one, placeholder and text.

        Raises:
            AnalysisError: no processor, or one that cannot take what is asked about.
            DataError: a picture or sound that cannot be read.
        """
        from simlearn.analysis.encode import encode_questions

        if self.processor is None:
            raise AnalysisError("questions need a processor: ModelAdapter(model, processor)")
        batch = encode_questions(questions, self.processor, self.family, self.placeholders)
        return {key: value.to(self.device) for key, value in batch.items()}

    def describe(self) -> str:
        """What was found: family, parts, layers x width, paths, layers without effect."""
        return describe_adapter(self)

    def _inputs(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """The batch on the device with positions and kinds of tokens."""
        return model_inputs(self.model.base_model, batch, self.placeholders, self.device)

    def _find_towers(self) -> dict[str, nn.Module]:
        """The module of each part that there is."""
        towers = {"text": self.decoder}
        for part, modality in (("vision", "image"), ("audio", "audio")):
            encoder = find_encoder(self.model, modality)
            if encoder is not None and find_blocks(encoder):
                towers[part] = encoder
        if len(towers) > 1:
            projector = find_projector(self.model, self.decoder)
            if projector is not None:
                towers["projector"] = projector
        return towers


def hidden(output: Any) -> Tensor:
    """The first tensor of what a module returns: itself, or first of a tuple or model output."""
    return output if isinstance(output, Tensor) else output[0]
